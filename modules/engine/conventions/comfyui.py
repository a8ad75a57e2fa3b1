"""ComfyUI's rules: whole timesteps, one noise for a batch, a start picture noised anew around a fractional mask."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from PIL.Image import Image
from torch import Tensor

from modules.engine.callbacks import BlendParams, ExtraNoiseParams
from modules.engine.comfyui.inpainting import cut_to_cells
from modules.engine.comfyui.masking import NoisedBlending, resize_mask
from modules.engine.comfyui.noise import BatchNoise, mask_noise
from modules.engine.comfyui.noise import step_noise as make_step_noise
from modules.engine.comfyui.prompts import build_conditioning
from modules.engine.comfyui.samplers.table import RENOISED_MASK, SAMPLERS, is_noise_on_device
from modules.engine.comfyui.schedules import SCHEDULERS, ComfyLevels, make_sigmas, standard_alphas, start_factor
from modules.engine.conventions.convention import Convention, Count
from modules.engine.model import DiffusionModel
from modules.engine.noise import ImageNoise
from modules.engine.predictors import Predictor, SigmaPredictor
from modules.engine.samplers.stepping import Noise
from modules.engine.samplers.table import SamplerSpec
from modules.engine.sampling_plan import SamplingPlan, Walk
from modules.imaging.geometry import Extent


def settle(plan: SamplingPlan) -> SamplingPlan:
    """The plan's sampler, scheduler, steps, strength and guidance; all else is as ComfyUI's own node has it."""
    return SamplingPlan(
        sampler=plan.sampler,
        scheduler=plan.scheduler,
        steps=plan.steps,
        strength=plan.strength,
        cfg_scale=plan.cfg_scale,
        batch_cond_uncond=plan.batch_cond_uncond,
        compat=plan.compat,
    )


def count(spec: SamplerSpec, plan: SamplingPlan) -> Count:
    steps = max(len(_sigmas(spec, plan, standard_alphas())) - 1, 0)
    return Count(steps, steps * (2 if spec.is_second_order else 1))


def plan_walk(spec: SamplerSpec, plan: SamplingPlan, alphas: Tensor) -> Walk:
    """`Walk.start` is the factor on the first noise, which is not always the first sigma."""
    sigmas = _sigmas(spec, plan, alphas)
    if len(sigmas) < 2:
        return Walk(torch.zeros(0), None)
    return Walk(sigmas, start_factor(sigmas[0], ComfyLevels(alphas)), float(sigmas[sigmas > 0].min()), float(sigmas.max()))


def _sigmas(spec: SamplerSpec, plan: SamplingPlan, alphas: Tensor) -> Tensor:
    return make_sigmas(plan.scheduler, spec.name, plan.steps, plan.strength, alphas)


def make_predictor(spec: SamplerSpec, plan: SamplingPlan, model: DiffusionModel, alphas: Tensor) -> Predictor:
    return SigmaPredictor(model, ComfyLevels(alphas), resizes_first=True)


def add_noise(
    spec: SamplerSpec,
    plan: SamplingPlan,
    latent: Tensor,
    noise: Tensor,
    start: Tensor,
    on_extra: Callable[[ExtraNoiseParams], None],
) -> Tensor:
    return latent + noise.to(latent) * float(start)


def step_noise(spec: SamplerSpec, walk: Walk, image_noise: ImageNoise, x: Tensor) -> Noise:
    on_device = is_noise_on_device(spec.name)
    return make_step_noise(x, image_noise.seeds[0], walk.levels, is_brownian=spec.is_brownian, is_on_device=on_device)


def make_blending(
    spec: SamplerSpec,
    original: Tensor,
    repaint: Tensor,
    noise: Tensor,
    image_noise: ImageNoise,
    on_blend: Callable[[BlendParams], None],
) -> NoisedBlending:
    if spec.name == RENOISED_MASK:
        noise = mask_noise(tuple(original.shape), image_noise.seeds[0]).to(original)
    return NoisedBlending(original, repaint, noise, on_blend=on_blend)


def latent_mask(mask: Image, cells: Extent, is_rounded: bool) -> np.ndarray:
    """Fractions of cells: rounding is not known here."""
    grey = torch.from_numpy(np.asarray(mask.convert("L"), dtype=np.float32) / 255.0)
    return resize_mask(grey, *cells.shape)[0, 0].numpy()


COMFYUI = Convention(
    name="comfyui",
    samplers=SAMPLERS,
    schedulers=SCHEDULERS,
    settle=settle,
    plan_walk=plan_walk,
    count=count,
    make_predictor=make_predictor,
    add_noise=add_noise,
    step_noise=step_noise,
    make_blending=make_blending,
    image_noise=BatchNoise,
    build_conditioning=build_conditioning,
    latent_mask=latent_mask,
    fit_to_vae=cut_to_cells,
    asks_word_guide=False,
    skips_negative_at_1=True,
)
