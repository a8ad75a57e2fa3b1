"""Schedulers: how many steps, and which noise levels, a run goes through.

A scheduler is a pure function (n, levels, sigma_min, sigma_max, ...) -> decreasing float32 sigmas on the CPU, with a final 0
(but for KL Optimal).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy import special
from torch import Tensor

from modules.base.errors import InvalidRequest
from modules.base.registry import Registry
from modules.engine.levels import NoiseLevels, with_zero

MAX_SCHEDULE_STEPS = 100_000
MIN_RHO = 0.01

Scheduler = Callable[..., Tensor]


@dataclass(frozen=True)
class StepPlan:
    """Which part of a schedule an img2img run uses.

    Attributes:
        schedule_steps: Length of the whole schedule.
        t_enc: Steps back from its end, less one, at which the run starts.
    """

    schedule_steps: int
    t_enc: int


def plan_steps(steps: int, strength: float, fix_steps: bool) -> StepPlan:
    """Spread a request's steps by denoising strength.

    Args:
        steps: 1 or more.
        strength: 0 to 1; counts as 0.999 at most.
        fix_steps: Stretch the schedule so that `steps` of it remain, in place of doing fewer steps.

    Raises:
        InvalidRequest: `steps` below 1, or a strength so small that the schedule would be endless.
    """
    if steps < 1:
        raise InvalidRequest("steps", steps, "1 or more")
    share = min(strength, 0.999)
    if not fix_steps:
        return StepPlan(steps, int(max(share, 0.0) * steps))
    if 0 < share < steps / MAX_SCHEDULE_STEPS:
        raise InvalidRequest("denoising_strength", strength, f"{steps / MAX_SCHEDULE_STEPS:g} or more, for {steps} exact steps")
    return StepPlan(int(steps / share) if share > 0 else 0, steps - 1)


def uniform(n: int, levels: NoiseLevels, sigma_min: float, sigma_max: float) -> Tensor:
    """Timesteps spaced evenly, whatever range is asked for."""
    return levels.model_schedule(n)


def karras(n: int, levels: NoiseLevels, sigma_min: float, sigma_max: float, rho: float = 7.0) -> Tensor:
    """Karras et al., NeurIPS 2022, equation 5."""
    if rho < MIN_RHO:
        raise InvalidRequest("rho", rho, f"0, or {MIN_RHO} or more")
    ramp = torch.linspace(0, 1, n)
    low, high = sigma_min ** (1 / rho), sigma_max ** (1 / rho)
    return with_zero((high + ramp * (low - high)) ** rho)


def exponential(n: int, levels: NoiseLevels, sigma_min: float, sigma_max: float) -> Tensor:
    """Geometric series."""
    return with_zero(torch.linspace(math.log(sigma_max), math.log(sigma_min), n).exp())


def polyexponential(n: int, levels: NoiseLevels, sigma_min: float, sigma_max: float, rho: float = 1.0) -> Tensor:
    """Polynomial in log sigma; rho 1 is the geometric series."""
    ramp = torch.linspace(1, 0, n) ** rho
    return with_zero(torch.exp(ramp * (math.log(sigma_max) - math.log(sigma_min)) + math.log(sigma_min)))


def sgm_uniform(n: int, levels: NoiseLevels, sigma_min: float, sigma_max: float) -> Tensor:
    """Timesteps spaced evenly with the last one left out ("trailing"), as Stability's generative-models does."""
    return with_zero(levels.sigma(_timestep_ramp(n + 1, levels, sigma_min, sigma_max)[:-1]))


def normal(n: int, levels: NoiseLevels, sigma_min: float, sigma_max: float) -> Tensor:
    """Timesteps spaced evenly between those of the two ends."""
    return with_zero(levels.sigma(_timestep_ramp(n, levels, sigma_min, sigma_max)))


def simple(n: int, levels: NoiseLevels, sigma_min: float, sigma_max: float) -> Tensor:
    """Every (T/n)-th entry of the table, from the end."""
    count = len(levels.sigmas)
    return with_zero(levels.sigmas[[-(1 + int(step * count / n)) for step in range(n)]].float())


