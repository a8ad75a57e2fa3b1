"""Masks: from a picture to the grey mask, its blur, its crop box and its latent form. White (1) is repainted."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image, ImageOps

from modules.imaging.geometry import Box, Extent

ALPHA_THRESHOLD = 128


def to_mask(image: Image.Image, is_rounded: bool = True) -> Image.Image:
    """A grey mask from a mask picture.

    Args:
        image: RGBA with any transparency gives its alpha; all else its luminance, unchanged.
        is_rounded: Threshold an alpha mask at > 128 to 0 and 255.

    Returns:
        Mode L; 255 = repaint.
    """
    if image.mode != "RGBA" or image.getchannel("A").getextrema() == (255, 255):
        return image.convert("L")
    alpha = image.getchannel("A")
    return alpha.point([255 if value > ALPHA_THRESHOLD else 0 for value in range(256)]) if is_rounded else alpha


def alpha_as_mask(image: Image.Image) -> Image.Image:
    """Transparent means repaint (ComfyUI's convention): 255 - alpha; all 0 for a picture without alpha."""
    return ImageOps.invert(image.getchannel("A")) if image.mode == "RGBA" else Image.new("L", image.size)


def invert_mask(mask: Image.Image) -> Image.Image:
    """Swap what is repainted and what is kept."""
    return ImageOps.invert(mask)


def blur_mask(mask: Image.Image, sigma_x: float, sigma_y: float) -> Image.Image:
    """Gaussian blur, first along x, then along y, in 8 bits; an axis with sigma <= 0 is left alone.

    The kernel has 2*int(2.5*sigma + 0.5) + 1 taps and mirrors at the border without repeating the last pixel. Only the
    surroundings of what is not black are computed, so that a small mask on a large picture costs little; the result is the same.
    """
    found = mask.getbbox()
    if found is None:
        return mask.copy()
    box = _padded(Box.from_edges(*found), _reach(sigma_x), _reach(sigma_y), Extent(*mask.size))
    pixels = np.asarray(mask if box.extent.size == mask.size else mask.crop(box.edges))
    if sigma_x > 0:
        pixels = cv2.GaussianBlur(pixels, (_taps(sigma_x), 1), sigma_x)
    if sigma_y > 0:
        pixels = cv2.GaussianBlur(pixels, (1, _taps(sigma_y)), sigma_y)
    blurred = Image.fromarray(pixels)
    if blurred.size == mask.size:
        return blurred
    result = Image.new("L", mask.size)
    result.paste(blurred, (box.x, box.y))
    return result


def overlay_mask(mask: Image.Image) -> Image.Image:
    """Twice the mask, clipped: repainting is fully visible from half the blur on. For whole-picture jobs."""
    return mask.point([min(2 * value, 255) for value in range(256)])


def find_crop_box(mask: Image.Image, padding: int) -> Box | None:
    """The box of all non-zero pixels, padded on each side and kept inside; None for a blank mask."""
    found = mask.getbbox()
    if found is None:
        return None
    return _padded(Box.from_edges(*found), padding, padding, Extent(*mask.size))


def hold_mask(region: Box, mask: Image.Image) -> Box | None:
    """A person's own crop: cut at the picture's border, and extended to hold all non-zero pixels; None for a blank mask."""
    needed = find_crop_box(mask, 0)
    if needed is None:
        return None
    cut = region.cut_at(Extent(*mask.size))
    return needed if cut is None else cut.joined(needed)


def expand_crop_box(box: Box, working: Extent, image: Extent) -> Box:
    """Grow the short side of `box` toward the working aspect ratio, shifted back inside the image.

    Args:
        box: Crop, in image pixels.
        working: What the model will see; only its aspect ratio counts.
        image: Size of the picture that is cropped; limits the growth, so the ratio may not be reached.
    """
    left, top, right, bottom = box.edges
    if box.extent.aspect > working.aspect:
        top, bottom = _grow(top, bottom, int(box.width / working.aspect - box.height), image.height)
    else:
        left, right = _grow(left, right, int(box.height * working.aspect - box.width), image.width)
    return Box.from_edges(left, top, right, bottom)


def latent_mask(mask: Image.Image, latent: Extent, is_rounded: bool = True) -> np.ndarray:
    """The mask in latent cells: Pillow's bicubic resize in 8 bits, then rounded half to even.

    Returns:
        (latent.height, latent.width) float32 in [0, 1], only 0 and 1 if `is_rounded`; 1 = repaint.
    """
    cells = np.asarray(mask.convert("L").resize(latent.size, Image.Resampling.BICUBIC), dtype=np.float32) / 255
    return np.around(cells) if is_rounded else cells


def fractional_latent_mask(
    mask: Image.Image, picture: Extent, latent: Extent, grow_by: int = 0, *, is_rounded: bool = False, is_cut: bool = True, factor: int = 8
) -> np.ndarray:
    """The mask in latent cells as ComfyUI has it: bilinear between pixel centres, without antialiasing, in fractions.

    Args:
        picture: Size of the picture that is encoded, which the mask is stretched to.
        latent: Size of its latents.
        grow_by: Side of the box that the rounded mask grows by; see `grow_mask`.
        is_rounded: Round to 0 and 1 before it is made small, also where nothing grows.
        is_cut: Leave out what is beyond whole latent cells, as the encoder does; else the whole mask is stretched onto the cells.
        factor: Pixels a cell.

    Returns:
        (latent.height, latent.width) float32 in [0, 1]; 1 = repaint.
    """
    values = np.asarray(mask.convert("L"), dtype=np.float32) / 255
    if is_cut or is_rounded or grow_by > 0:
        values = values if mask.size == picture.size else cv2.resize(values, picture.size, interpolation=cv2.INTER_LINEAR)
        height, width = (side // factor * factor for side in values.shape)
        top, left = (values.shape[0] - height) // 2, (values.shape[1] - width) // 2
        values = values[top : top + height, left : left + width]
    if is_rounded or grow_by > 0:
        values = _dilate(np.around(values), grow_by)
    return np.asarray(cv2.resize(values, latent.size, interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def grow_mask(mask: Image.Image, grow_by: int) -> Image.Image:
    """Round to black and white, then grow by a box of `grow_by` pixels (ComfyUI's `grow_mask_by`).

    Reaches grow_by // 2 px right and down, (grow_by - 1) // 2 px left and up; 1 only rounds.
    0 gives the mask back untouched, greys and all (ComfyUI rounds it even then).
    """
    if grow_by < 1:
        return mask.convert("L")
    pixels = np.where(np.asarray(mask.convert("L")) > 127, 255, 0).astype(np.uint8)
    return Image.fromarray(_dilate(pixels, grow_by))


def _dilate(values: np.ndarray, grow_by: int) -> np.ndarray:
    anchor = (grow_by // 2, grow_by // 2)
    return values if grow_by < 2 else cv2.dilate(values, np.ones((grow_by, grow_by), np.uint8), anchor=anchor)


def _padded(box: Box, across_px: int, down_px: int, limit: Extent) -> Box:
    left, top, right, bottom = box.edges
    return Box.from_edges(
        max(left - across_px, 0), max(top - down_px, 0), min(right + across_px, limit.width), min(bottom + down_px, limit.height)
    )


def _reach(sigma: float) -> int:
    """How far from white pixels a blur must be computed: as far as it spreads, and once more, so that the edge mirrors only black."""
    return _taps(sigma) if sigma > 0 else 0


def _taps(sigma: float) -> int:
    return 2 * int(2.5 * sigma + 0.5) + 1


def _grow(low: int, high: int, by: int, limit: int) -> tuple[int, int]:
    low -= by // 2
    high += by - by // 2
    if high >= limit:
        low, high = low - (high - limit), limit
    if low < 0:
        low, high = 0, high - low
    return low, min(high, limit)
