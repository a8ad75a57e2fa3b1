"""What every sampler is handed, and the arithmetic they share."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

Denoise = Callable[[Tensor, Tensor | float], Tensor]
"""(x (B, C, h, w), sigma or timestep) -> clean latents, or noise, (B, C, h, w)."""
Noise = Callable[[Tensor | float, Tensor | float], Tensor]
"""(sigma, next sigma) -> (B, C, h, w) of unit variance; image generators ignore the two."""
OnStep = Callable[[], None]
"""Called after each finished step."""


def slope(x: Tensor, sigma: Tensor, denoised: Tensor) -> Tensor:
    """dx/dsigma of the probability flow: Karras et al., NeurIPS 2022, equation 3."""
    return (x - denoised) / sigma


def log_snr(sigma: Tensor) -> Tensor:
    """Lambda = -log sigma, half the log of the signal-to-noise ratio where alpha = 1; infinite at 0."""
    return -sigma.log()


def level(lambda_: Tensor) -> Tensor:
    """The inverse of `log_snr`, but for rounding: samplers that work in lambda use it in place of the sigma that they began with."""
    return (-lambda_).exp()


def split_ancestral(sigma: Tensor, sigma_next: Tensor, eta: float) -> tuple[Tensor, Tensor]:
    """Where to step down to, and how much noise to add, to arrive at `sigma_next` (Song et al., ICLR 2021, equation 16)."""
    if not eta:
        return sigma_next, sigma_next * 0
    up = (eta * (sigma_next**2 * (sigma**2 - sigma_next**2) / sigma**2) ** 0.5).minimum(sigma_next)
    return (sigma_next**2 - up**2) ** 0.5, up


def add_churn(x: Tensor, sigma: Tensor, sigma_next: Tensor, noise: Noise, gamma: float, s_noise: float) -> tuple[Tensor, Tensor]:
    """Noise `x` up a little before a step: Karras et al., NeurIPS 2022, algorithm 2, lines 5 and 6.

    A noise tensor is drawn also when nothing is added, so that the generators stay in step.
    """
    drawn = noise(sigma, sigma_next) * s_noise
    raised = sigma * (gamma + 1)
    return (x + drawn * (raised**2 - sigma**2) ** 0.5 if gamma > 0 else x), raised


def churn_gamma(sigma: Tensor, steps: int, s_churn: float, s_tmin: float, s_tmax: float) -> float:
    """Karras et al., NeurIPS 2022, algorithm 2, line 3; `s_tmax` 0 = no upper bound."""
    is_within = s_tmin <= float(sigma) <= (s_tmax or float("inf"))
    return min(s_churn / steps, 2**0.5 - 1) if is_within else 0.0
