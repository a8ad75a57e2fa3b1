"""The one entry to sampling for workflows: latents, sigmas and conditioning in parts in; finished latents out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from modules.engine.callbacks import SamplerCallbacks
from modules.engine.comfyui.conditioning import CondPart
from modules.engine.comfyui.guidance import PartsDenoiser, with_channels
from modules.engine.comfyui.masking import NoisedBlending, Thresholding, fit_mask
from modules.engine.comfyui.noise import draw_noise, mask_noise, step_noise
from modules.engine.comfyui.samplers.table import RENOISED_MASK, SAMPLERS, is_noise_on_device, needs_uncond
from modules.engine.comfyui.schedules import SCHEDULERS, ComfyLevels, cut_sigmas, make_sigmas, start_factor
from modules.engine.model import DiffusionModel
from modules.engine.predictors import SigmaPredictor
from modules.engine.sampling import SamplingResult, run_sampler

__all__ = ["SAMPLERS", "SCHEDULERS", "CondPart", "LatentRun", "cut_sigmas", "draw_noise", "make_sigmas", "sample_latent"]


@dataclass(frozen=True)
class LatentRun:
    """What a run does.

    Attributes:
        sampler: Name in `SAMPLERS`.
        sigmas: (n + 1,) decreasing; (0,) = do nothing. What `make_sigmas` and `cut_sigmas` give.
        cfg: Guidance scale; 1 leaves the negative prompt out.
        seed: Of later noise; 0 to 2^64 - 1. The first noise is handed in apart.
        differential: Strength of Differential Diffusion: the noise mask is a threshold that sinks from step to step; None = off.
        options: Arguments of the sampler's function that are not its defaults, such as eta and s_noise.
    """

    sampler: str
    sigmas: Tensor
    cfg: float
    seed: int
    differential: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@torch.no_grad()
def sample_latent(
    model: DiffusionModel,
    run: LatentRun,
    latent: Tensor,
    noise: Tensor,
    positive: Sequence[CondPart],
    negative: Sequence[CondPart],
    *,
    noise_mask: Tensor | None = None,
    callbacks: SamplerCallbacks | None = None,
) -> SamplingResult:
    """Add noise to latents and denoise them.

    Args:
        model: The diffusion model.
        run: What to do.
        latent: (B, C, h, w) float32, scaled (the VAE's times `model.scale_factor`).
        noise: (B, C, h, w) of unit variance; zeros where none is to be added.
        positive: One part or more.
        negative: Parts; none at all = no guidance.
        noise_mask: (H, W), (n, H, W) or (n, 1, H, W), 1 = repaint, in pixels or latent cells; None = everywhere.
        callbacks: What to call on the way.

    Returns:
        Scaled latents; after an interruption the last clean estimate.

    Raises:
        UnknownName: No such sampler.
        NansException: The model's output is not a number.
    """
    spec, callbacks = SAMPLERS.get(run.sampler), callbacks or SamplerCallbacks()
    if len(run.sigmas) == 0:
        return SamplingResult(latent, False, 0, False)
    latent, noise = latent.to(model.device), noise.to(model.device)
    levels, mask = ComfyLevels(model.alphas_cumprod), None if noise_mask is None else fit_mask(noise_mask, tuple(latent.shape)).to(latent)
    x = latent + noise * float(start_factor(run.sigmas[0], levels))
    if len(run.sigmas) == 1:
        return SamplingResult(x, False, 0, False)
    is_alone = math.isclose(run.cfg, 1.0) and not needs_uncond(spec)
    sides = with_channels(model.kind, positive, () if is_alone else negative, latent, mask, model.scale_factor)
    denoiser = PartsDenoiser(
        SigmaPredictor(model, levels, resizes_first=True),
        levels,
        *sides,
        run.cfg,
        masking=None if mask is None else _blending(run, levels, latent, mask, noise, callbacks),
        callbacks=callbacks,
        total_steps=len(run.sigmas) - 1,
    )
    later = step_noise(x, run.seed, run.sigmas, is_brownian=spec.is_brownian, is_on_device=is_noise_on_device(spec.name))
    spec = replace(spec, parameters=(*spec.parameters, *run.options))
    result, is_interrupted = run_sampler(
        spec, denoiser, x, run.sigmas, later, latent, {"alphas_cumprod": model.alphas_cumprod, **run.options}
    )
    return SamplingResult(result, is_interrupted, denoiser.calls, denoiser.is_padded)


def _blending(
    run: LatentRun, levels: ComfyLevels, latent: Tensor, mask: Tensor, noise: Tensor, callbacks: SamplerCallbacks
) -> NoisedBlending:
    if run.sampler == RENOISED_MASK:
        noise = mask_noise(tuple(latent.shape), run.seed).to(latent)
    if run.differential is None:
        return NoisedBlending(latent, mask, noise, on_blend=callbacks.on_blend)
    return NoisedBlending(latent, mask, noise, Thresholding(levels, run.sigmas, run.differential), callbacks.on_blend)
