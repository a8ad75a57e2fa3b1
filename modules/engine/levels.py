"""Noise levels of a trained model: its 1000 timesteps as sigmas, and the way between the two.

References:
    Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models", NeurIPS 2022, appendix C.
"""

from __future__ import annotations

import torch
from torch import Tensor


def adjust_alphas(alphas_cumprod: Tensor, *, is_downcast: bool = False, has_zero_terminal_snr: bool = False) -> Tensor:
    """Alter a noise schedule the ways that options offer.

    Args:
        alphas_cumprod: (T,) float32, decreasing.
        is_downcast: Round to half precision, as early web UIs did by accident.
        has_zero_terminal_snr: Rescale so that the last step is (almost) pure noise.

    Returns:
        (T,) float32, or float16 with `is_downcast`: A1111 then computes everything that is derived from it in half precision too.

    References:
        Lin et al., "Common Diffusion Noise Schedules and Sample Steps are Flawed", WACV 2024, algorithm 1.
    """
    alphas = alphas_cumprod.half() if is_downcast else alphas_cumprod
    if not has_zero_terminal_snr:
        return alphas
    root = alphas.sqrt()
    first, last = root[0].clone(), root[-1].clone()
    rescaled = ((root - last) * (first / (first - last))) ** 2
    rescaled[-1] = 4.8973451890853435e-08
    return rescaled


class NoiseLevels:
    """Sigmas of a model's timesteps, increasing.

    Args:
        alphas_cumprod: (T,) float32, or float16 to compute the table in half precision.
        is_quantized: Timesteps are those of the nearest entry, not fractional.

    Attributes:
        sigmas: (T,) on the CPU, in the precision of `alphas_cumprod`.
    """

    def __init__(self, alphas_cumprod: Tensor, is_quantized: bool = False) -> None:
        alphas, self.is_quantized = alphas_cumprod.detach().cpu(), is_quantized
        self.sigmas = ((1 - alphas) / alphas) ** 0.5
        self.log_sigmas = self.sigmas.log()

    @property
    def sigma_min(self) -> float:
        return self.sigmas[0].item()

    @property
    def sigma_max(self) -> float:
        return self.sigmas[-1].item()

    def timestep(self, sigma: Tensor) -> Tensor:
        """Timestep of each sigma: fractional, linear in log sigma, clamped to the table; or that of the nearest entry."""
        log_sigma = sigma.cpu().log()
        distance = log_sigma - self.log_sigmas[:, None]
        if self.is_quantized:
            return distance.abs().argmin(dim=0).view(sigma.shape)
        low = distance.ge(0).cumsum(dim=0).argmax(dim=0).clamp(max=len(self.sigmas) - 2)
        log_low, log_high = self.log_sigmas[low], self.log_sigmas[low + 1]
        share = ((log_low - log_sigma) / (log_low - log_high)).clamp(0, 1)
        return ((1 - share) * low + share * (low + 1)).view(sigma.shape)

    def sigma(self, timestep: Tensor) -> Tensor:
        """Sigma of each (fractional) timestep, log-linear between entries."""
        t = timestep.float().cpu()
        low, high, share = t.floor().long(), t.ceil().long(), t.frac()
        return ((1 - share) * self.log_sigmas[low] + share * self.log_sigmas[high]).exp()

    def model_schedule(self, n: int) -> Tensor:
        """(n + 1,) sigmas at n timesteps spaced evenly from the last to the first, then 0."""
        return with_zero(self.sigma(torch.linspace(len(self.sigmas) - 1, 0, n)))


class ConsistencyLevels(NoiseLevels):
    """The 50 timesteps (19, 39, ... 999) that latent consistency models are distilled at.

    References:
        Luo et al., "Latent Consistency Models", 2023, section 4.3 (skipping-step).
    """

    def __init__(self, alphas_cumprod: Tensor, kept: int = 50) -> None:
        self.stride = len(alphas_cumprod) // kept
        super().__init__(alphas_cumprod[self.stride - 1 :: self.stride].float(), is_quantized=True)

    def timestep(self, sigma: Tensor) -> Tensor:
        return super().timestep(sigma) * self.stride + (self.stride - 1)

    def sigma(self, timestep: Tensor) -> Tensor:
        index = (timestep.cpu() - (self.stride - 1)) / self.stride
        return super().sigma(index.float().clamp(0, len(self.sigmas) - 1))

    def model_schedule(self, n: int) -> Tensor:
        ends = self.timestep(torch.tensor([self.sigma_max, self.sigma_min]))
        return with_zero(self.sigma(torch.linspace(float(ends[0]), float(ends[1]), n)))


def with_zero(sigmas: Tensor) -> Tensor:
    """`sigmas` and a final 0."""
    return torch.cat([sigmas, sigmas.new_zeros([1])])
