"""From encoded pictures to repainted latents: resolve the sampling numbers, encode prompts, run the engine."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from torch import Tensor

from modules.backends.embeddings.table import TokenTable
from modules.engine.callbacks import SamplerCallbacks
from modules.engine.conventions.table import CONVENTIONS
from modules.engine.noise import ImageNoise, NoiseSource
from modules.engine.prompts.conditioning import Conditioning
from modules.engine.prompts.script_prompts import as_conditioning
from modules.engine.samplers.table import SAMPLERS
from modules.engine.sampling import LatentMask, SamplingPlan, sample_img2img
from modules.pipeline.infotext import prompt_steps
from modules.pipeline.plan import COMFYUI, Plan
from modules.pipeline.processing import StableDiffusionProcessingImg2Img
from modules.pipeline.sampler_names import FIXED_S_NOISE, resolve_sampler
from modules.plugins.callbacks import CALLBACKS


def plan_sampling(p: StableDiffusionProcessingImg2Img) -> SamplingPlan:
    """Resolve sampler, scheduler, guidance and noise strategy from request and options.

    Raises:
        UnknownName: No such sampler or scheduler.
    """
    options = p.options
    sampler, scheduler = resolve_sampler(p.sampler_name or "Euler", p.scheduler, options.compat)
    if options.compat == COMFYUI:
        return _plan_comfyui(p, sampler, scheduler)
    is_timestep = SAMPLERS.get(sampler).is_timestep
    eta = p.eta if p.eta is not None else (options.eta_ddim if is_timestep else options.eta_ancestral)
    multiplier = p.initial_noise_multiplier
    return SamplingPlan(
        sampler=sampler,
        scheduler=scheduler,
        steps=int(p.steps),
        strength=p.denoising_strength,
        cfg_scale=p.cfg_scale if isinstance(p.cfg_scale, float) else float(p.cfg_scale),
        image_cfg_scale=p.image_cfg_scale,
        eta=eta,
        s_churn=_churn(p, "s_churn"),
        s_tmin=_churn(p, "s_tmin"),
        s_tmax=_churn(p, "s_tmax"),
        s_noise=1.0 if sampler in FIXED_S_NOISE else _churn(p, "s_noise", default=1.0),
        fix_steps=options.img2img_fix_steps,
        sigma_min=options.sigma_min,
        sigma_max=options.sigma_max,
        rho=options.rho,
        discard_penultimate=options.always_discard_next_to_last_sigma,
        s_min_uncond=p.s_min_uncond if p.s_min_uncond is not None else options.s_min_uncond,
        s_min_uncond_all=options.s_min_uncond_all,
        skip_early_cond=options.skip_early_cond,
        clip_skip=options.CLIP_stop_at_last_layers,
        batch_cond_uncond=options.batch_cond_uncond,
        pad_cond_uncond=options.pad_cond_uncond,
        pad_cond_uncond_v0=options.pad_cond_uncond_v0,
        extra_noise=options.img2img_extra_noise,
        noise_multiplier=multiplier if multiplier is not None else options.initial_noise_multiplier,
        use_old_karras_sigmas=options.use_old_karras_scheduler_sigmas,
        beta_alpha=options.beta_dist_alpha,
        beta_beta=options.beta_dist_beta,
        is_quantized=options.enable_quantization,
        use_downcasted_alpha_bar=options.use_downcasted_alpha_bar,
        use_zero_terminal_snr=options.sd_noise_schedule == "Zero Terminal SNR",
        uni_pc_variant=options.uni_pc_variant,
        uni_pc_skip_type=options.uni_pc_skip_type,
        uni_pc_order=options.uni_pc_order,
        uni_pc_lower_order_final=options.uni_pc_lower_order_final,
        compat=options.compat,
    )


def _plan_comfyui(p: StableDiffusionProcessingImg2Img, sampler: str, scheduler: str) -> SamplingPlan:
    """What ComfyUI's KSampler knows; all else is as it always is there."""
    return SamplingPlan(
        sampler=sampler,
        scheduler=scheduler,
        steps=int(p.steps),
        strength=p.denoising_strength,
        cfg_scale=float(p.cfg_scale),
        image_cfg_scale=p.image_cfg_scale,
        batch_cond_uncond=p.options.batch_cond_uncond,
        compat=p.options.compat,
    )


def _churn(p: StableDiffusionProcessingImg2Img, name: str, default: float = 0.0) -> float:
    # An option that was changed wins over the request: A1111's rule.
    chosen, asked = float(getattr(p.options, name)), getattr(p, name)
    return chosen if chosen != default or asked is None else float(asked)


def make_noise(p: StableDiffusionProcessingImg2Img, plan: Plan, latent: Tensor) -> ImageNoise:
    """The noise of the iteration in hand: `p.seeds` and `p.subseeds`."""
    if p.sd_model is None:
        raise RuntimeError("a model is loaded before noise is drawn")
    shape = (int(latent.shape[1]), int(latent.shape[2]), int(latent.shape[3]))
    resize_from = None
    if plan.seed_resize is not None:
        cells = plan.seed_resize.floor_divide(p.sd_model.latent_factor)
        resize_from = cells.shape
    return CONVENTIONS.get(plan.sampling.compat).image_noise(
        shape,
        p.seeds,
        subseeds=p.subseeds,
        subseed_strength=plan.subseed_strength,
        resize_from=resize_from,
        source=NoiseSource(plan.options.randn_source),
        ensd=plan.options.eta_noise_seed_delta,
        device=p.sd_model.device,
    )


