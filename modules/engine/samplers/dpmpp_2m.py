"""DPM-Solver++(2M): second order with one model call a step, by remembering the last."""

from __future__ import annotations

from torch import Tensor

from modules.engine.samplers.stepping import Denoise, Noise, OnStep, level, log_snr


def dpmpp_2m(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, on_step: OnStep) -> Tensor:
    """Lu et al., "DPM-Solver++", 2022, algorithm 2 (data prediction, multistep), with alpha = 1 and lambda = -log sigma."""
    previous: Tensor | None = None
    before = log_snr(sigmas[0])
    for sigma, sigma_next in zip(sigmas[:-1], sigmas[1:], strict=True):
        denoised = denoise(x, sigma)
        start, end = log_snr(sigma), log_snr(sigma_next)
        h = end - start
        direction = denoised
        if previous is not None and sigma_next > 0:
            ratio = (start - before) / h
            direction = (1 + 1 / (2 * ratio)) * denoised - (1 / (2 * ratio)) * previous
        x = level(end) / level(start) * x - (-h).expm1() * direction
        previous, before = denoised, start
        on_step()
    return x
