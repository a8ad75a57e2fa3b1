"""A diffusion model of one Gaussian, whose every answer is known in closed form."""

from __future__ import annotations

from torch import Tensor

from modules.backends.fake import FakeModel
from modules.engine.levels import NoiseLevels
from modules.engine.model import ModelKind, Prediction


class GaussianModel(FakeModel):
    """Latents are N(mean, spread^2), each element by itself; the prompt moves the mean by its average vector.

    Args:
        channels: Of a latent.
        prediction: Noise or v.
        kind: Concatenated channels are averaged and added to the mean.
    """

    def __init__(self, channels: int = 4, prediction: Prediction = Prediction.EPSILON, kind: ModelKind = ModelKind.BASE) -> None:
        super().__init__(kind, channels, prediction)
        self.mean, self.spread = 0.7, 0.5
        self.levels = NoiseLevels(self.alphas_cumprod)
        self.batches: list[int] = []
        self.contexts: list[Tensor] = []

    def predict(self, x: Tensor, timestep: Tensor, context: Tensor, concat: Tensor | None = None, *, resizes_first: bool = False) -> Tensor:
        self.predict_calls += 1
        self.batches.append(len(x))
        self.contexts.append(context)
        mean = self.mean + self.pull(context).view(-1, 1, 1, 1)
        if concat is not None:
            mean = mean + concat.mean(dim=1, keepdim=True)
        alpha = (1 / (1 + self.levels.sigma(timestep) ** 2)).view(-1, 1, 1, 1)
        clean = self.expected(x / alpha.sqrt(), ((1 - alpha) / alpha).sqrt(), mean)
        noise = (x - alpha.sqrt() * clean) / (1 - alpha).sqrt()
        return noise if self.prediction is Prediction.EPSILON else alpha.sqrt() * noise - (1 - alpha).sqrt() * clean

    def expected(self, x: Tensor, sigma: Tensor, mean: Tensor | float) -> Tensor:
        """Clean latents expected behind x = clean + sigma * noise."""
        return (self.spread**2 * x + sigma**2 * mean) / (self.spread**2 + sigma**2)

    def flow(self, x: Tensor, sigma: float, sigma_end: float = 0.0) -> Tensor:
        """Where the probability flow takes `x` from `sigma` to `sigma_end`."""
        ratio = ((self.spread**2 + sigma_end**2) / (self.spread**2 + sigma**2)) ** 0.5
        return self.mean + (x - self.mean) * ratio

    @staticmethod
    def pull(context: Tensor) -> Tensor:
        """(B, tokens, width) -> (B,): how far a prompt moves the mean."""
        return context.mean(dim=(1, 2))
