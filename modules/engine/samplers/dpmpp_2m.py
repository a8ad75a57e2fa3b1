"""DPM-Solver++(2M): second order with one model call a step, by remembering the last."""

from __future__ import annotations

from torch import Tensor

from modules.engine.samplers.stepping import Denoise, Noise, OnStep


def dpmpp_2m(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, on_step: OnStep) -> Tensor:
    """Lu et al., "DPM-Solver++", 2022, algorithm 2 (data prediction, multistep), with alpha = 1 and lambda = -log sigma."""
    previous: Tensor | None = None
    for index, (sigma, sigma_next) in enumerate(zip(sigmas[:-1], sigmas[1:], strict=True)):
        denoised = denoise(x, sigma)
        h = sigma.log() - sigma_next.log()
        direction = denoised
        if previous is not None and sigma_next > 0:
            ratio = (sigmas[index - 1].log() - sigma.log()) / h
            direction = (1 + 1 / (2 * ratio)) * denoised - 1 / (2 * ratio) * previous
        x = sigma_next / sigma * x - (-h).expm1() * direction
        previous = denoised
        on_step()
    return x