def ddim(n: int, levels: NoiseLevels, sigma_min: float, sigma_max: float) -> Tensor:
    """Table entries 1, 1 + T//n, ... (Song et al., ICLR 2021, section 4.2); can have more than n."""
    count = len(levels.sigmas)
    return with_zero(levels.sigmas[1 :: max(count // n, 1)].flip(0).float()) if n else torch.zeros(1)


def kl_optimal(n: int, levels: NoiseLevels, sigma_min: float, sigma_max: float) -> Tensor:
    """Sabour et al., "Align Your Steps", ICML 2024, theorem 3.1; ends at sigma_min, not at 0."""
    share = torch.arange(n + 1).float() / max(n, 1)
    return torch.tan(share * math.atan(sigma_min) + (1 - share) * math.atan(sigma_max))


def align_your_steps(n: int, levels: NoiseLevels, sigma_min: float, sigma_max: float) -> Tensor:
    """Sabour et al., "Align Your Steps", ICML 2024: the 10 steps found for SD1, log-linear between them for other n."""
    anchors = np.array([14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029])
    if n != len(anchors):
        places = np.linspace(0, 1, len(anchors))
        anchors = np.exp(np.interp(np.linspace(0, 1, n), places, np.log(anchors[::-1]))[::-1])
    return with_zero(torch.tensor(anchors, dtype=torch.float32))


def beta(n: int, levels: NoiseLevels, sigma_min: float, sigma_max: float, alpha: float = 0.6, beta: float = 0.6) -> Tensor:
    """Lee et al., "Beta Sampling is All You Need", 2024: quantiles of a Beta distribution."""
    places = special.betaincinv(alpha, beta, 1 - np.linspace(0, 1, n))
    return with_zero(torch.tensor(sigma_min + places * (sigma_max - sigma_min), dtype=torch.float32))


def _timestep_ramp(n: int, levels: NoiseLevels, sigma_min: float, sigma_max: float) -> Tensor:
    ends = levels.timestep(torch.tensor([sigma_max, sigma_min]))
    return torch.linspace(float(ends[0]), float(ends[1]), n)


@dataclass(frozen=True)
class SchedulerSpec:
    """A scheduler as `/sdapi/v1/schedulers` lists it.

    Attributes:
        name, label, aliases: How it is spelled; infotext shows the label.
        function: Gives the sigmas; None = the sampler's own choice.
        default_rho: What an option may replace; -1 = takes no rho.
        need_inner_model: Reads the model's table, not only its two ends.
    """

    name: str
    label: str
    function: Scheduler | None
    aliases: tuple[str, ...] = ()
    default_rho: float = -1.0
    need_inner_model: bool = False


def _registry() -> Registry[SchedulerSpec]:
    registry: Registry[SchedulerSpec] = Registry("scheduler")
    for spec in (
        SchedulerSpec("automatic", "Automatic", None),
        SchedulerSpec("uniform", "Uniform", uniform, need_inner_model=True),
        SchedulerSpec("karras", "Karras", karras, default_rho=7.0),
        SchedulerSpec("exponential", "Exponential", exponential),
        SchedulerSpec("polyexponential", "Polyexponential", polyexponential, default_rho=1.0),
        SchedulerSpec("sgm_uniform", "SGM Uniform", sgm_uniform, ("SGMUniform",), need_inner_model=True),
        SchedulerSpec("kl_optimal", "KL Optimal", kl_optimal),
        SchedulerSpec("align_your_steps", "Align Your Steps", align_your_steps),
        SchedulerSpec("simple", "Simple", simple, need_inner_model=True),
        SchedulerSpec("normal", "Normal", normal, need_inner_model=True),
        SchedulerSpec("ddim", "DDIM", ddim, need_inner_model=True),
        SchedulerSpec("beta", "Beta", beta, need_inner_model=True),
    ):
        registry.add(spec.label, spec, (spec.name, *spec.aliases))
    return registry


SCHEDULERS = _registry()


@dataclass(frozen=True)
class SigmaOptions:
    """What options change in a schedule; 0 = keep the model's or scheduler's own value."""

    sigma_min: float = 0.0
    sigma_max: float = 0.0
    rho: float = 0.0
    use_old_karras_sigmas: bool = False
    beta_alpha: float = 0.6
    beta_beta: float = 0.6
    discard_penultimate: bool = False


def make_sigmas(spec: SchedulerSpec, n: int, levels: NoiseLevels, options: SigmaOptions) -> Tensor:
    """The whole schedule of `n` steps: (n + 1,) float32 on the CPU, decreasing.

    Args:
        spec: Its function None = the model's own schedule.
        n: Steps, 0 or more.
        levels: The model's noise levels.
        options: Deviations asked for.
    """
    count = n + options.discard_penultimate
    if spec.function is None:
        sigmas = levels.model_schedule(count)
    else:
        low, high = (0.1, 10.0) if options.use_old_karras_sigmas else (levels.sigma_min, levels.sigma_max)
        extra: dict[str, float] = {}
        if spec.default_rho != -1.0 and options.rho:
            extra["rho"] = options.rho
        if spec.function is beta:
            extra |= {"alpha": options.beta_alpha, "beta": options.beta_beta}
        sigmas = spec.function(count, levels, options.sigma_min or low, options.sigma_max or high, **extra)
    return torch.cat([sigmas[:-2], sigmas[-1:]]) if options.discard_penultimate else sigmas


def timestep_schedule(n: int, count: int = 1000) -> Tensor:
    """Timesteps 1, 1 + T//n, ... (int64, increasing; can have more than n), for samplers that step through the table itself.

    Raises:
        InvalidRequest: More steps than the table has.
    """
    if n > count:
        raise InvalidRequest("steps", n, f"{count} at most for this sampler")
    return torch.clip(torch.arange(0, count, count // n) + 1, 0, count - 1)
