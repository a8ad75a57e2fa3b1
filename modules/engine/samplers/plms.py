"""Pseudo linear multistep over the trained timesteps."""

from __future__ import annotations

from torch import Tensor

from modules.engine.samplers.ddim import clean_latents
from modules.engine.samplers.stepping import Denoise, Noise, OnStep


def plms(denoise: Denoise, x: Tensor, timesteps: Tensor, noise: Noise, on_step: OnStep, *, alphas_cumprod: Tensor) -> Tensor:
    """Liu et al., "Pseudo Numerical Methods for Diffusion Models on Manifolds", ICLR 2022, algorithm 2.

    The first step is the improved Euler method (two model calls), later ones Adams-Bashforth of order 2, 3, 4.

    Args:
        denoise: (x, timestep) -> noise.
        x: Noised to one entry beyond `timesteps`.
        timesteps: Increasing; walked from the end down to the first, which is not evaluated as a step of its own.
        noise: Not used.
        on_step: Called after each step.
        alphas_cumprod: As for `ddim`.
    """

    def transfer(x: Tensor, predicted: Tensor, index: int) -> Tensor:
        """Equation 11 of the paper: DDIM's deterministic step."""
        alpha, alpha_next = alphas_cumprod[timesteps[index]], alphas_cumprod[timesteps[index - 1]].float()
        return alpha_next.sqrt() * clean_latents(x, predicted, alpha) + (1 - alpha_next).sqrt() * predicted

    memory: list[Tensor] = []
    for index in range(len(timesteps) - 1, 0, -1):
        predicted = denoise(x, float(timesteps[index]))
        if not memory:
            guess = transfer(x, predicted, index)
            direction = (predicted + denoise(guess, float(timesteps[index - 1]))) / 2
        elif len(memory) == 1:
            direction = (3 * predicted - memory[-1]) / 2
        elif len(memory) == 2:
            direction = (23 * predicted - 16 * memory[-1] + 5 * memory[-2]) / 12
        else:
            direction = (55 * predicted - 59 * memory[-1] + 37 * memory[-2] - 9 * memory[-3]) / 24
        x = transfer(x, direction, index)
        memory = [*memory[-2:], predicted]
        on_step()
    return x
