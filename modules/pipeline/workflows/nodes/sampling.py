"""Nodes that sample, and the pieces that newer workflows put samplers together from."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from modules.engine.callbacks import SamplerCallbacks
from modules.engine.comfyui.noise import draw_noise, no_noise
from modules.engine.comfyui.sampling import LatentRun, sample_latent
from modules.engine.comfyui.schedules import cut_sigmas, make_sigmas
from modules.engine.model import DiffusionModel
from modules.pipeline.workflows.context import GraphInterrupted, NodeRun
from modules.pipeline.workflows.limits import check_latents
from modules.pipeline.workflows.nodes.models import get_model
from modules.pipeline.workflows.values import GuiderValue, Latent, ModelValue, NoiseValue, SamplerValue

if TYPE_CHECKING:
    from modules.pipeline.workflows.values import Conditioning

ANY_SAMPLER = "euler"
"""Where a schedule is made before the sampler is known."""
ALMOST_ZERO = 0.0001


def sample(
    run: NodeRun, model: ModelValue, seed: int, steps: int, cfg: float, sampler_name: str, scheduler: str,
    positive: Conditioning, negative: Conditioning, latent_image: Latent, denoise: float,
) -> tuple[Latent]:  # fmt: skip
    """KSampler."""
    loaded = get_model(run, model)
    sigmas = make_sigmas(scheduler, sampler_name, steps, denoise, loaded.alphas_cumprod)
    guider = GuiderValue(model, positive, negative, cfg)
    return (_run(run, loaded, guider, SamplerValue(sampler_name), sigmas, latent_image, seed).latent,)


def sample_advanced(
    run: NodeRun, model: ModelValue, add_noise: str, noise_seed: int, steps: int, cfg: float, sampler_name: str, scheduler: str,
    positive: Conditioning, negative: Conditioning, latent_image: Latent, start_at_step: int, end_at_step: int,
    return_with_leftover_noise: str,
) -> tuple[Latent]:  # fmt: skip
    """KSamplerAdvanced: a part of the schedule, with noise or what is left of it from before."""
    loaded = get_model(run, model)
    whole = make_sigmas(scheduler, sampler_name, steps, 1.0, loaded.alphas_cumprod)
    sigmas = cut_sigmas(whole, start_at_step, end_at_step, keeps_noise=return_with_leftover_noise == "enable")
    guider = GuiderValue(model, positive, negative, cfg)
    is_noised = add_noise != "disable"
    return (_run(run, loaded, guider, SamplerValue(sampler_name), sigmas, latent_image, noise_seed, is_noised=is_noised).latent,)


def sample_custom(
    run: NodeRun, model: ModelValue, add_noise: bool, noise_seed: int, cfg: float, positive: Conditioning, negative: Conditioning,
    sampler: SamplerValue, sigmas: Tensor, latent_image: Latent,
) -> tuple[Latent, Latent]:  # fmt: skip
    """SamplerCustom: the latents, and the last estimate of clean ones."""
    guider = GuiderValue(model, positive, negative, cfg)
    done = _run(run, get_model(run, model), guider, sampler, sigmas, latent_image, noise_seed, is_noised=add_noise)
    return done.latent, done.clean


def sample_custom_advanced(
    run: NodeRun, noise: NoiseValue, guider: GuiderValue, sampler: SamplerValue, sigmas: Tensor, latent_image: Latent
) -> tuple[Latent, Latent]:
    """SamplerCustomAdvanced."""
    loaded, is_noised = get_model(run, guider.model), noise.seed is not None
    done = _run(run, loaded, guider, sampler, sigmas, latent_image, noise.seed or 0, is_noised=is_noised)
    return done.latent, done.clean


@dataclass(frozen=True)
class _Done:
    latent: Latent
    clean: Latent


def _run(
    run: NodeRun, model: DiffusionModel, guider: GuiderValue, sampler: SamplerValue, sigmas: Tensor, latent: Latent, seed: int,
    *, is_noised: bool = True,
) -> _Done:  # fmt: skip
    """Sample in the model's scale; mask and places in the batch stay with the latents."""
    shape = tuple(latent.samples.shape)
    check_latents(shape[0], shape[-2], shape[-1], field="latent_image")
    noise = draw_noise(shape, seed, latent.batch_index) if is_noised else no_noise(shape)
    last: list[Tensor] = []

    def on_step(step: int, total: int, clean: Tensor) -> None:
        last[:] = [clean]
        run.graph.on_step(run.node, step, total, clean, model)

    plan = LatentRun(sampler.name, sigmas, guider.cfg, seed, guider.model.differential, dict(sampler.options))
    result = sample_latent(
        model,
        plan,
        latent.samples * model.scale_factor,
        noise,
        guider.positive,
        guider.negative,
        noise_mask=latent.noise_mask,
        callbacks=SamplerCallbacks(on_step=on_step, is_interrupted=run.graph.is_interrupted),
    )
    if result.is_interrupted:
        raise GraphInterrupted
    clean = last[0] if last else result.latent
    unscaled = [values.cpu() / model.scale_factor for values in (result.latent, clean)]
    return _Done(replace(latent, samples=unscaled[0]), replace(latent, samples=unscaled[1]))


