"""Restart sampling: go down, jump back up with fresh noise, go down again."""

from __future__ import annotations

import torch
from torch import Tensor

from modules.engine.levels import with_zero
from modules.engine.samplers.euler import heun_step
from modules.engine.samplers.stepping import Denoise, Noise, OnStep

_FROM, _TO = 0.1, 2.0


def restart(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, on_step: OnStep, *, s_noise: float = 1.0) -> Tensor:
    """Xu et al., "Restart Sampling for Improving Generative Processes", NeurIPS 2023, algorithm 1.

    From 20 steps on, the level near 0.1 is left once (twice from 36 steps on) for the one near 2; steps are taken from the main
    schedule for it. Below that it is Heun's method.
    """
    reached: Tensor | None = None
    for sigma, sigma_next in _plan(sigmas):
        if reached is not None and reached < sigma:
            x = x + noise(reached, sigma) * s_noise * (sigma**2 - reached**2) ** 0.5
        x = heun_step(denoise, x, sigma, sigma_next)
        reached = sigma_next
        on_step()
    return x


def _plan(sigmas: Tensor) -> list[tuple[Tensor, Tensor]]:
    steps = len(sigmas) - 1
    if steps < 20:
        return _pairs(sigmas)
    count, times = (steps // 4, 2) if steps >= 36 else (9, 1)
    main = _karras(steps - count * times, float(sigmas[-2]), float(sigmas[0]))
    low, high = (int((main - level).abs().argmin()) for level in (_FROM, _TO))
    pairs = _pairs(main)
    if high >= low:
        return pairs
    again = _pairs(_karras(count + 1, float(main[low]), float(main[high]))[:-1])
    return pairs[:low] + again * times + pairs[low:]


def _pairs(sigmas: Tensor) -> list[tuple[Tensor, Tensor]]:
    return list(zip(sigmas[:-1], sigmas[1:], strict=True))


def _karras(n: int, sigma_min: float, sigma_max: float, rho: float = 7.0) -> Tensor:
    low, high = sigma_min ** (1 / rho), sigma_max ** (1 / rho)
    return with_zero((high + torch.linspace(0, 1, n) * (low - high)) ** rho)
