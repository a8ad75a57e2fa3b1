"""Continuing a picture into holes as smoothly as its rim allows."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

_ROUNDS = 12
_SMALLEST_PX = 4
_CROSS = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32) / 4


def fill_smoothly(values: NDArray[np.generic], hole: Flags) -> Floats:
    """Stretch a membrane over a hole: inside, every pixel is nearly the mean of its neighbours (Laplace's equation).

    Args:
        values: (H, W, C); not modified. Values inside the hole are not looked at.
        hole: (H, W).

    Returns:
        (H, W, C) float32, equal to `values` outside of the hole; the mean of nothing, 0, where all is hole.

    References:
        Briggs, Henson, McCormick, "A Multigrid Tutorial", SIAM 2000, chapter 3 (nested iteration).
    """
    known = np.asarray(values, np.float32)
    if not hole.any():
        return known.copy()
    height, width = hole.shape
    if hole.all() or min(height, width) <= _SMALLEST_PX:
        mean = known[~hole].mean(axis=0) if not hole.all() else np.zeros(known.shape[2], np.float32)
        return np.where(hole[:, :, None], mean, known).astype(np.float32)
    half = ((width + 1) // 2, (height + 1) // 2)
    weight = (~hole).astype(np.float32)
    shares = cv2.resize(weight, half, interpolation=cv2.INTER_AREA)
    sums = cv2.resize(known * weight[:, :, None], half, interpolation=cv2.INTER_AREA).reshape(half[1], half[0], -1)
    coarse = fill_smoothly(sums / np.maximum(shares, 1e-6)[:, :, None], shares < 1e-3)
    filled = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR).reshape(known.shape)
    filled = np.where(hole[:, :, None], filled, known).astype(np.float32)
    for _ in range(_ROUNDS):
        mean = cv2.filter2D(filled, -1, _CROSS, borderType=cv2.BORDER_REFLECT).reshape(known.shape)
        filled[hole] = mean[hole]
    return filled
