"""Fine texture apart from the shapes and colours that carry it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

_RADIUS = 0.008
"""Of the window, as a share of the picture's longer side: what is finer than it is texture."""
_CONTRAST = 14.0
"""Of 255: steps that are clearly higher are edges, and stay."""
_LEAST_DETAIL = 1.2
"""Mean |detail| of 255 below which there is nothing worth a layer."""


def smooth_away_detail(rgb: Pixels) -> Pixels | None:
    """The picture without its fine texture; edges stay sharp.

    Args:
        rgb: (H, W, 3) uint8; not modified.

    Returns:
        (H, W, 3) uint8; None: it has next to no texture.

    References:
        He, Sun & Tang, "Guided Image Filtering", TPAMI 35(6), 2013 (each channel guided by itself).
    """
    radius = max(round(_RADIUS * max(rgb.shape[:2])), 2)
    smooth = np.dstack([_guided(np.ascontiguousarray(rgb[..., channel]), radius) for channel in range(3)])
    is_fine = float(cv2.absdiff(rgb, smooth).mean()) >= _LEAST_DETAIL
    return smooth if is_fine else None


def _guided(plane: Pixels, radius: int) -> Pixels:
    values = plane.astype(np.float32)
    mean = _box(values, radius)
    variance = np.maximum(_box((values * values).astype(np.float32), radius) - mean * mean, 0)
    gain = (variance / (variance + np.float32(_CONTRAST**2))).astype(np.float32)
    result = _box(gain, radius) * values + _box((mean - gain * mean).astype(np.float32), radius)
    return np.clip(np.floor(result + 0.5), 0, 255).astype(np.uint8)


def _box(values: Floats, radius: int) -> Floats:
    return np.asarray(cv2.blur(values, (2 * radius + 1, 2 * radius + 1), borderType=cv2.BORDER_REFLECT), np.float32)
