"""Sampling of latent consistency models."""

from __future__ import annotations

from torch import Tensor

from modules.engine.samplers.stepping import Denoise, Noise, OnStep


def lcm(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, on_step: OnStep) -> Tensor:
    """Song et al., "Consistency Models", ICML 2023, algorithm 1: clean latents at every step, noised again to the next level."""
    for sigma, sigma_next in zip(sigmas[:-1], sigmas[1:], strict=True):
        x = denoise(x, sigma)
        if sigma_next > 0:
            x = x + sigma_next * noise(sigma, sigma_next)
        on_step()
    return x
