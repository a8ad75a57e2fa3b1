"""From prepared pictures to latents, latent mask and the extra channels of inpainting and edit models."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from PIL.Image import Image
from torch import Tensor
from torch.nn.functional import interpolate

from modules.engine.conventions.table import CONVENTIONS
from modules.engine.model import DiffusionModel, ModelKind
from modules.engine.noise import ImageNoise, NoiseSource
from modules.imaging.fills import MaskedContent
from modules.imaging.resize import ResizeMode
from modules.pipeline.context import ReuseCache
from modules.pipeline.plan import Plan
from modules.pipeline.stages.encode_comfyui import encode_picture, inpaint_channels, noise_mask
from modules.pipeline.stages.prepare import Prepared


@dataclass(frozen=True)
class Encoded:
    """What the sampler starts from.

    Attributes:
        latent: (B, C, h, w) float32.
        repaint: (C, h, w) float32, 1 = repaint; None = everything.
        concat: (B, K, h, w) float32 for inpainting and edit models; None for base models.
    """

    latent: Tensor
    repaint: Tensor | None
    concat: Tensor | None


def to_pixels(picture: Image) -> Tensor:
    """RGB picture to (1, 3, H, W) float32 in [-1, 1]."""
    array = np.asarray(picture.convert("RGB"), dtype=np.float32) / 255.0
    return torch.from_numpy(np.moveaxis(array, 2, 0)[None].copy()) * 2.0 - 1.0


def encode(prepared: Prepared, plan: Plan, model: DiffusionModel, cache: ReuseCache) -> Encoded:
    """Encode each distinct start picture once; known ones come from `cache`."""
    if plan.is_comfyui:
        return _encode_as_comfyui(prepared, plan, model, cache)
    latents = [_encode_cached(to_pixels(picture), plan, model, cache) for picture in prepared.pictures]
    latent = _repeat(torch.cat(latents), plan.batch_size)
    cells = plan.working.floor_divide(model.latent_factor)
    if plan.resize_mode is ResizeMode.LATENT:
        latent = interpolate(latent, size=cells.shape, mode="bilinear", align_corners=False)
    concat = _conditioning_channels(prepared, plan, model, cache, latent)
    if prepared.masks is None:
        return Encoded(latent, None, concat)
    rows = CONVENTIONS.get(plan.sampling.compat).latent_mask(prepared.masks.latent, cells, plan.is_mask_rounded)
    repaint = torch.from_numpy(rows).to(latent)[None].repeat(latent.shape[1], 1, 1)
    return Encoded(_fill_latent(latent, repaint, plan, model), repaint, concat)


def _encode_as_comfyui(prepared: Prepared, plan: Plan, model: DiffusionModel, cache: ReuseCache) -> Encoded:
    masks, factor = prepared.masks, model.latent_factor

    def encode_pixels(pixels: Tensor) -> Tensor:
        return _encode_cached(pixels, plan, model, cache)

    latents = [encode_picture(picture, masks, plan, factor, encode_pixels) for picture in prepared.pictures]
    if plan.resize_mode is ResizeMode.LATENT:
        cells = plan.working.floor_divide(factor).shape
        latents = [interpolate(latent, size=cells, mode="bilinear", align_corners=False) for latent in latents]
    cells = (int(latents[0].shape[-2]), int(latents[0].shape[-1]))
    repaint = None if masks is None else noise_mask(prepared.pictures[0], masks, plan, factor, cells).to(latents[0])
    latent, concat = _repeat(torch.cat(latents), plan.batch_size), None
    if model.kind is ModelKind.INPAINT:
        each = zip(prepared.pictures, latents, strict=True)
        channels = [inpaint_channels(picture, masks, plan, factor, encode_pixels, start, repaint) for picture, start in each]
        concat = _repeat(torch.cat(channels), plan.batch_size)
    elif model.kind is ModelKind.EDIT:
        concat = _conditioning_channels(prepared, plan, model, cache, latent)
    if repaint is None:
        return Encoded(latent, None, concat)
    rows = repaint[0].repeat(latent.shape[1], 1, 1)
    return Encoded(_fill_latent(latent, rows, plan, model), rows, concat)


def _encode_cached(pixels: Tensor, plan: Plan, model: DiffusionModel, cache: ReuseCache) -> Tensor:
    pixels = CONVENTIONS.get(plan.sampling.compat).fit_to_vae(pixels, model.latent_factor)
    digest = hashlib.sha256(pixels.numpy().tobytes()).hexdigest()
    key = ("latent", model.identity, plan.is_tiling, tuple(pixels.shape), digest)
    return cache.get_or_make(key, lambda: model.encode(pixels.to(model.device)))


def _repeat(latent: Tensor, batch_size: int) -> Tensor:
    return latent.repeat(batch_size, 1, 1, 1) if latent.shape[0] == 1 else latent


def _fill_latent(latent: Tensor, repaint: Tensor, plan: Plan, model: DiffusionModel) -> Tensor:
    if plan.content is MaskedContent.LATENT_NOTHING:
        return latent * (1.0 - repaint)
    if plan.content is not MaskedContent.LATENT_NOISE:
        return latent
    # A1111 takes the first noise of the job's first seeds, without subseeds, for every iteration.
    shape = (int(latent.shape[1]), int(latent.shape[2]), int(latent.shape[3]))
    source = NoiseSource(plan.options.randn_source)
    noise = ImageNoise(shape, plan.seeds[: latent.shape[0]], source=source, device=model.device).first()
    return latent * (1.0 - repaint) + noise.to(latent) * repaint


def _conditioning_channels(prepared: Prepared, plan: Plan, model: DiffusionModel, cache: ReuseCache, latent: Tensor) -> Tensor | None:
    if model.kind is ModelKind.BASE:
        return None
    if model.kind is ModelKind.EDIT:
        pictures = [_encode_cached(to_pixels(picture), plan, model, cache) / model.scale_factor for picture in prepared.pictures]
        channels = torch.cat(pictures)
    else:
        channels = torch.cat([_inpaint_channels(picture, prepared, plan, model, cache, latent) for picture in prepared.pictures])
    if channels.shape[-2:] != latent.shape[-2:]:
        channels = interpolate(channels, size=latent.shape[-2:], mode="bilinear", align_corners=False)
    return _repeat(channels, plan.batch_size)


def _inpaint_channels(picture: Image, prepared: Prepared, plan: Plan, model: DiffusionModel, cache: ReuseCache, latent: Tensor) -> Tensor:
    pixels = to_pixels(picture)
    mask = torch.ones(1, 1, *pixels.shape[-2:])
    if prepared.masks is not None:
        grey = np.asarray(prepared.masks.model.convert("L"), dtype=np.float32) / 255.0
        mask = torch.from_numpy(np.round(grey) if plan.is_mask_rounded else grey)[None, None]
        if mask.shape[-2:] != pixels.shape[-2:]:
            mask = interpolate(mask, size=pixels.shape[-2:])
    masked = torch.lerp(pixels, pixels * (1.0 - mask), plan.options.inpainting_mask_weight)
    masked_latent = _encode_cached(masked, plan, model, cache)
    return torch.cat([interpolate(mask, size=masked_latent.shape[-2:]).to(masked_latent), masked_latent], dim=1)
