"""What can be told of a sampling run only once sampler, model and seeds are known, and before a step is made."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from modules.base.errors import InvalidRequest
from modules.engine.conventions.table import CONVENTIONS
from modules.engine.samplers.table import SAMPLERS
from modules.engine.sampling_plan import SamplingPlan
from modules.engine.schedules import SCHEDULERS


def check_seeds(sampling: SamplingPlan, seeds: Sequence[int]) -> None:
    """Refuse negative seeds where noise is Brownian: its tree is seeded with whole numbers from 0.

    Raises:
        InvalidRequest: Names "seed" and the sampler.
    """
    lowest = min(seeds, default=0)
    if lowest < 0 and sampling.compat == "comfyui":
        raise InvalidRequest("seed", lowest, "0 or more by ComfyUI's rules, or -1 for a random one")
    if lowest < 0 and SAMPLERS.get(sampling.sampler).is_brownian:
        raise InvalidRequest("seed", lowest, f"0 or more with sampler {sampling.sampler}, or -1 for a random one")


def check_levels(sampling: SamplingPlan, alphas_cumprod: Tensor) -> None:
    """Refuse `sigma_min` and `sigma_max` that make noise levels rise from step to step.

    Args:
        sampling: The run; only a schedule that heeds these options can fail.
        alphas_cumprod: (T,) float32, decreasing: the model's.

    Raises:
        InvalidRequest: Names "sigma_min" or "sigma_max", whichever was given.
    """
    convention = CONVENTIONS.get(sampling.compat)
    spec = convention.samplers.get(sampling.sampler)
    if sampling.compat != "a1111" or spec.is_timestep or not (sampling.sigma_min or sampling.sigma_max):
        return
    levels = convention.plan_walk(spec, sampling, sampling.adjust_alphas(alphas_cumprod)).levels
    if not bool((levels.diff() > 0).any()):
        return
    label = SCHEDULERS.get(sampling.scheduler).label
    if sampling.sigma_min:
        above = f"sigma_max ({sampling.sigma_max:g})" if sampling.sigma_max else "the model's highest sigma"
        raise InvalidRequest("sigma_min", sampling.sigma_min, f"less than {above}, with scheduler {label}")
    raise InvalidRequest("sigma_max", sampling.sigma_max, f"more than the model's lowest sigma, with scheduler {label}")
