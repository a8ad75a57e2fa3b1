"""Small pictures of layers brought to the size of the picture that they were painted from, whose edges guide them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Alpha = NDArray[np.float32]

RADIUS_PX = 4
EPSILON = 1e-4
"""Variances of the guide (of 0 to 1, squared) well below it count as flat."""
SURE = 0.02
"""Alphas that near to 0 and 1 are meant to be 0 and 1: models paint neither exactly."""


def guide_upsampling(small: Alpha, guide: Pixels) -> Alpha:
    """Enlarge an alpha so that its edges lie where the guide's are.

    In windows of the small size alpha is taken for a linear function of the guide's colour; those functions are enlarged and applied to
    the guide at its full size.

    Args:
        small: (h, w) float32 in [0, 1].
        guide: (H, W, 3) uint8; h / w about H / W.

    Returns:
        (H, W) float32 in [0, 1].

    References:
        He, Sun, Tang, "Guided Image Filtering", IEEE TPAMI 35(6), 2013, equations 19-21; He and Sun, "Fast Guided Filter", 2015.
    """
    height, width = small.shape
    colors = cv2.resize(guide, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    mean, level = _mean(colors), _mean(small)
    covariance = _mean(colors * small[..., None]) - mean * level[..., None]
    products = _mean((colors[..., :, None] * colors[..., None, :]).reshape(height, width, 9)).reshape(height, width, 3, 3)
    spread = products - mean[..., :, None] * mean[..., None, :] + EPSILON * np.eye(3, dtype=np.float32)
    slopes = np.linalg.solve(spread, covariance[..., None])[..., 0]
    offset = level - (slopes * mean).sum(axis=-1)
    functions = _mean(np.dstack([slopes, offset]).astype(np.float32))
    large = cv2.resize(functions, guide.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    alpha = (large[..., :3] * (guide.astype(np.float32) / 255)).sum(axis=-1) + large[..., 3]
    low, high = (cv2.resize(change(small, np.ones((3, 3))), guide.shape[1::-1]) for change in (cv2.erode, cv2.dilate))
    bounded = np.clip(alpha, low, high)  # like colours further off are none of the layer's
    stretched: Alpha = np.clip((bounded - SURE) / (1 - 2 * SURE), 0, 1).astype(np.float32)
    return stretched


def upsample_color(layer: Pixels, shape: tuple[int, int]) -> Pixels:
    """The colour of an RGBA layer at (height, width): what is transparent bleeds into nothing, and gets the colour that lies next to it.

    Args:
        layer: (h, w, 4) uint8, straight alpha.

    Returns:
        (height, width, 3) uint8.
    """
    weight = layer[..., 3:].astype(np.float32) / 255
    pulled = np.dstack([layer[..., :3] * weight, weight]).astype(np.float32)
    for reach in (3, 15, 63):  # colours spread into what has none, from near before from far
        spread = cv2.blur(pulled, (reach, reach))
        pulled += np.maximum(0.0, 1e-3 - pulled[..., 3:]) * spread / np.maximum(spread[..., 3:], 1e-6)
    large = cv2.resize(pulled, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    color = large[..., :3] / np.maximum(large[..., 3:], 1e-6)
    return np.clip(np.floor(color + 0.5), 0, 255).astype(np.uint8)


def _mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Over the window around each pixel; any number of channels."""
    side = 2 * RADIUS_PX + 1
    planes = values if values.ndim == 3 else values[..., None]
    blurred = np.dstack([cv2.blur(plane, (side, side)) for plane in np.moveaxis(planes, -1, 0)])
    return blurred if values.ndim == 3 else blurred[..., 0]
