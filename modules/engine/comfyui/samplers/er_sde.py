"""ER-SDE-Solver: the reverse equation with more noise than it needs, third order.

References:
    Cui et al., "Elucidating the Solution Space of Extended Reverse-Time SDE for Diffusion Models", 2023 (algorithm 3, variance
    exploding form, data prediction).
"""

from __future__ import annotations

import torch
from torch import Tensor

from modules.engine.samplers.stepping import Denoise, Noise, OnStep

_POINTS = 200
"""Of the sums that stand for integrals over a step."""


def _scale(sigma: Tensor) -> Tensor:
    """Phi of the solvers that the paper recommends: sigma (exp(sigma^0.3) + 10)."""
    return sigma * ((sigma**0.3).exp() + 10)


def er_sde(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, on_step: OnStep, *, s_noise: float = 1.0) -> Tensor:
    """Taylor's formula for the clean latents in sigma, up to the second derivative, by differences of the last three predictions."""
    known: list[tuple[Tensor, Tensor]] = []
    first_before: Tensor | None = None
    for sigma, sigma_next in zip(sigmas[:-1], sigmas[1:], strict=True):
        denoised = denoise(x, sigma)
        if sigma_next == 0:
            x = denoised
            on_step()
            continue
        ratio = _scale(sigma_next) / _scale(sigma)
        x = ratio * x + (1 - ratio) * denoised
        if known:
            change = sigma_next - sigma
            width = -change / _POINTS
            places = sigma_next + torch.arange(_POINTS, device=sigma.device) * width
            first = (denoised - known[-1][1]) / (sigma - known[-1][0])
            x = x + (change + (1 / _scale(places)).sum() * width * _scale(sigma_next)) * first
            if first_before is not None:
                second = (first - first_before) / ((sigma - known[-2][0]) / 2)
                integral = ((places - sigma) / _scale(places)).sum() * width
                x = x + (change**2 / 2 + integral * _scale(sigma_next)) * second
            first_before = first
        x = x + noise(sigma, sigma_next) * s_noise * (sigma_next**2 - (sigma * ratio) ** 2).sqrt().nan_to_num(nan=0.0)
        known = [*known[-1:], (sigma, denoised)]
        on_step()
    return x
