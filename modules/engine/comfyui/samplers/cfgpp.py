"""Guidance that stays on the manifold: steps go to the guided clean latents, and are noised again by the unguided prediction.

References:
    Chung et al., "CFG++: Manifold-constrained Classifier Free Guidance for Diffusion Models", ICLR 2025 (algorithm 2, and
    its appendix for solvers of second order).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from torch import Tensor

from modules.engine.samplers.stepping import Denoise, Noise, OnStep, level, log_snr, slope, split_ancestral

LastUncond = Callable[[], Tensor]
"""Clean latents (B, C, h, w) that the negative prompt alone gave in the latest call of `denoise`, before any mask."""


def euler_ancestral_cfg_pp(
    denoise: Denoise,
    x: Tensor,
    sigmas: Tensor,
    noise: Noise,
    on_step: OnStep,
    *,
    last_uncond: LastUncond,
    eta: float = 1.0,
    s_noise: float = 1.0,
) -> Tensor:
    """CFG++ in sigma form, with the ancestral noise of Song et al., ICLR 2021; `eta` 0 = Euler's method."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        if sigma_next == 0:
            x = denoised
        else:
            down, up = split_ancestral(sigma, sigma_next, eta)
            x = denoised + down * slope(x, sigma, last_uncond())
            if eta:
                x = x + noise(sigma, sigma_next) * s_noise * up
        on_step()
    return x


def dpmpp_2s_ancestral_cfg_pp(
    denoise: Denoise,
    x: Tensor,
    sigmas: Tensor,
    noise: Noise,
    on_step: OnStep,
    *,
    last_uncond: LastUncond,
    eta: float = 1.0,
    s_noise: float = 1.0,
) -> Tensor:
    """DPM-Solver++(2S) with r = 1/2: both halves start from the state moved by what guidance changed at their latest model call."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        down, up = split_ancestral(sigma, sigma_next, eta)
        if down == 0:
            x = denoised
        else:
            start, end = log_snr(sigma), log_snr(down)
            h = end - start
            middle = level(start + h / 2)
            x_middle = (-h / 2).exp() * (x + denoised - last_uncond()) - (-h / 2).expm1() * denoised
            denoised_middle = denoise(x_middle, middle)
            x = (-h).exp() * (x + denoised - last_uncond()) - (-h).expm1() * denoised_middle
        if sigma_next > 0:
            x = x + noise(sigma, sigma_next) * s_noise * up
        on_step()
    return x


def dpmpp_2m_cfg_pp(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, on_step: OnStep, *, last_uncond: LastUncond) -> Tensor:
    """DPM-Solver++(2M), its memory being of unguided predictions."""
    before: Tensor | None = None
    h_before = sigmas.new_zeros(())
    for sigma, sigma_next in pairwise(sigmas):
        denoised, h = denoise(x, sigma), log_snr(sigma_next) - log_snr(sigma)
        uncond = last_uncond()
        x = denoised + (-h).exp() * (x - uncond)
        if before is not None and sigma_next > 0:
            x = x - (-h).expm1() * h / (2 * h_before) * (denoised - before)
        before, h_before = uncond, h
        on_step()
    return x
