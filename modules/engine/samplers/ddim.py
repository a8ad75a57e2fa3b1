"""DDIM over the trained timesteps, plain and with CFG++."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from modules.engine.samplers.stepping import Denoise, Noise, OnStep


def ddim(
    denoise: Denoise, x: Tensor, timesteps: Tensor, noise: Noise, on_step: OnStep, *, alphas_cumprod: Tensor, eta: float = 0.0
) -> Tensor:
    """Song, Meng & Ermon, "Denoising Diffusion Implicit Models", ICLR 2021, equation 12.

    Args:
        denoise: (x, timestep) -> noise.
        x: Noised to one entry beyond `timesteps`.
        timesteps: Increasing; walked from the end. The first one is never evaluated (as in A1111): it is where the walk ends.
        noise: Drawn at every step, also for eta 0.
        on_step: Called after each step.
        alphas_cumprod: (T,) float32, or float16 if so rounded: then the roots of its entries are rounded too.
        eta: 0 = deterministic, 1 = DDPM.
    """
    return _walk(denoise, x, timesteps, noise, on_step, alphas_cumprod, eta, direction=lambda predicted: predicted)


def ddim_cfgpp(
    denoise: Denoise,
    x: Tensor,
    timesteps: Tensor,
    noise: Noise,
    on_step: OnStep,
    *,
    alphas_cumprod: Tensor,
    last_uncond: Callable[[], Tensor],
    eta: float = 0.0,
) -> Tensor:
    """Chung et al., "CFG++", ICLR 2025, algorithm 2: renoise with the unguided prediction.

    Args:
        last_uncond: The unguided part of the latest `denoise`; the rest as for `ddim`.
    """
    return _walk(denoise, x, timesteps, noise, on_step, alphas_cumprod, eta, direction=lambda _: last_uncond())


def _walk(
    denoise: Denoise,
    x: Tensor,
    timesteps: Tensor,
    noise: Noise,
    on_step: OnStep,
    alphas_cumprod: Tensor,
    eta: float,
    direction: Callable[[Tensor], Tensor],
) -> Tensor:
    for index in range(len(timesteps) - 1, 0, -1):
        alpha, alpha_next = alphas_cumprod[timesteps[index]], alphas_cumprod[timesteps[index - 1]]
        variance = (1 - alpha).reciprocal() * (1 - alpha_next.double()) * (1 - alpha.double() / alpha_next.double())
        spread = (eta * variance.clamp(min=0).sqrt()).float()
        predicted = denoise(x, float(timesteps[index]))
        towards = (1 - alpha_next.float() - spread**2).clamp(min=0).sqrt() * direction(predicted)
        x = alpha_next.float().sqrt() * clean_latents(x, predicted, alpha) + towards + spread * noise(0.0, 0.0)
        on_step()
    return x


def clean_latents(x: Tensor, predicted: Tensor, alpha: Tensor) -> Tensor:
    """`x` less the noise that is predicted in it: Ho et al., "Denoising Diffusion Probabilistic Models", NeurIPS 2020, equation 15."""
    return (x - (1 - alpha).sqrt().float() * predicted) / alpha.float().sqrt()


def noise_to(latent: Tensor, noise: Tensor, alpha: Tensor) -> Tensor:
    """Forward diffusion: Ho et al., "Denoising Diffusion Probabilistic Models", NeurIPS 2020, equation 4."""
    return latent * torch.sqrt(alpha).item() + noise * torch.sqrt(1 - alpha).item()
