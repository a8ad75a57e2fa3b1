"""From a rough guess of where an object is to its outline in the picture: by colour at a small size, by edges at full size."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from modules.imaging.geometry import Extent

Pixels = NDArray[np.uint8]

SURELY_NOT, SURELY, PROBABLY_NOT, PROBABLY = cv2.GC_BGD, cv2.GC_FGD, cv2.GC_PR_BGD, cv2.GC_PR_FGD
ROUNDS = 4

_SEED = 20041
_RADIUS = 3
_REGULARISATION = 2e-4
_STEEPNESS = 2.5
_TILE_PX = 256


def cut_by_colour(picture: Pixels, trimap: Pixels) -> NDArray[np.bool_]:
    """Separate object and background by their colours.

    The same input gives the same result: the library's random numbers are seeded.

    Args:
        picture: (h, w, 3) uint8 RGB, small (time grows faster than the number of pixels: 0.1 s at 320 x 320).
        trimap: (h, w) uint8 of SURELY_NOT, SURELY, PROBABLY_NOT, PROBABLY; not modified.

    Returns:
        (h, w); True = object. The trimap's own guess where it has no object or no background to learn colours from.

    References:
        Rother, Kolmogorov & Blake, "GrabCut: Interactive Foreground Extraction Using Iterated Graph Cuts", SIGGRAPH 2004.
    """
    labels = trimap.copy()
    is_object = (labels & 1).astype(bool)
    if is_object.any() and not is_object.all():
        cv2.setRNGSeed(_SEED)
        cv2.grabCut(picture, labels, None, np.zeros((1, 65)), np.zeros((1, 65)), ROUNDS, cv2.GC_INIT_WITH_MASK)
        is_object = (labels & 1).astype(bool)
    return is_object


def keep_parts(is_object: NDArray[np.bool_], core: NDArray[np.bool_], smallest_share: float = 0.02) -> NDArray[np.bool_]:
    """The connected parts that meet `core` and are not crumbs beside the largest of them; all of `is_object` where none meets it.

    Args:
        is_object, core: (h, w) each.
        smallest_share: Of the largest part's area; smaller parts are dropped, and gaps smaller than a quarter of that are closed.
    """
    count, labels = cv2.connectedComponents(is_object.astype(np.uint8), connectivity=4)
    areas = np.bincount(labels[is_object & core], minlength=count)
    if not areas[1:].any():
        return is_object
    sizes = np.bincount(labels.ravel(), minlength=count) * (areas > 0)
    sizes[0] = 0
    kept = (sizes >= smallest_share * sizes.max()) & (sizes > 0)
    return _close_gaps(kept[labels], 0.25 * smallest_share * sizes.max())


def follow_edges(picture: Pixels, is_object: NDArray[np.bool_]) -> Pixels:
    """Bring a small mask to the picture's size so that its outline runs along the picture's edges.

    A guided filter: in every small window the mask is taken as a linear function of the picture's colour; these functions are found at the
    mask's size and applied at the picture's, tile by tile, only where the outline passes.

    Args:
        picture: (H, W, 3) uint8 RGB.
        is_object: (h, w), of the picture's shape up to rounding, not larger.

    Returns:
        (H, W) uint8, 0 to 255, soft where the picture's edge is.

    References:
        He, Sun & Tang, "Guided Image Filtering", TPAMI 35(6), 2013, eq. 14-16 (colour guide).
        He & Sun, "Fast Guided Filter", arXiv:1505.00996, 2015 (functions at a small size).
    """
    height, width = picture.shape[:2]
    small = Extent(is_object.shape[1], is_object.shape[0])
    guide = cv2.resize(picture, small.size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    functions = _linear_functions(guide, is_object.astype(np.float32))
    plain = cv2.resize(is_object.astype(np.uint8) * 255, (width, height), interpolation=cv2.INTER_NEAREST)
    kernel = np.ones((4 * _RADIUS + 3, 4 * _RADIUS + 3), np.uint8)
    edge = cv2.morphologyEx(is_object.astype(np.uint8), cv2.MORPH_GRADIENT, kernel)
    result = np.asarray(plain, np.uint8)
    for top in range(0, height, _TILE_PX):
        for left in range(0, width, _TILE_PX):
            tile = (slice(top, min(top + _TILE_PX, height)), slice(left, min(left + _TILE_PX, width)))
            if _part(edge, tile, (height, width)).any():
                result[tile] = _apply(functions, picture[tile], tile, (height, width))
    return result


def _close_gaps(is_object: NDArray[np.bool_], largest_px: float) -> NDArray[np.bool_]:
    count, labels = cv2.connectedComponents((~is_object).astype(np.uint8), connectivity=4)
    sizes = np.bincount(labels.ravel(), minlength=count)
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    is_gap = sizes < largest_px
    is_gap[border] = False
    is_gap[0] = False
    return np.asarray(is_object | is_gap[labels], np.bool_)


def _linear_functions(guide: NDArray[np.float32], mask: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w, 4): the weights of red, green and blue and the constant, averaged over the windows that hold a pixel."""
    mean_guide, mean_mask = _mean(guide), _mean(mask)
    products = _mean((guide[..., :, None] * guide[..., None, :]).reshape(*mask.shape, 9)).reshape(*mask.shape, 3, 3)
    covariance = products - mean_guide[..., :, None] * mean_guide[..., None, :] + _REGULARISATION * np.eye(3, dtype=np.float32)
    with_mask = _mean(guide * mask[..., None]) - mean_guide * mean_mask[..., None]
    weights = np.linalg.solve(covariance, with_mask[..., None])[..., 0]
    constant = mean_mask - (weights * mean_guide).sum(axis=-1)
    return _mean(np.dstack([weights, constant]).astype(np.float32))


def _mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
    side = 2 * _RADIUS + 1
    planes = [cv2.blur(plane, (side, side)) for plane in np.moveaxis(np.atleast_3d(values), -1, 0)]
    return np.asarray(np.stack(planes, axis=-1) if values.ndim == 3 else planes[0], np.float32)


def _part(small: NDArray[np.uint8], tile: tuple[slice, slice], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """What of a small picture lies under a tile of the full one."""
    scales = [side / full for side, full in zip(small.shape, shape, strict=True)]
    rows, columns = (slice(int(part.start * scale), int(part.stop * scale) + 1) for part, scale in zip(tile, scales, strict=True))
    return small[rows, columns]


def _apply(functions: NDArray[np.float32], pixels: Pixels, tile: tuple[slice, slice], shape: tuple[int, int]) -> Pixels:
    """The functions, resampled bilinearly under the tile (pixel centres on pixel centres), applied to its colours and steepened."""
    rows, columns = (
        ((np.arange(part.start, part.stop, dtype=np.float32) + 0.5) * (side / full) - 0.5)
        for part, side, full in zip(tile, functions.shape[:2], shape, strict=True)
    )
    x, y = np.meshgrid(columns, rows)
    under = cv2.remap(functions, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    value = np.einsum("yxc,yxc->yx", under, cv2.cvtColor(pixels, cv2.COLOR_RGB2RGBA).astype(np.float32))
    return np.asarray(cv2.convertScaleAbs(np.maximum(value * _STEEPNESS + (0.5 - 0.5 * _STEEPNESS) * 255, 0)), np.uint8)
