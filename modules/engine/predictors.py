"""The raw UNet seen as what a sampler family works with: clean latents at a sigma, or noise at a timestep."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from modules.engine.levels import ConsistencyLevels, NoiseLevels
from modules.engine.model import DiffusionModel, Prediction
from modules.engine.word_guide import MASKED


class Predictor(Protocol):
    """One model call on a batch; `level` (N,) is a sigma or a timestep, as the family has it."""

    def __call__(self, x: Tensor, level: Tensor, context: Tensor, concat: Tensor | None) -> Tensor: ...

    def clean(self, x: Tensor, output: Tensor, level: Tensor) -> Tensor:
        """The estimate of clean latents that lies in an output of this predictor."""
        ...

    def pull(self, x: Tensor, level: Tensor, context: Tensor, concat: Tensor | None) -> Tensor | None:
        """What the model's guide of words adds to an output; None where the model has no such guide."""
        ...

    def excess(self, x: Tensor, output: Tensor, level: Tensor, concat: Tensor | None) -> Tensor | None:
        """What of a pulled output lies beyond black and white, to be taken away from it; None where the model's guide does not know."""
        ...


def _column(values: Tensor, like: Tensor) -> Tensor:
    """(N,) to (N, 1, 1, 1) on the device of `like`."""
    return values.to(like.device).view(-1, 1, 1, 1)


def _mask_of(concat: Tensor | None) -> Tensor | None:
    """The mask in an inpainting model's extra channels: the first of them."""
    return None if concat is None else concat[:, :1]


def _excess(model: DiffusionModel, clean: Tensor, concat: Tensor | None) -> Tensor | None:
    """What of clean latents lies beyond black and white, in masked cells."""
    guide, mask = model.word_guide, _mask_of(concat)
    if guide is None or guide.pixels is None:
        return None
    found = guide.pixels.excess(clean.float()).to(clean.dtype)
    return found if mask is None else found * (mask > MASKED)


class SigmaPredictor:
    """Clean latents at a noise level.

    Args:
        model: Predicts noise, or v.
        levels: Its noise levels.
        resizes_first: See `DiffusionModel.predict`.

    References:
        Karras et al., NeurIPS 2022, table 1 (VP preconditioning); Salimans & Ho, "Progressive Distillation", ICLR 2022,
        appendix D (v).
    """

    def __init__(self, model: DiffusionModel, levels: NoiseLevels, *, resizes_first: bool = False) -> None:
        self.model, self.levels, self._resizes_first = model, levels, resizes_first

    def __call__(self, x: Tensor, level: Tensor, context: Tensor, concat: Tensor | None) -> Tensor:
        timestep = self.levels.timestep(level).float().to(x.device)
        sigma = _column(level, x)
        c_in = 1 / (sigma**2 + 1.0) ** 0.5
        output = self.model.predict(x * c_in, timestep, context, concat, resizes_first=self._resizes_first)
        if self.model.prediction is Prediction.V:
            return output * (-sigma / (sigma**2 + 1.0) ** 0.5) + x / (sigma**2 + 1.0)
        return x + output * -sigma

    def clean(self, x: Tensor, output: Tensor, level: Tensor) -> Tensor:
        return output

    def pull(self, x: Tensor, level: Tensor, context: Tensor, concat: Tensor | None) -> Tensor | None:
        guide, sigma = self.model.word_guide, _column(level, x)
        if guide is None:
            return None
        scale = (sigma**2 + 1.0) ** 0.5
        timestep = self.levels.timestep(level).float().to(x.device)
        return sigma**2 / scale * guide.pull(x / scale, timestep, context, _mask_of(concat))

    def excess(self, x: Tensor, output: Tensor, level: Tensor, concat: Tensor | None) -> Tensor | None:
        return _excess(self.model, output, concat)


class ConsistencyPredictor(SigmaPredictor):
    """Clean latents as a latent consistency model parametrises them (Luo et al., 2023, equation 9; sigma_data 0.5, times 10)."""

    def __init__(self, model: DiffusionModel, levels: ConsistencyLevels) -> None:
        super().__init__(model, levels)

    def __call__(self, x: Tensor, level: Tensor, context: Tensor, concat: Tensor | None) -> Tensor:
        scaled = _column(self.levels.timestep(level).float(), x) * 10.0
        c_skip = 0.25 / (scaled**2 + 0.25)
        c_out = scaled / (scaled**2 + 0.25) ** 0.5
        return c_out * super().__call__(x, level, context, concat) + c_skip * x


class NoisePredictor:
    """Noise at a timestep of the trained table.

    Args:
        model: Predicts noise, or v.
        alphas_cumprod: (T,) float32, or float16 if so rounded.
    """

    def __init__(self, model: DiffusionModel, alphas_cumprod: Tensor) -> None:
        self.model, self.alphas_cumprod = model, alphas_cumprod.detach().cpu()

    def __call__(self, x: Tensor, level: Tensor, context: Tensor, concat: Tensor | None) -> Tensor:
        output = self.model.predict(x, level.float().to(x.device), context, concat)
        if self.model.prediction is Prediction.V:
            alpha = self._alpha(x, level)
            return alpha.sqrt() * output + (1 - alpha).sqrt() * x
        return output

    def clean(self, x: Tensor, output: Tensor, level: Tensor) -> Tensor:
        alpha = self._alpha(x, level)
        return (x - (1 - alpha).sqrt() * output) / alpha.sqrt()

    def pull(self, x: Tensor, level: Tensor, context: Tensor, concat: Tensor | None) -> Tensor | None:
        guide = self.model.word_guide
        if guide is None:
            return None
        return -(1 - self._alpha(x, level)).sqrt() * guide.pull(x, level.float().to(x.device), context, _mask_of(concat))

    def excess(self, x: Tensor, output: Tensor, level: Tensor, concat: Tensor | None) -> Tensor | None:
        found, alpha = _excess(self.model, self.clean(x, output, level), concat), self._alpha(x, level)
        return None if found is None else found * -(alpha / (1 - alpha)).sqrt()

    def _alpha(self, x: Tensor, level: Tensor) -> Tensor:
        return _column(self.alphas_cumprod[level.cpu().to(torch.int64)], x)
