"""Multi-band blending: lead a repainted part over into its surroundings, coarse structure gently and detail at once."""

from __future__ import annotations

import math

import cv2
import numpy as np
from PIL import Image

from modules.imaging.compose import keep_outside
from modules.imaging.masks import find_crop_box

MIN_BAND_PX, MAX_BAND_PX = 8, 64
LEAST_REACH_PX, MOST_REACH_PX = 16, 48
REACH_SHARE = 0.1
"""Band on both sides of the contour, as a share of the mask's size (the root of its box's area)."""
CONTOUR = 128
TRUSTED_SHARE = 0.3
"""Share of the result in a pixel from which its own colour is worth working out: below, rounding is blown up too much."""
KNOWN_FROM = 1e-3
"""Weight from which a pixel of a pyramid level counts as known."""


def reach_px(mask: Image.Image) -> int:
    """How far from a mask's contour a seam is mended, px; `mask` is L."""
    left, top, right, bottom = mask.getbbox() or (0, 0, 0, 0)
    return round(min(max(REACH_SHARE * math.sqrt((right - left) * (bottom - top)), LEAST_REACH_PX), MOST_REACH_PX))


def blend_bands(original: Image.Image, result: Image.Image, mask: Image.Image, band_px: int = 32) -> Image.Image:
    """Blend a result into its original across the rim of the mask, each octave of detail over a width of its own.

    Both pictures are taken apart into Laplacian pyramids. On level k the result's coefficients take over within about 2^(k+1) px, so that
    brightness and colour change over the whole band and fine detail within a pixel or two (eq. 4-6 of the paper). Two things differ from
    there. Nothing outside the mask may change, so that the wide fades lie inside it. And the pictures hold the seam already: the repainted
    one is freed from the original that the mask's blur mixed into it, and each is carried on smoothly beyond the contour, the original
    inwards (so that an object that was painted away does not shine through), the repainted one outwards.

    Args:
        original: RGB, the start picture on its canvas; not modified.
        result: RGB, same size; not modified.
        mask: L, same size; where it is 0 the original stays, bit for bit.
        band_px: Width of the coarsest fade, px; kept between `MIN_BAND_PX` and `MAX_BAND_PX`.

    Raises:
        ValueError: The sizes differ.

    References:
        Burt & Adelson, "A Multiresolution Spline With Application to Image Mosaics", ACM Trans. Graphics 2(4), 1983;
        for carrying on: Gortler et al., "The Lumigraph", SIGGRAPH 1996, section 3.4 (push-pull).
    """
    if not original.size == result.size == mask.size:
        raise ValueError(f"sizes differ: {original.size}, {result.size} and {mask.size}")
    band_px = min(max(band_px, MIN_BAND_PX), MAX_BAND_PX)
    box = find_crop_box(mask, 2 * band_px)
    if box is None:
        return original.convert("RGB")
    start, made, grey = (np.asarray(image.crop(box.edges)) for image in (original.convert("RGB"), result.convert("RGB"), mask.convert("L")))
    part = _blend(start, made, grey, band_px)
    blended = result.convert("RGB")
    blended.paste(Image.fromarray(part), (box.x, box.y))
    return keep_outside(original.convert("RGB"), blended, mask)


def _blend(original: np.ndarray, result: np.ndarray, mask: np.ndarray, band_px: int) -> np.ndarray:
    """(h, w, 3) uint8 pictures and the (h, w) uint8 mask of one crop."""
    levels = int(np.log2(band_px)) - 1
    share = mask.astype(np.float32)[..., None] / 255
    outer = original.astype(np.float32)
    inner = (result - outer * (1 - share)) / np.maximum(share, TRUSTED_SHARE)
    outer = carry_on(outer, mask < CONTOUR)
    inner = carry_on(inner, mask >= 255 * TRUSTED_SHARE)
    depth, rim_px = _measure_depth(mask)
    mixed = []
    for level, (low, high) in enumerate(zip(_laplacian_pyramid(outer, levels), _laplacian_pyramid(inner, levels), strict=True)):
        width_px = 2.0 ** (level + 1)
        weight = _fade((depth - max(0.0, rim_px - width_px / 2)) / width_px)
        weight = cv2.resize(weight, (low.shape[1], low.shape[0]), interpolation=cv2.INTER_AREA)[..., None]
        mixed.append(low * (1 - weight) + high * weight)
    picture = mixed[-1]
    for detail in reversed(mixed[:-1]):
        picture = cv2.pyrUp(picture, dstsize=(detail.shape[1], detail.shape[0])) + detail
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def _measure_depth(mask: np.ndarray) -> tuple[np.ndarray, float]:
    """Distance in px of each pixel to the nearest whose mask is 0, and that of the contour, about (the median where the mask is half)."""
    if mask.all():  # no rim in this crop: everything is deep inside
        return np.full(mask.shape, np.float32(mask.size)), 0.0
    depth = cv2.distanceTransform((mask > 0).astype(np.uint8), cv2.DIST_L2, 5)
    soft = depth[(mask > 0) & (mask < CONTOUR)]
    return depth, float(np.quantile(soft, 0.9)) if soft.size else 0.0


def _fade(share: np.ndarray) -> np.ndarray:
    """From 0 to 1, level at both ends (a cubic step)."""
    share = np.clip(share, 0, 1)
    return share * share * (3 - 2 * share)


def _laplacian_pyramid(picture: np.ndarray, levels: int) -> list[np.ndarray]:
    """Detail from fine to coarse, and what is left last (Burt & Adelson, eq. 3)."""
    pyramid = []
    for _ in range(levels):
        if min(picture.shape[:2]) < 2:
            break
        smaller = cv2.pyrDown(picture)
        pyramid.append(picture - cv2.pyrUp(smaller, dstsize=(picture.shape[1], picture.shape[0])))
        picture = smaller
    return [*pyramid, picture]


def carry_on(picture: np.ndarray, is_known: np.ndarray) -> np.ndarray:
    """Fill what is not known from what surrounds it, smoothly: averages on ever coarser grids, and back (push-pull)."""
    known = is_known.astype(np.float32)
    weights, sums = [known], [picture * known[..., None]]
    while min(weights[-1].shape) > 1 and weights[-1].min() < KNOWN_FROM:
        weights.append(cv2.pyrDown(weights[-1]))
        sums.append(cv2.pyrDown(sums[-1]))
    filled = sums[-1] / np.maximum(weights[-1], KNOWN_FROM)[..., None]
    for weight, total in zip(reversed(weights[:-1]), reversed(sums[:-1]), strict=True):
        coarse = cv2.pyrUp(filled, dstsize=(weight.shape[1], weight.shape[0]))
        filled = total + coarse * (1 - weight[..., None])
    return filled
