"""The one entry to sampling: a start latent, a plan and conditioning in; a finished latent out."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from modules.base.errors import InvalidRequest
from modules.engine.blending import LatentMask
from modules.engine.brownian import BrownianNoise
from modules.engine.callbacks import SamplerCallbacks
from modules.engine.denoiser import Guidance, GuidedDenoiser, Masking, blend_observed
from modules.engine.levels import ConsistencyLevels, NoiseLevels, adjust_alphas
from modules.engine.model import DiffusionModel, Interrupted, ModelKind
from modules.engine.noise import ImageNoise
from modules.engine.predictors import ConsistencyPredictor, NoisePredictor, Predictor, SigmaPredictor
from modules.engine.prompts.conditioning import Conditioning, encode_texts
from modules.engine.samplers.ddim import noise_to
from modules.engine.samplers.stepping import Noise
from modules.engine.samplers.table import SAMPLERS, Family, SamplerSpec
from modules.engine.schedules import SCHEDULERS, SigmaOptions, StepPlan, make_sigmas, plan_steps, timestep_schedule

__all__ = ["LatentMask", "SamplingPlan", "SamplingResult", "sample_img2img", "total_steps"]


@dataclass(frozen=True)
class SamplingPlan:
    """Everything a sampling run depends on, resolved: no option is looked up later.

    Attributes:
        sampler, scheduler: Names or aliases as `samplers.table.SAMPLERS` and `schedules.SCHEDULERS` know them.
        steps: Full schedule length; img2img runs the part that `strength` asks for.
        strength: Denoising strength, 0 to 1.
        cfg_scale: Guidance; 1 = none.
        image_cfg_scale: Picture guidance of edit models; None or 1 = ordinary guidance.
        eta: Ancestral noise (or DDIM's eta); None = the sampler's own default.
        s_churn, s_tmin, s_tmax, s_noise: Karras et al. 2022, algorithm 2; s_tmax 0 = no upper bound.
        fix_steps: Do exactly `steps` steps whatever the strength.
        sigma_min, sigma_max, rho: Replace a scheduler's own values; 0 = keep.
        s_min_uncond: Below this sigma, skip the negative prompt on every other step (every step with `s_min_uncond_all`); 0 = never.
        skip_early_cond: Skip the negative prompt for this first fraction of the steps.
        batch_cond_uncond: One model call for both halves, where they have equal length.
        pad_cond_uncond, pad_cond_uncond_v0: Ways to make them equally long.
        extra_noise: Noise added on top of the noised start latent, in units of it.
        noise_multiplier: Factor on the first noise.
        beta_alpha, beta_beta: Shape of the Beta scheduler.
        compat: Whose conventions to follow; "a1111" is the only one so far.
    """

    sampler: str
    scheduler: str
    steps: int
    strength: float
    cfg_scale: float = 7.0
    image_cfg_scale: float | None = None
    eta: float | None = None
    s_churn: float = 0.0
    s_tmin: float = 0.0
    s_tmax: float = 0.0
    s_noise: float = 1.0
    fix_steps: bool = False
    sigma_min: float = 0.0
    sigma_max: float = 0.0
    rho: float = 0.0
    discard_penultimate: bool = False
    s_min_uncond: float = 0.0
    s_min_uncond_all: bool = False
    skip_early_cond: float = 0.0
    batch_cond_uncond: bool = True
    pad_cond_uncond: bool = False
    pad_cond_uncond_v0: bool = False
    extra_noise: float = 0.0
    noise_multiplier: float = 1.0
    use_old_karras_sigmas: bool = False
    beta_alpha: float = 0.6
    beta_beta: float = 0.6
    is_quantized: bool = False
    use_downcasted_alpha_bar: bool = False
    use_zero_terminal_snr: bool = False
    uni_pc_variant: str = "bh1"
    uni_pc_skip_type: str = "time_uniform"
    uni_pc_order: int = 3
    uni_pc_lower_order_final: bool = True
    compat: str = "a1111"


@dataclass(frozen=True)
class SamplingResult:
    """Finished, or interrupted, latents.

    Attributes:
        latent: (B, C, h, w) float32; after an interruption the last denoised estimate, blended with the start latents.
        is_interrupted: Whether the run was cut short.
        model_calls: Calls of the denoiser made; each is one or two passes of the UNet.
        is_padded: Whether prompts of unequal length were padded ("Pad conds" in infotext).
    """

    latent: Tensor
    is_interrupted: bool
    model_calls: int
    is_padded: bool


@dataclass(frozen=True)
class _Walk:
    """The levels a run goes through.

    Attributes:
        levels: Sigmas (decreasing) or timesteps (increasing) that the sampler is handed, on the CPU.
        start: Sigma, or alpha_cumprod, that the start latents are noised to; None = no step is made.
        sigma_min, sigma_max: Ends of the whole schedule, for Brownian noise.
    """

    levels: Tensor
    start: Tensor | None
    sigma_min: float = 0.0
    sigma_max: float = 0.0


def total_steps(plan: SamplingPlan) -> int:
    """Sampler steps an img2img run of `plan` makes (0 or more); a few schedules make one more."""
    steps = plan_steps(plan.steps, plan.strength, plan.fix_steps)
    if steps.schedule_steps == 0:
        return 0
    return max(steps.t_enc - 1, 0) if SAMPLERS.get(plan.sampler).is_timestep else steps.t_enc + 1


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
        positive: Conditioning of B images, sub-prompts allowed.
        negative: Conditioning of B images.
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
    spec = SAMPLERS.get(plan.sampler)
    callbacks = callbacks or SamplerCallbacks()
    alphas = adjust_alphas(
        model.alphas_cumprod.cpu(), is_downcast=plan.use_downcasted_alpha_bar, has_zero_terminal_snr=plan.use_zero_terminal_snr
    )
    walk = _plan_walk(spec, plan, alphas)
    if walk.start is None:
        return SamplingResult(init_latent, False, 0, False)
    repaint = None if mask is None else mask.repaint.to(init_latent)
    denoiser = GuidedDenoiser(
        _make_predictor(spec, plan, model, alphas),
        positive,
        negative,
        _make_guidance(spec, plan, model),
        masking=None if repaint is None else Masking(init_latent, repaint, is_before=spec.is_timestep),
        concat=None if concat is None else concat.to(init_latent).expand(len(init_latent), -1, -1, -1),
        callbacks=callbacks,
        total_steps=total_steps(plan),
        total_calls=(plan_steps(plan.steps, plan.strength, plan.fix_steps).t_enc + 1) * (2 if spec.is_second_order else 1),
    )
    x = _add_noise(spec, plan, init_latent, noise, walk.start)
    latent, is_interrupted = _run(spec, plan, walk, denoiser, x, init_latent, image_noise, alphas)
    if repaint is not None:
        latent = blend_observed(latent, init_latent, repaint, callbacks.on_blend)
    return SamplingResult(latent, is_interrupted, denoiser.calls, denoiser.is_padded)


def _run(
    spec: SamplerSpec,
    plan: SamplingPlan,
    walk: _Walk,
    denoiser: GuidedDenoiser,
    x: Tensor,
    init_latent: Tensor,
    image_noise: ImageNoise,
    alphas: Tensor,
) -> tuple[Tensor, bool]:
    """The latents, and whether the run was cut short (then: the last estimate of clean ones)."""

    def finish_step() -> None:
        denoiser.steps += 1
        if denoiser.clean is not None:
            denoiser.callbacks.on_step(denoiser.steps, max(denoiser.total_steps, denoiser.steps), denoiser.clean)

    arguments = {name: value for name, value in _arguments(spec, plan, denoiser, alphas).items() if name in spec.parameters}
    if spec.solver_type is not None:
        arguments["solver_type"] = spec.solver_type
    try:
        noise = _make_noise(spec, walk, image_noise, x)
        return spec.function(denoiser, x, walk.levels, noise, finish_step, **arguments), False
    except Interrupted:
        return (init_latent if denoiser.clean is None else denoiser.clean), True


def _arguments(spec: SamplerSpec, plan: SamplingPlan, denoiser: GuidedDenoiser, alphas: Tensor) -> dict[str, object]:
    return {
        "eta": spec.default_eta if plan.eta is None else plan.eta,
        "s_churn": plan.s_churn,
        "s_tmin": plan.s_tmin,
        "s_tmax": plan.s_tmax,
        "s_noise": plan.s_noise,
        "alphas_cumprod": alphas,
        "last_uncond": lambda: denoiser.last_uncond,
        "variant": plan.uni_pc_variant,
        "skip_type": plan.uni_pc_skip_type,
        "order": plan.uni_pc_order,
        "lower_order_final": plan.uni_pc_lower_order_final,
    }


def _plan_walk(spec: SamplerSpec, plan: SamplingPlan, alphas: Tensor) -> _Walk:
    steps = plan_steps(plan.steps, plan.strength, plan.fix_steps)
    if steps.schedule_steps == 0:
        return _Walk(torch.zeros(0), None)
    return _plan_timesteps(steps, alphas) if spec.is_timestep else _plan_sigmas(spec, plan, steps, alphas)


def _plan_timesteps(steps: StepPlan, alphas: Tensor) -> _Walk:
    timesteps = timestep_schedule(steps.schedule_steps, len(alphas))
    return _Walk(timesteps[: steps.t_enc], alphas[timesteps[min(steps.t_enc, len(timesteps) - 1)]])


def _plan_sigmas(spec: SamplerSpec, plan: SamplingPlan, steps: StepPlan, alphas: Tensor) -> _Walk:
    scheduler = SCHEDULERS.get(plan.scheduler)
    if scheduler.function is None and spec.scheduler is not None:
        scheduler = SCHEDULERS.get(spec.scheduler)
    options = SigmaOptions(
        sigma_min=plan.sigma_min,
        sigma_max=plan.sigma_max,
        rho=plan.rho,
        use_old_karras_sigmas=plan.use_old_karras_sigmas,
        beta_alpha=plan.beta_alpha,
        beta_beta=plan.beta_beta,
        discard_penultimate=spec.discards_penultimate or plan.discard_penultimate,
    )
    sigmas = make_sigmas(scheduler, steps.schedule_steps, _make_levels(spec, alphas), options)
    kept = sigmas[max(steps.schedule_steps - steps.t_enc - 1, 0) :]
    if len(kept) < 2:
        raise InvalidRequest("steps", plan.steps, f"more steps for sampler {spec.name} with scheduler {scheduler.label}")
    return _Walk(kept, kept[0], float(sigmas[sigmas > 0].min()), float(sigmas.max()))


def _make_levels(spec: SamplerSpec, alphas: Tensor) -> NoiseLevels:
    return ConsistencyLevels(alphas) if spec.family is Family.CONSISTENCY else NoiseLevels(alphas)


def _make_predictor(spec: SamplerSpec, plan: SamplingPlan, model: DiffusionModel, alphas: Tensor) -> Predictor:
    if spec.family is Family.TIMESTEP:
        return NoisePredictor(model, alphas)
    if spec.family is Family.CONSISTENCY:
        return ConsistencyPredictor(model, ConsistencyLevels(alphas))
    return SigmaPredictor(model, NoiseLevels(alphas), plan.is_quantized)


def _make_guidance(spec: SamplerSpec, plan: SamplingPlan, model: DiffusionModel) -> Guidance:
    is_picture_guided = model.kind is ModelKind.EDIT and plan.image_cfg_scale not in (None, 1.0)
    return Guidance(
        scale=plan.cfg_scale * spec.guidance_factor,
        picture_scale=plan.image_cfg_scale if is_picture_guided else None,
        skip_below=plan.s_min_uncond,
        skip_every=plan.s_min_uncond_all,
        skip_first=plan.skip_early_cond,
        is_batched=plan.batch_cond_uncond,
        empty_prompt=encode_texts([""], model.text)[0] if plan.pad_cond_uncond and not plan.pad_cond_uncond_v0 else None,
        repeats_last=plan.pad_cond_uncond_v0,
    )


def _add_noise(spec: SamplerSpec, plan: SamplingPlan, latent: Tensor, noise: Tensor, start: Tensor) -> Tensor:
    noise = noise.to(latent) * plan.noise_multiplier
    if spec.is_timestep:
        return noise_to(latent, noise, start) + noise * (plan.extra_noise * float(start) ** 0.5)
    return latent + noise * float(start) + noise * plan.extra_noise


def _make_noise(spec: SamplerSpec, walk: _Walk, image_noise: ImageNoise, x: Tensor) -> Noise:
    if not spec.is_brownian:
        return lambda sigma, sigma_next: image_noise.next().to(x)
    return BrownianNoise(walk.sigma_min, walk.sigma_max, image_noise.seeds, tuple(x.shape[1:]), image_noise.source, x.device)
