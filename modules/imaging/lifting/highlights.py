"""Gleams on a glossy thing: small, bright, nearly white light that lies on its own colours."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from modules.imaging.layering.blend_mode import Light
from modules.imaging.layering.compositing import decode, encode

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

_WORKING_PX = 512
_WIDEST = 0.08
"""Of a gleam, as a share of the square root of the thing's area."""
_BRIGHT, _RISE, _FAINTEST = 0.88, 0.35, 0.03
"""Least brightness (of 1) of a gleam's middle, by how much it rises above what lies around, and where it ends."""
_SMALLEST_PX = 12
_LEAST_AREA, _MOST_AREA = 0.0015, 0.12
"""Of the thing's area, all gleams together."""
_STRONGEST = 0.9


@dataclass(frozen=True)
class Highlight:
    """Gleams as a layer to screen with.

    Attributes:
        pixels: (H, W, 4) uint8 RGBA: white, alpha = the gleam's strength.
        beneath: (H, W, 3) uint8: the picture without them.
        confidence: 0 to 1.
    """

    pixels: Pixels
    beneath: Pixels
    confidence: float


def find_highlight(rgb: Pixels, thing: Floats, light: Light = Light.SRGB) -> Highlight | None:
    """The gleams on a thing.

    Args:
        rgb: (H, W, 3) uint8.
        thing: (H, W) float32 alpha in [0, 1].
        light: In which layers are screened.

    Returns:
        None: it has none, or what is bright on it is its own colour.
    """
    height, width = thing.shape
    scale = min(1.0, _WORKING_PX / max(height, width))
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    view = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    inside = cv2.erode((cv2.resize(thing, size, interpolation=cv2.INTER_AREA) > 0.95).astype(np.uint8), np.ones((3, 3), np.uint8)) == 1
    area = float(inside.sum())
    if area < 400:
        return None
    gleam, own, peak = _find_gleams(view, inside, area)
    if gleam is None or not _LEAST_AREA * area < gleam.sum() < _MOST_AREA * area:
        return None
    own = cv2.resize(own, (width, height), interpolation=cv2.INTER_LINEAR)
    where = np.clip(cv2.resize(gleam.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR), 0, 1)
    pixels, beneath = _solve(rgb, own, where, light)
    return Highlight(pixels, beneath, float(np.clip(peak / 0.5, 0.3, 0.95)))


def _find_gleams(view: Floats, inside: Flags, area: float) -> tuple[Flags | None, Floats, float]:
    """(where gleams are, the thing's own colours without them, how far they rise)."""
    least = np.where(inside, view.min(axis=2), 0)
    radius = max(round(_WIDEST * np.sqrt(area)), 2)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    ground = cv2.morphologyEx(np.where(inside, least, 1).astype(np.float32), cv2.MORPH_ERODE, kernel)
    ground = cv2.GaussianBlur(cv2.dilate(ground, kernel), (0, 0), radius / 2)
    rise = np.where(inside, least - np.minimum(ground, least), 0)
    _, labels = cv2.connectedComponents((rise > _FAINTEST).astype(np.uint8), connectivity=8)
    gleam = np.zeros_like(inside)
    for label in np.unique(labels[(least > _BRIGHT) & (rise > _RISE)]):
        part = labels == label
        if label and _is_gleam(rise[part], least[part], 4 * np.pi * radius * radius):
            gleam |= part
    if not gleam.any():
        return None, view, 0.0
    hole = cv2.dilate(gleam.astype(np.uint8), np.ones((3, 3), np.uint8)) | ~inside
    own = cv2.inpaint((view * 255).astype(np.uint8), (hole * 255).astype(np.uint8), 3, cv2.INPAINT_NS)
    return gleam, own.astype(np.float32) / 255, float(np.percentile(rise[gleam], 95))


def _is_gleam(rise: Floats, least: Floats, most: float) -> bool:
    """Whether one bright spot is light: small, nearly white in its middle, and not as bright everywhere."""
    peak = float(np.percentile(rise, 95))
    return (
        _SMALLEST_PX < len(rise) < most and peak > _RISE and float(np.percentile(least, 95)) > _BRIGHT and float(rise.mean()) < 0.8 * peak
    )


def _solve(rgb: Pixels, own: Floats, where: Floats, light: Light) -> tuple[Pixels, Pixels]:
    """White light that makes of the own colours what is seen, as far as all channels allow, and what is left without it."""
    seen = decode(rgb, light)
    ground = decode(np.clip(own * 255 + 0.5, 0, 255).astype(np.uint8), light)
    share = ((seen - ground) / np.maximum(1 - ground, 0.02)).min(axis=2)
    share = np.clip(share, 0, _STRONGEST) * where
    alpha = np.floor(share * 255 + 0.5).astype(np.uint8)
    kept = 1 - alpha[..., None].astype(np.float32) / 255
    beneath = encode(np.clip((seen - (1 - kept)) / np.maximum(kept, 0.05), 0, 1), light)
    white = np.full((*alpha.shape, 3), 255, np.uint8)
    return np.dstack([white, alpha]), np.where(alpha[..., None] > 0, beneath, rgb).astype(np.uint8)
