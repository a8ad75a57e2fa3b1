"""Effects around a layer's shape; lengths in canvas px."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from modules.imaging.geometry import Box, Extent
from modules.imaging.layering.adjusting import parse_color
from modules.imaging.layering.blend_mode import Light
from modules.imaging.layering.compositing import blend
from modules.imaging.layering.placing import premultiply, straighten

Pixels = NDArray[np.uint8]


def blur_reach(blur_px: float) -> int:
    """How far a blur of that width (its standard deviation is a half of it) reaches."""
    return math.ceil(blur_px * 1.5) if blur_px > 0 else 0


def blur(values: NDArray[Any], blur_px: float, light: Light = Light.SRGB) -> NDArray[Any]:
    """Blur (h, w, 4) uint8 RGBA (premultiplied meanwhile) or int16 differences; nothing lies beyond the rim."""
    if blur_px <= 0:
        return values
    if values.dtype == np.uint8:
        return straighten(_soften(premultiply(values, light), blur_px), light)
    return np.floor(_soften(values.astype(np.float32), blur_px) + np.float32(0.5)).astype(np.int16)


def drop_shadow(pixels: Pixels, dx: float, dy: float, blur_px: float, color: str, opacity: float) -> Pixels:
    """The shadow alone: (h, w, 4) uint8 of one colour, its alpha the layer's, moved (to 1/32 px) and blurred."""
    alpha = pixels[..., 3].astype(np.float32)
    move = np.array([[1, 0, dx], [0, 1, dy]], np.float64)
    moved = cv2.warpAffine(alpha, move, alpha.shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    return _paint(_soften(moved, blur_px) * np.float32(opacity), color)


def stroke(pixels: Pixels, width_px: float, color: str, opacity: float) -> Pixels:
    """The outline alone: (h, w, 4) uint8 of one colour, `width_px` wide around where alpha is at least half, and beneath the layer."""
    alpha = pixels[..., 3]
    if width_px <= 0 or not (alpha >= 128).any():
        return np.zeros_like(pixels)
    away = cv2.distanceTransform((alpha < 128).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    edge = np.maximum(np.clip(np.float32(width_px) + 1 - away, 0, 1) * 255, alpha)
    return _paint(edge.astype(np.float32) * np.float32(opacity), color)


def stack(below: Pixels, above: Pixels, light: Light = Light.SRGB) -> Pixels:
    """Both of the same shape, the second over the first; new pixels."""
    joined = np.ascontiguousarray(below).copy()
    blend(joined, Box(0, 0, *Extent(joined.shape[1], joined.shape[0]).size), above, light=light)
    return joined


def _soften(values: NDArray[np.float32], blur_px: float) -> NDArray[np.float32]:
    if blur_px <= 0:
        return values
    size = 2 * blur_reach(blur_px) + 1
    return cv2.GaussianBlur(values, (size, size), blur_px / 2, borderType=cv2.BORDER_CONSTANT)


def _paint(alpha: NDArray[np.float32], color: str) -> Pixels:
    painted = np.empty((*alpha.shape, 4), np.uint8)
    painted[..., :3] = np.round(parse_color(color) * 255).astype(np.uint8)
    painted[..., 3] = np.clip(np.floor(alpha + np.float32(0.5)), 0, 255)
    return painted
