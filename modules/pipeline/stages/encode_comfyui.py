"""As `encode`, by ComfyUI's rules: masks in fractions, exact grey, the grown mask for the latents and the mask itself for the grey.

What is below the mask decides which of ComfyUI's nodes is followed: "neutral" is VAEEncodeForInpaint; anything else is
InpaintModelConditioning, whose latents are those of VAEEncode; with `inpainting_mask_weight` 0 it is VAEEncode with SetLatentNoiseMask.
The last two differ only for 9-channel models, and for pictures that are not made of whole latent cells.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from PIL.Image import Image
from torch import Tensor

from modules.engine.comfyui.inpainting import cut_to_cells, grey_out, grow_mask, mask_for_encoding, stretch_mask
from modules.imaging.fills import MaskedContent
from modules.pipeline.plan import Plan
from modules.pipeline.stages.prepare import MaskSet

NOTHING_MASKED = (0.8223, -0.6876, 0.6364, 0.1380)
"""A masked picture's latent, where an inpainting model is given none."""

EncodePixels = Callable[[Tensor], Tensor]
"""(1, 3, H, W) in [-1, 1], whole cells, to scaled latents."""


def to_unit(picture: Image) -> Tensor:
    """RGB picture to (1, 3, H, W) float32 in [0, 1]."""
    array = np.asarray(picture.convert("RGB"), dtype=np.float32) / 255.0
    return torch.from_numpy(np.moveaxis(array, 2, 0)[None].copy())


def to_mask_values(mask: Image) -> Tensor:
    """L picture to (1, H, W) float32 in [0, 1]."""
    return torch.from_numpy(np.asarray(mask.convert("L"), dtype=np.float32)[None] / 255.0)


def encode_picture(picture: Image, masks: MaskSet | None, plan: Plan, factor: int, encode: EncodePixels) -> Tensor:
    """The latent that the sampler starts from, (1, C, h, w), scaled."""
    pixels = to_unit(picture)
    if masks is None or plan.content is not MaskedContent.NEUTRAL:
        return encode(cut_to_cells(pixels, factor) * 2.0 - 1.0)
    fitted, mask = mask_for_encoding(to_mask_values(masks.model), pixels, factor)
    return encode(grey_out(fitted, mask) * 2.0 - 1.0)


def noise_mask(picture: Image, masks: MaskSet, plan: Plan, factor: int, cells: tuple[int, int]) -> Tensor:
    """Where latents are repainted: (1, 1, h, w) float32 in fractions."""
    mask = to_mask_values(masks.latent)
    is_neutral = plan.content is MaskedContent.NEUTRAL
    if not is_neutral and masks.grow_by == 0 and plan.options.inpainting_mask_weight == 0:
        return stretch_mask(mask, *cells)
    _, fitted = mask_for_encoding(mask, to_unit(picture), factor)
    return stretch_mask(grow_mask(fitted, masks.grow_by) if is_neutral or masks.grow_by else fitted, *cells)


def inpaint_channels(
    picture: Image, masks: MaskSet | None, plan: Plan, factor: int, encode: EncodePixels, latent: Tensor, repaint: Tensor | None
) -> Tensor:
    """Mask and masked picture for a 9-channel model, (1, 5, h, w).

    Args:
        latent: (1, C, h, w), from `encode_picture`.
        repaint: (1, 1, h, w), from `noise_mask`; None without a mask.
    """
    if masks is None or repaint is None:
        nothing = torch.tensor(NOTHING_MASKED, dtype=latent.dtype, device=latent.device).reshape(1, -1, 1, 1)
        return torch.cat([torch.ones_like(latent[:, :1]), nothing.expand_as(latent)], dim=1)
    weight = plan.options.inpainting_mask_weight
    if plan.content is MaskedContent.NEUTRAL or weight == 0:
        return torch.cat([repaint.round().to(latent), latent], dim=1)
    fitted, mask = mask_for_encoding(to_mask_values(masks.model), to_unit(picture), factor)
    masked = encode(grey_out(fitted, mask, weight) * 2.0 - 1.0)
    cells = stretch_mask(mask, int(latent.shape[-2]), int(latent.shape[-1])).round()
    return torch.cat([cells.to(masked), masked], dim=1)
