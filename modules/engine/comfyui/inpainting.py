"""From a picture and its mask to what the VAE is given for inpainting, and the mask that goes with it; all in floats, 1 = repaint."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import conv2d, interpolate

GREY = 0.5


def stretch_mask(mask: Tensor, height: int, width: int) -> Tensor:
    """A mask in another size: bilinear between pixel centres, without antialiasing; proportions are not kept.

    Args:
        mask: (H, W), (B, H, W) or (B, 1, H, W) float32.

    Returns:
        (B, 1, height, width) float32.
    """
    rows = mask.reshape(-1, 1, *mask.shape[-2:])
    return rows if rows.shape[-2:] == (height, width) else interpolate(rows, size=(height, width), mode="bilinear", align_corners=False)


def cut_to_cells(pixels: Tensor, factor: int = 8) -> Tensor:
    """(..., H, W) without what is beyond whole latent cells: a centred cut, of an odd rest one pixel less at the top and left."""
    height, width = pixels.shape[-2] // factor * factor, pixels.shape[-1] // factor * factor
    top, left = (pixels.shape[-2] - height) // 2, (pixels.shape[-1] - width) // 2
    return pixels[..., top : top + height, left : left + width]


def grey_out(pixels: Tensor, mask: Tensor, weight: float = 1.0) -> Tensor:
    """Mid grey where the mask, rounded half to even, is 1.

    Args:
        pixels: (B, C, H, W) float32 in [0, 1].
        mask: (B or 1, 1, H, W).
        weight: How far towards grey: 0 leaves the picture as it is.
    """
    return (pixels - GREY) * (1.0 - weight * mask.round()) + GREY


def grow_mask(mask: Tensor, grow_by: int) -> Tensor:
    """The rounded mask, grown by a box of `grow_by` pixels: grow_by // 2 right and down, (grow_by - 1) // 2 left and up.

    Args:
        mask: (B, 1, H, W) float32.
        grow_by: 0 and more; 0 and 1 only round.

    Returns:
        (B, 1, H, W) float32 of 0 and 1.
    """
    binary = mask.round()
    if grow_by < 2:
        return binary
    height, width = mask.shape[-2:]
    padding = grow_by // 2  # ceil((grow_by - 1) / 2)
    spread = torch.ones(1, 1, 1, grow_by, dtype=mask.dtype, device=mask.device)
    along = conv2d(binary, spread, padding=(0, padding)).clamp(0.0, 1.0)[..., :width]
    return conv2d(along, spread.transpose(2, 3), padding=(padding, 0)).clamp(0.0, 1.0)[..., :height, :].round()


def mask_for_encoding(mask: Tensor, pixels: Tensor, factor: int = 8) -> tuple[Tensor, Tensor]:
    """Picture and mask of one size, in whole latent cells.

    Args:
        mask: (H', W') or (B, H', W') of any size.
        pixels: (B, C, H, W).

    Returns:
        Pixels (B, C, h, w) and mask (B, 1, h, w); the mask is not rounded.
    """
    fitted = stretch_mask(mask, int(pixels.shape[-2]), int(pixels.shape[-1]))
    return cut_to_cells(pixels, factor), cut_to_cells(fitted, factor)
