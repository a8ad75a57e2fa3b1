"""The ancestral walk of DDPM, between any two noise levels."""

from __future__ import annotations

from torch import Tensor

from modules.engine.samplers.stepping import Denoise, Noise, OnStep, slope


def ddpm(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, on_step: OnStep) -> Tensor:
    """Ho et al., "Denoising Diffusion Probabilistic Models", NeurIPS 2020, algorithm 2: posterior of a jump from sigma to the next.

    Latents are scaled to unit variance before a step, and back to the next level after it.
    """
    for sigma, sigma_next in zip(sigmas[:-1], sigmas[1:], strict=True):
        predicted = slope(x, sigma, denoise(x, sigma))
        alpha_bar, alpha_bar_next = 1 / (sigma**2 + 1), 1 / (sigma_next**2 + 1)
        alpha = alpha_bar / alpha_bar_next
        scaled = x / (1 + sigma**2).sqrt()
        x = (scaled - (1 - alpha) / (1 - alpha_bar).sqrt() * predicted) / alpha.sqrt()
        if sigma_next > 0:
            variance = (1 - alpha) * (1 - alpha_bar_next) / (1 - alpha_bar)
            x = (x + variance.sqrt() * noise(sigma, sigma_next)) * (1 + sigma_next**2).sqrt()
        on_step()
    return x
