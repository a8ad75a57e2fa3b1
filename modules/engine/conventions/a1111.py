"""AUTOMATIC1111's rules: schedules cut by strength, clean latents under the mask, one generator an image."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from modules.base.errors import InvalidRequest
from modules.engine.blending import CleanBlending
from modules.engine.brownian import BrownianNoise
from modules.engine.callbacks import BlendParams, ExtraNoiseParams
from modules.engine.conventions.convention import Convention, Count
from modules.engine.levels import ConsistencyLevels, NoiseLevels
from modules.engine.model import DiffusionModel
from modules.engine.noise import ImageNoise
from modules.engine.predictors import ConsistencyPredictor, NoisePredictor, Predictor, SigmaPredictor
from modules.engine.prompts.conditioning import build_conditioning
from modules.engine.samplers.ddim import noise_to
from modules.engine.samplers.stepping import Noise
from modules.engine.samplers.table import SAMPLERS, Family, SamplerSpec
from modules.engine.sampling_plan import SamplingPlan, Walk
from modules.engine.schedules import SCHEDULERS, SigmaOptions, StepPlan, make_sigmas, plan_steps, timestep_schedule
from modules.imaging.masks import latent_mask


def count(spec: SamplerSpec, plan: SamplingPlan) -> Count:
    """Sampler steps (0 or more; a few schedules make one more), and the calls that they are taken for."""
    steps = plan_steps(plan.steps, plan.strength, plan.fix_steps)
    calls = (steps.t_enc + 1) * (2 if spec.is_second_order else 1)
    if steps.schedule_steps == 0:
        return Count(0, calls)
    return Count(max(steps.t_enc - 1, 0) if spec.is_timestep else steps.t_enc + 1, calls)


def plan_walk(spec: SamplerSpec, plan: SamplingPlan, alphas: Tensor) -> Walk:
    steps = plan_steps(plan.steps, plan.strength, plan.fix_steps)
    if steps.schedule_steps == 0:
        return Walk(torch.zeros(0), None)
    return _plan_timesteps(plan, steps, alphas) if spec.is_timestep else _plan_sigmas(spec, plan, steps, alphas)


def _plan_timesteps(plan: SamplingPlan, steps: StepPlan, alphas: Tensor) -> Walk:
    # Of a schedule of timesteps nothing is discarded: it is only made longer.
    timesteps = timestep_schedule(steps.schedule_steps + plan.discard_penultimate, len(alphas))
    return Walk(timesteps[: steps.t_enc], alphas[timesteps[min(steps.t_enc, len(timesteps) - 1)]])


def _plan_sigmas(spec: SamplerSpec, plan: SamplingPlan, steps: StepPlan, alphas: Tensor) -> Walk:
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
    sigmas = make_sigmas(scheduler, steps.schedule_steps, _make_levels(spec, plan, alphas), options)
    if not sigmas.isfinite().all():
        raise InvalidRequest("use_downcasted_alpha_bar", True, "False, or a sigma_max: Zero Terminal SNR is beyond half precision")
    kept = sigmas[max(steps.schedule_steps - steps.t_enc - 1, 0) :]
    if len(kept) < 2:
        raise InvalidRequest("steps", plan.steps, f"more steps for sampler {spec.name} with scheduler {scheduler.label}")
    return Walk(kept, kept[0], float(sigmas[sigmas > 0].min()), float(sigmas.max()))


def _make_levels(spec: SamplerSpec, plan: SamplingPlan, alphas: Tensor) -> NoiseLevels:
    return ConsistencyLevels(alphas) if spec.family is Family.CONSISTENCY else NoiseLevels(alphas, plan.is_quantized)


def add_noise(
    spec: SamplerSpec,
    plan: SamplingPlan,
    latent: Tensor,
    noise: Tensor,
    start: Tensor,
    on_extra: Callable[[ExtraNoiseParams], None],
) -> Tensor:
    noise = noise.to(latent) * plan.noise_multiplier
    noised = noise_to(latent, noise, start) if spec.is_timestep else latent + noise * float(start)
    if plan.extra_noise == 0:
        return noised
    params = ExtraNoiseParams(noise, latent, noised)
    on_extra(params)
    extra = params.noise * plan.extra_noise
    return noised + (extra * start.sqrt().item() if spec.is_timestep else extra)


def step_noise(spec: SamplerSpec, walk: Walk, image_noise: ImageNoise, x: Tensor) -> Noise:
    if not spec.is_brownian:
        return lambda sigma, sigma_next: image_noise.next().to(x)
    return BrownianNoise(walk.sigma_min, walk.sigma_max, image_noise.seeds, tuple(x.shape[1:]), image_noise.source, x.device)


def make_predictor(spec: SamplerSpec, plan: SamplingPlan, model: DiffusionModel, alphas: Tensor) -> Predictor:
    if spec.family is Family.TIMESTEP:
        return NoisePredictor(model, alphas)
    if spec.family is Family.CONSISTENCY:
        return ConsistencyPredictor(model, ConsistencyLevels(alphas))
    return SigmaPredictor(model, NoiseLevels(alphas, plan.is_quantized))


def make_blending(
    spec: SamplerSpec,
    original: Tensor,
    repaint: Tensor,
    noise: Tensor,
    image_noise: ImageNoise,
    on_blend: Callable[[BlendParams], None],
) -> CleanBlending:
    return CleanBlending(original, repaint, is_before=spec.is_timestep, on_blend=on_blend)


def fit_to_vae(pixels: Tensor, factor: int) -> Tensor:
    """Pixels as they are: what is beyond a whole latent cell is lost in the encoder's strided convolutions."""
    return pixels


A1111 = Convention(
    name="a1111",
    samplers=SAMPLERS,
    schedulers=SCHEDULERS,
    settle=lambda plan: plan,
    plan_walk=plan_walk,
    count=count,
    make_predictor=make_predictor,
    add_noise=add_noise,
    step_noise=step_noise,
    make_blending=make_blending,
    image_noise=ImageNoise,
    build_conditioning=build_conditioning,
    latent_mask=latent_mask,
    fit_to_vae=fit_to_vae,
)