def encode_prompts(p: StableDiffusionProcessingImg2Img, plan: Plan) -> tuple[Conditioning, Conditioning]:
    """Conditioning and unconditional conditioning of `p.prompts` and `p.negative_prompts`."""
    if p.sd_model is None or p.context is None:
        raise RuntimeError("a model is loaded before prompts are encoded")
    options, model = plan.options, p.sd_model
    table = p.context.embeddings.table(model.text)
    _note_skipped(p, table)
    common: dict[str, Any] = {
        "steps": prompt_steps(plan),
        "encoder": model.text,
        "clip_skip": options.CLIP_stop_at_last_layers,
        "emphasis": options.emphasis,
        "use_old_scheduling": options.use_old_scheduling,
        "comma_backtrack": options.comma_padding_backtrack,
        "embeddings": table,
        "cache": p.context.cache if options.persistent_cond_cache else None,
        "cache_key": (model.identity, plan.working, model.text_key),
    }
    build_conditioning = CONVENTIONS.get(plan.sampling.compat).build_conditioning
    positive = build_conditioning(p.prompts, field="prompt", **common)
    return positive, build_conditioning(p.negative_prompts, field="negative_prompt", is_composable=False, **common)


def _note_skipped(p: StableDiffusionProcessingImg2Img, table: TokenTable) -> None:
    for text in dict.fromkeys((*p.prompts, *p.negative_prompts)):
        for name, reason in table.mentions_of_skipped(text).items():
            note = f"The embedding {name[:100]!r} was not used: {reason}"
            if note not in p.notes:
                p.notes.append(note)


def sample_iteration(p: StableDiffusionProcessingImg2Img, positive: Conditioning, negative: Conditioning) -> Tensor:
    """The default `p.sample()`: run the engine on `p.init_latent` under `p.nmask`.

    Returns:
        (B, C, h, w) float32; after an interruption or skip, the estimate so far.
    """
    if p.plan is None or p.init_latent is None or p.rng is None:
        raise RuntimeError("p.sample() runs inside process_images, after p.init()")
    concat = None if p.image_conditioning is None else p.image_conditioning[: len(p.seeds)]
    latent, noise = p.init_latent[: len(p.seeds)], p.rng.first()
    if p.scripts is not None:
        p.scripts.dispatch("process_before_every_sampling", p, x=latent, noise=noise, c=positive, uc=negative)
    return run_engine(p, p.plan.sampling, latent, noise, positive, negative, concat)


def run_engine(
    p: StableDiffusionProcessingImg2Img,
    sampling: SamplingPlan,
    latent: Tensor,
    noise: Tensor,
    positive: Conditioning,
    negative: Conditioning,
    concat: Tensor | None,
) -> Tensor:
    """Sample from `latent` and `noise` (both (B, C, h, w)) under `p.nmask`, reporting to the job of `p`; returns as `sample_iteration`."""
    if p.sd_model is None or p.rng is None:
        raise RuntimeError("sampling runs inside process_images, after p.init()")
    mask = None if p.nmask is None else LatentMask(p.nmask)
    positive, negative = as_conditioning(positive), as_conditioning(negative)
    result = sample_img2img(
        p.sd_model, sampling, latent, noise, p.rng, positive, negative, mask=mask, concat=concat, callbacks=_with_scripts(p)
    )
    p.is_padded, p.has_skipped_low = result.is_padded, result.has_skipped_low
    return result.latent


def sampler_callbacks(p: StableDiffusionProcessingImg2Img) -> SamplerCallbacks:
    """What connects a run of the engine with the job of `p`."""
    if p.sd_model is None or p.context is None:
        raise RuntimeError("sampling runs inside process_images, which gives p its model and context")
    model, context = p.sd_model, p.context
    return SamplerCallbacks(
        on_step=lambda step, total, latent: context.on_step(step, total, latent, model),
        is_interrupted=lambda: context.is_interrupted() or context.is_skipped(),
    )


def _with_scripts(p: StableDiffusionProcessingImg2Img) -> SamplerCallbacks:
    """As `sampler_callbacks`, with the hooks and callbacks of scripts."""

    def tell(hook: str) -> Callable[[object], None]:
        def call(params: object) -> None:
            CALLBACKS.call_in_job(p, hook, params)

        return call

    return dataclasses.replace(
        sampler_callbacks(p),
        on_extra_noise=tell("on_extra_noise"),
        on_denoiser=tell("on_cfg_denoiser"),
        on_denoised=tell("on_cfg_denoised"),
        on_guided=tell("on_cfg_after_cfg"),
        on_blend=lambda params: p.scripts.dispatch("on_mask_blend", p, params) if p.scripts else None,
    )
