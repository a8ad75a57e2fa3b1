"""What programs of this kind decide differently, so that equal settings give different pictures: one field a decision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from PIL.Image import Image
from torch import Tensor

from modules.base.registry import Registry
from modules.engine.blending import MaskBlending
from modules.engine.callbacks import BlendParams, ExtraNoiseParams
from modules.engine.model import DiffusionModel
from modules.engine.noise import ImageNoise
from modules.engine.predictors import Predictor
from modules.engine.prompts.conditioning import Conditioning
from modules.engine.samplers.stepping import Noise
from modules.engine.samplers.table import SamplerSpec
from modules.engine.sampling_plan import SamplingPlan, Walk
from modules.imaging.geometry import Extent


class Count(NamedTuple):
    """Sampler steps of a run, and the model calls that `skip_early_cond` is a share of."""

    steps: int
    calls: int


@dataclass(frozen=True)
class Convention:
    """One program's rules.

    Attributes:
        samplers: By the program's own names; a spec has what `SamplerSpec` has.
        schedulers: By the program's own names.
        settle: A plan without what the program has no setting for.
        plan_walk: Schedule, and the part of it that the strength asks for; alphas are (T,) float32.
        count: How long a run is; known before the model is.
        make_predictor: The model as the sampler sees it: input scaling, rounding of timesteps.
        add_noise: (spec, plan, latent (B, C, h, w), noise like it, `Walk.start`, observer of extra noise) to the latents the sampler
            starts from.
        step_noise: Where a sampler's later noise comes from.
        make_blending: (spec, clean latents (B, C, h, w), repaint mask that fits them, first noise, `image_noise`, observer) to the
            rule that keeps masked parts.
        image_noise: Noise from seeds; see `ImageNoise`.
        build_conditioning: Prompt syntax, weighting and chunking; see `prompts.conditioning.build_conditioning`.
        latent_mask: (mask picture, latent extent, is rounded) to (h, w) float32, 1 = repaint.
        fit_to_vae: (1, 3, H, W) pixels and the latent factor to pixels of the size that is encoded.
        asks_word_guide: Whether a model's guide of words pulls.
        skips_negative_at_1: Whether guidance of 1 leaves the negative prompt out.
    """

    name: str
    samplers: Registry[SamplerSpec]
    schedulers: Registry[Any]
    settle: Callable[[SamplingPlan], SamplingPlan]
    plan_walk: Callable[[SamplerSpec, SamplingPlan, Tensor], Walk]
    count: Callable[[SamplerSpec, SamplingPlan], Count]
    make_predictor: Callable[[SamplerSpec, SamplingPlan, DiffusionModel, Tensor], Predictor]
    add_noise: Callable[[SamplerSpec, SamplingPlan, Tensor, Tensor, Tensor, Callable[[ExtraNoiseParams], None]], Tensor]
    step_noise: Callable[[SamplerSpec, Walk, ImageNoise, Tensor], Noise]
    make_blending: Callable[[SamplerSpec, Tensor, Tensor, Tensor, ImageNoise, Callable[[BlendParams], None]], MaskBlending]
    image_noise: Callable[..., ImageNoise]
    build_conditioning: Callable[..., Conditioning]
    latent_mask: Callable[[Image, Extent, bool], np.ndarray]
    fit_to_vae: Callable[[Tensor, int], Tensor]
    asks_word_guide: bool = True
    skips_negative_at_1: bool = False
