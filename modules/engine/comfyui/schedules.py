"""ComfyUI's noise levels and schedulers.

A scheduler is a pure function (n, levels) -> decreasing float32 sigmas on the CPU, with a final 0; where nothing else is said, it
is the one that `engine.schedules` describes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from scipy import special
from torch import Tensor

from modules.base.errors import InvalidRequest
from modules.base.registry import Registry
from modules.engine import schedules
from modules.engine.comfyui.samplers.table import SAMPLERS
from modules.engine.levels import NoiseLevels, with_zero

MAX_STEPS = 10_000
MAX_SCHEDULE_STEPS = 1_000_000
_FULL = 0.9999
"""A strength above this counts as 1."""
_FIRST_BETA, _LAST_BETA, _COUNT = 0.00085, 0.012, 1000


@cache
def standard_alphas() -> Tensor:
    """(1000,) float64: those of Stable Diffusion 1 and 2."""
    betas = torch.linspace(_FIRST_BETA**0.5, _LAST_BETA**0.5, _COUNT, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, dim=0)


class ComfyLevels(NoiseLevels):
    """Sigmas of a model's timesteps; timesteps of sigmas are whole numbers.

    The table is computed in double precision, as ComfyUI computes it from the betas: 1 - alpha of a checkpoint's float32 alphas
    has lost four digits at the low end.

    Args:
        alphas_cumprod: (T,) decreasing, of the model.
    """

    def __init__(self, alphas_cumprod: Tensor) -> None:
        alphas, standard = alphas_cumprod.detach().cpu().double(), standard_alphas()
        if len(alphas) == len(standard) and torch.allclose(alphas, standard, rtol=1e-4, atol=1e-6):
            alphas = standard
        super().__init__(alphas, is_quantized=True)
        self.sigmas, self.log_sigmas = self.sigmas.float(), self.log_sigmas.float()

    def sigma(self, timestep: Tensor) -> Tensor:
        return super().sigma(timestep.clamp(0, len(self.sigmas) - 1))

    def sigma_of_share(self, share: float) -> float:
        """Sigma when this share of the denoising is done; infinite at 0 and 0 at 1, so that nothing lies beyond."""
        if share <= 0:
            return math.inf
        if share >= 1:
            return 0.0
        return float(self.sigma(torch.tensor((1.0 - share) * (len(self.sigmas) - 1))))


def _evenly(n: int, levels: NoiseLevels) -> Tensor:
    return torch.linspace(len(levels.sigmas) - 1, 0, n)


def normal(n: int, levels: NoiseLevels) -> Tensor:
    return with_zero(levels.sigma(_evenly(n, levels)))


def sgm_uniform(n: int, levels: NoiseLevels) -> Tensor:
    return with_zero(levels.sigma(_evenly(n + 1, levels)[:-1]))


def simple(n: int, levels: NoiseLevels) -> Tensor:
    stride = len(levels.sigmas) / n
    return with_zero(levels.sigmas[[-(1 + int(step * stride)) for step in range(n)]])


def karras(n: int, levels: NoiseLevels) -> Tensor:
    return schedules.karras(n, levels, levels.sigma_min, levels.sigma_max)


def exponential(n: int, levels: NoiseLevels) -> Tensor:
    return schedules.exponential(n, levels, levels.sigma_min, levels.sigma_max)


def ddim_uniform(n: int, levels: NoiseLevels) -> Tensor:
    """Can have more than n steps, and does not begin at the highest sigma."""
    return schedules.ddim(n, levels, levels.sigma_min, levels.sigma_max)


def beta(n: int, levels: NoiseLevels) -> Tensor:
    """Lee et al., "Beta Sampling is All You Need", 2024: quantiles of Beta(0.6, 0.6) over the timesteps; equal neighbours fall together."""
    quantiles = special.betaincinv(0.6, 0.6, 1 - np.linspace(0, 1, n, endpoint=False))
    timesteps = torch.from_numpy(np.rint(quantiles * (len(levels.sigmas) - 1)).astype(np.int64))
    return with_zero(levels.sigmas[timesteps.unique_consecutive()])


def linear_quadratic(n: int, levels: NoiseLevels, threshold: float = 0.025) -> Tensor:
    """Down by `threshold` of the whole in the first half of the steps, evenly; then along the parabola that goes on with that slope to 0.

    Polyak et al., "Movie Gen", 2024, section 3.4.2 (linear-quadratic t-schedule).
    """
    if n == 1:
        return torch.tensor([1.0, 0.0]) * levels.sigma_max
    linear = n // 2
    slope, rest = threshold / linear, n - linear
    bend = (1 - threshold - slope * rest) / rest**2
    done = [slope * step + bend * max(step - linear, 0) ** 2 for step in range(n)]
    return torch.tensor([1 - share for share in done] + [0.0], dtype=torch.float32) * levels.sigma_max


def kl_optimal(n: int, levels: NoiseLevels) -> Tensor:
    """Sabour et al., "Align Your Steps", ICML 2024, theorem 3.1.

    Raises:
        InvalidRequest: One step.
    """
    if n < 2:
        raise InvalidRequest("steps", n, "2 or more for scheduler kl_optimal")
    return with_zero(schedules.kl_optimal(n - 1, levels, levels.sigma_min, levels.sigma_max))


Scheduler = Callable[[int, NoiseLevels], Tensor]


def _registry() -> Registry[Scheduler]:
    registry: Registry[Scheduler] = Registry("scheduler")
    for function in (simple, sgm_uniform, karras, exponential, ddim_uniform, beta, normal, linear_quadratic, kl_optimal):
        registry.add(function.__name__, function)
    return registry


SCHEDULERS = _registry()
"""In the order that ComfyUI lists them in."""


def make_sigmas(scheduler: str, sampler: str, steps: int, denoise: float, alphas: Tensor, *, drops_penultimate: bool = True) -> Tensor:
    """The sigmas of a run: the last `steps` steps of a schedule of int(steps / denoise).

    Args:
        scheduler, sampler: Names in `SCHEDULERS` and `samplers.table.SAMPLERS`.
        steps: 1 or more.
        denoise: Strength, 0 to 1.
        alphas: (T,) float32, decreasing, of the model.
        drops_penultimate: Whether samplers that ask for it get a schedule without its last sigma above 0; the nodes that make
            sigmas apart from sampling do not know the sampler.

    Returns:
        (n + 1,) float32 on the CPU, decreasing to 0; (0,) where nothing is to be done. n is `steps`, but for a whole ddim_uniform,
        and a long beta.

    Raises:
        UnknownName: No such scheduler or sampler.
        InvalidRequest: `steps` out of range, or a strength so small that the schedule would be endless.
    """
    function, is_dropping = SCHEDULERS.get(scheduler), drops_penultimate and SAMPLERS.get(sampler).discards_penultimate
    if not 1 <= steps <= MAX_STEPS:
        raise InvalidRequest("steps", steps, f"1 to {MAX_STEPS}")
    if denoise <= 0:
        return torch.zeros(0)
    if denoise < steps / MAX_SCHEDULE_STEPS:
        raise InvalidRequest("denoise", denoise, f"0, or {steps / MAX_SCHEDULE_STEPS:g} or more for {steps} steps")
    whole = steps if denoise > _FULL else int(steps / denoise)
    sigmas = function(whole + is_dropping, ComfyLevels(alphas))
    if is_dropping:
        sigmas = torch.cat([sigmas[:-2], sigmas[-1:]])
    return sigmas if denoise > _FULL else sigmas[-(steps + 1) :]


def start_factor(sigma: Tensor, levels: NoiseLevels) -> Tensor:
    """What the first noise is multiplied by: sqrt(1 + sigma^2) at the highest sigma or above, else sigma."""
    is_highest = float(sigma) >= levels.sigma_max * (1 - 1e-5)
    return (1 + sigma**2).sqrt() if is_highest else sigma


def cut_sigmas(sigmas: Tensor, start: int = 0, end: int | None = None, *, keeps_noise: bool = False) -> Tensor:
    """The part of a schedule from step `start` up to step `end`.

    Args:
        sigmas: (n + 1,) of the whole schedule.
        start: First step, 0 or more.
        end: Step to stop before; None, or beyond the schedule, is its end.
        keeps_noise: Stop at the sigma reached; else the last step goes down to 0.

    Returns:
        (m + 1,) sigmas, or (0,) where `start` is past the end: then there is nothing to do.
    """
    if end is not None and end < len(sigmas) - 1:
        sigmas = sigmas[: end + 1].clone()
        if not keeps_noise:
            sigmas[-1] = 0.0
    return sigmas[start:] if start < len(sigmas) - 1 else torch.zeros(0)
