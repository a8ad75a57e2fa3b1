"""The one entry to sampling: a start latent, a plan and conditioning in; a finished latent out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from modules.engine.blending import LatentMask
from modules.engine.callbacks import SamplerCallbacks
from modules.engine.conventions.convention import Convention
from modules.engine.conventions.table import CONVENTIONS
from modules.engine.denoiser import Denoiser, Guidance, GuidedDenoiser
from modules.engine.model import DiffusionModel, Interrupted, ModelKind
from modules.engine.noise import ImageNoise
from modules.engine.prompts.conditioning import Conditioning
from modules.engine.samplers.stepping import Noise
from modules.engine.samplers.table import SamplerSpec
from modules.engine.sampling_plan import SamplingPlan

__all__ = ["LatentMask", "SamplingPlan", "SamplingResult", "sample_img2img", "total_steps"]


@dataclass(frozen=True)
class SamplingResult:
    """Finished, or interrupted, latents.

    Attributes:
        latent: (B, C, h, w) float32; after an interruption the last denoised estimate, blended with the start latents.
        is_interrupted: Whether the run was cut short.
        model_calls: Calls of the denoiser made; each is one or two passes of the UNet.
        is_padded: Whether prompts of unequal length were padded ("Pad conds" in infotext).
        has_skipped_low: Whether the negative prompt was left out at low levels ("NGMS" in infotext).
    """

    latent: Tensor
    is_interrupted: bool
    model_calls: int
    is_padded: bool
    has_skipped_low: bool = False


def total_steps(plan: SamplingPlan) -> int:
    """Sampler steps an img2img run of `plan` makes (0 or more); a few schedules make one more."""
    convention = CONVENTIONS.get(plan.compat)
    return convention.count(convention.samplers.get(plan.sampler), plan).steps


@torch.no_grad()
def sample_img2img(
    model: DiffusionModel,
    plan: SamplingPlan,
    init_latent: Tensor,
    noise: Tensor,
    image_noise: ImageNoise,
    positive: Conditioning,
    negative: Conditioning,
    *,
    mask: LatentMask | None = None,
    concat: Tensor | None = None,
    callbacks: SamplerCallbacks | None = None,
) -> SamplingResult:
    """Noise the start latents to the plan's strength and denoise them.

    Args:
        model: The diffusion model.
        plan: What to do.
        init_latent: (B, C, h, w) float32, clean, scaled.
        noise: (B, C, h, w) float32, unit variance: `image_noise.first()`.
        image_noise: Source of all later noise; its seeds also seed Brownian noise.
        positive, negative: Conditioning of B images; of the positive one, sub-prompts allowed.
        mask: Where to repaint; None = everywhere.
        concat: (1 or B, K, h, w) float32, extra UNet input of inpainting and edit models.
        callbacks: What to call on the way.

    Returns:
        The latents, blended with `init_latent` where `mask` asks for it.

    Raises:
        UnknownName: No such sampler or scheduler.
        InvalidRequest: The sampler cannot run so few, or so many, steps.
        NansException: The model's output is not a number.
    """
    convention = CONVENTIONS.get(plan.compat)
    plan, spec, callbacks = convention.settle(plan), convention.samplers.get(plan.sampler), callbacks or SamplerCallbacks()
    alphas, masking = plan.adjust_alphas(model.alphas_cumprod), None
    walk = convention.plan_walk(spec, plan, alphas)
    if walk.start is None:
        return SamplingResult(init_latent, False, 0, False)
    if mask is not None:
        repaint, first = mask.repaint.to(init_latent), noise.to(init_latent)
        masking = convention.make_blending(spec, init_latent, repaint, first, image_noise, callbacks.on_blend)
    count = convention.count(spec, plan)
    denoiser = GuidedDenoiser(
        convention.make_predictor(spec, plan, model, alphas),
        positive,
        negative,
        _make_guidance(convention, spec, plan, model),
        masking=masking,
        concat=None if concat is None else concat.to(init_latent).expand(len(init_latent), -1, -1, -1),
        callbacks=callbacks,
        total_steps=count.steps,
        total_calls=count.calls,
    )
    x = convention.add_noise(spec, plan, init_latent, noise, walk.start, callbacks.on_extra_noise)
    later, settings = convention.step_noise(spec, walk, image_noise, x), _arguments(spec, plan, alphas)
    latent, is_interrupted = run_sampler(spec, denoiser, x, walk.levels, later, init_latent, settings)
    latent = masking.finish(latent) if masking else latent
    return SamplingResult(latent, is_interrupted, denoiser.calls, denoiser.is_padded, denoiser.has_skipped_low)


def run_sampler(
    spec: SamplerSpec,
    denoiser: Denoiser,
    x: Tensor,
    levels: Tensor,
    noise: Noise,
    init_latent: Tensor,
    settings: Mapping[str, object],
) -> tuple[Tensor, bool]:
    """Walk through `levels`, counting steps.

    Args:
        spec: The sampler.
        denoiser: What it calls.
        x: (B, C, h, w) noised latents.
        levels: Sigmas, or timesteps.
        noise: Later noise.
        init_latent: What an interruption before the first call leaves.
        settings: Keyword arguments for its function, whether it takes them or not.

    Returns:
        The latents, and whether the run was cut short (then: the last estimate of clean ones).
    """

    def finish_step() -> None:
        denoiser.steps += 1
        if denoiser.clean is not None:
            denoiser.callbacks.on_step(denoiser.steps, max(denoiser.total_steps, denoiser.steps), denoiser.clean)

    told = {"last_uncond": lambda: denoiser.last_uncond, **settings}
    arguments = {name: value for name, value in told.items() if name in spec.parameters}
    if spec.solver_type is not None:
        arguments["solver_type"] = spec.solver_type
    try:
        return spec.function(denoiser, x, levels, noise, finish_step, **arguments), False
    except Interrupted:
        return (init_latent if denoiser.clean is None else denoiser.clean), True


def _arguments(spec: SamplerSpec, plan: SamplingPlan, alphas: Tensor) -> dict[str, object]:
    return {
        "eta": spec.default_eta if plan.eta is None else plan.eta,
        "s_churn": plan.s_churn,
        "s_tmin": plan.s_tmin,
        "s_tmax": plan.s_tmax,
        "s_noise": plan.s_noise,
        "alphas_cumprod": alphas,
        "variant": plan.uni_pc_variant,
        "skip_type": plan.uni_pc_skip_type,
        "order": plan.uni_pc_order,
        "lower_order_final": plan.uni_pc_lower_order_final,
    }


def _make_guidance(convention: Convention, spec: SamplerSpec, plan: SamplingPlan, model: DiffusionModel) -> Guidance:
    is_alone = convention.skips_negative_at_1 and math.isclose(plan.cfg_scale, 1.0) and "last_uncond" not in spec.parameters
    is_picture_guided = model.kind is ModelKind.EDIT and plan.image_cfg_scale not in (None, 1.0)
    return Guidance(
        # Scripts put in numbers of their own class, which are something else at each multiplication.
        scale=plan.cfg_scale if spec.guidance_factor == 1 else plan.cfg_scale * spec.guidance_factor,
        picture_scale=plan.image_cfg_scale if is_picture_guided else None,
        skip_below=plan.s_min_uncond,
        skip_every=plan.s_min_uncond_all,
        skip_first=plan.skip_early_cond,
        is_batched=plan.batch_cond_uncond,
        empty_prompt=model.empty_prompt if plan.pad_cond_uncond and not plan.pad_cond_uncond_v0 else None,
        repeats_last=plan.pad_cond_uncond_v0,
        is_alone=is_alone,
        asks_word_guide=convention.asks_word_guide and plan.clip_skip == 1,
    )
