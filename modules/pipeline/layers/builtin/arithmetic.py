"""Blending of whole parts at their own place: W3C compositing with the backdrop's alpha, rounded to 8 bits."""

from __future__ import annotations

import numpy as np

from modules.imaging.layering.blend_mode import BlendMode
from modules.pipeline.layers.document import Light


def blend(backdrop: np.ndarray, source: np.ndarray, mode: BlendMode, light: Light) -> np.ndarray:
    """(h, w, 4) uint8 RGBA `source` on `backdrop`."""
    if light is not Light.SRGB:
        raise NotImplementedError("linear light")
    under, over = backdrop.astype(np.float32) / 255, source.astype(np.float32) / 255
    below, above = under[..., 3:], over[..., 3:]
    mixed = _mix(under[..., :3], over[..., :3], mode)
    alpha = above + below * (1 - above)
    color = above * (1 - below) * over[..., :3] + above * below * mixed + (1 - above) * below * under[..., :3]
    straight = np.divide(color, alpha, out=np.zeros_like(color), where=alpha > 0)
    result = np.floor(np.concatenate([straight, alpha], axis=2) * 255 + 0.5).astype(np.uint8)
    return np.where(above > 0, result, backdrop)


def add_difference(canvas: np.ndarray, difference: np.ndarray) -> np.ndarray:
    """(h, w, 4) uint8 canvas plus int16 difference, clipped."""
    return np.clip(canvas.astype(np.int16) + difference, 0, 255).astype(np.uint8)


def _mix(under: np.ndarray, over: np.ndarray, mode: BlendMode) -> np.ndarray:
    if mode is BlendMode.NORMAL:
        return over
    if mode is BlendMode.MULTIPLY:
        return under * over
    if mode is BlendMode.SCREEN:
        return under + over - under * over
    raise NotImplementedError(mode.value)
