"""What can be known to be wrong with a run before the first one of many is made."""

from __future__ import annotations

import copy

from modules.engine.conventions.table import CONVENTIONS
from modules.pipeline.plan import check_request
from modules.pipeline.processing import StableDiffusionProcessingImg2Img
from modules.pipeline.stages.sample import plan_sampling


def copy_request(p: StableDiffusionProcessingImg2Img) -> StableDiffusionProcessingImg2Img:
    """A copy of `p` to change: what it holds in lists and mappings is its own, pictures and notes are shared."""
    fresh = copy.copy(p)
    fresh.override_settings, fresh.extra_generation_params = dict(p.override_settings), dict(p.extra_generation_params)
    fresh.styles, fresh.init_images = list(p.styles or []), list(p.init_images)
    return fresh


def rehearse(p: StableDiffusionProcessingImg2Img) -> float:
    """Check all that needs no model; `p` stays as it is.

    Returns:
        What one of its iterations costs, in model calls of one pixel.

    Raises:
        InvalidRequest: As `process_images` would.
    """
    trial = copy.copy(p)
    if p.context is not None:
        trial.options = p.context.options.coerced(p.override_settings)
    check_request(trial)
    sampling = plan_sampling(trial)
    is_doubled = CONVENTIONS.get(sampling.compat).samplers.get(sampling.sampler).is_second_order
    calls = max(1.0, p.steps * min(max(p.denoising_strength, 0.0), 1.0)) * (2 if is_doubled else 1)
    return float(calls * p.width * p.height * p.batch_size)