def random_noise(run: NodeRun, noise_seed: int) -> tuple[NoiseValue]:
    return (NoiseValue(noise_seed),)


def disable_noise(run: NodeRun) -> tuple[NoiseValue]:
    return (NoiseValue(None),)


def guide_by_cfg(run: NodeRun, model: ModelValue, positive: Conditioning, negative: Conditioning, cfg: float) -> tuple[GuiderValue]:
    return (GuiderValue(model, positive, negative, cfg),)


def guide_plainly(run: NodeRun, model: ModelValue, conditioning: Conditioning) -> tuple[GuiderValue]:
    return (GuiderValue(model, conditioning),)


def select_sampler(run: NodeRun, sampler_name: str) -> tuple[SamplerValue]:
    return (SamplerValue(sampler_name),)


def schedule(run: NodeRun, model: ModelValue, scheduler: str, steps: int, denoise: float) -> tuple[Tensor]:
    """BasicScheduler: it does not know the sampler, so no sigma is dropped for one; no more than `steps` steps, of ddim_uniform either."""
    alphas = run.graph.checkpoint(model.checkpoint).alphas_cumprod
    return (make_sigmas(scheduler, ANY_SAMPLER, steps, denoise, alphas, drops_penultimate=False)[-(steps + 1) :],)


def schedule_karras(run: NodeRun, steps: int, sigma_max: float, sigma_min: float, rho: float) -> tuple[Tensor]:
    """Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models", 2022, equation 5."""
    ramp = torch.linspace(0, 1, steps)
    low, high = sigma_min ** (1 / rho), sigma_max ** (1 / rho)
    return (_with_zero((high + ramp * (low - high)) ** rho),)


def schedule_exponential(run: NodeRun, steps: int, sigma_max: float, sigma_min: float) -> tuple[Tensor]:
    """Evenly spaced in log sigma."""
    return (_with_zero(torch.linspace(math.log(sigma_max), math.log(sigma_min), steps).exp()),)


def _with_zero(sigmas: Tensor) -> Tensor:
    return torch.cat([sigmas, sigmas.new_zeros(1)])


def split_sigmas(run: NodeRun, sigmas: Tensor, step: int) -> tuple[Tensor, Tensor]:
    """Before and from a step on; both hold the sigma where they meet."""
    return sigmas[: step + 1], sigmas[step:]


def split_sigmas_denoise(run: NodeRun, sigmas: Tensor, denoise: float) -> tuple[Tensor, Tensor]:
    """The last `denoise` of the steps apart. Where that is none of them, the first part is empty as well, as it is in ComfyUI."""
    steps = round(max(len(sigmas) - 1, 0) * denoise)
    return sigmas[: len(sigmas) - steps if steps else 0], sigmas[-(steps + 1) :]


def flip_sigmas(run: NodeRun, sigmas: Tensor) -> tuple[Tensor]:
    """Rising, for going from a picture to noise; a 0 at the start becomes 0.0001."""
    flipped = sigmas.flip(0)
    if len(flipped) and flipped[0] == 0:
        flipped[0] = ALMOST_ZERO
    return (flipped,)
