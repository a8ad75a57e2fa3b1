"""The strokes of one line of text: how much each pixel is ink, and of which colour."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from modules.imaging.geometry import Box, Extent

Pixels = NDArray[np.uint8]
Alpha = NDArray[np.float32]
Flags = NDArray[np.bool_]
Quad = NDArray[np.float32]


@dataclass(frozen=True)
class Strokes:
    """What was written, apart from what it was written on.

    Attributes:
        box: Where, canvas px.
        alpha: (h, w) float32 in [0, 1]; 0 along the box's edge unless that is the picture's.
        color: (h, w, 3) uint8: the ink at each pixel, without the background's share.
        behind: (h, w, 3) uint8: the picture as it would be without the strokes; the picture itself where alpha is 0.
        ink: The main colour.
        is_uniform: Whether `color` is `ink` throughout.
    """

    box: Box
    alpha: Alpha
    color: Pixels
    behind: Pixels
    ink: tuple[int, int, int]
    is_uniform: bool


def find_strokes(rgb: Pixels, quad: Quad, *, join_broken_strokes: bool = False) -> Strokes | None:
    """The strokes of the line in `quad`.

    Args:
        rgb: (H, W, 3) uint8; not modified.
        quad: (4, 2) float32: corners of the line, canvas px.
        join_broken_strokes: Bridge gaps of thin or slanted type, and take fainter pixels for strokes.

    Returns:
        None: no ink stands out from what lies around it.
    """
    height = float(np.hypot(*(quad[3] - quad[0])))
    margin = max(round(0.3 * height), 4)
    edges = (*np.floor(quad.min(axis=0) - margin).astype(int), *np.ceil(quad.max(axis=0) + margin).astype(int))
    box = Box.from_edges(*(int(edge) for edge in edges)).cut_at(Extent(rgb.shape[1], rgb.shape[0]))
    if box is None:
        return None
    left, top, right, bottom = box.edges
    part = rgb[top:bottom, left:right]
    inside = np.zeros(part.shape[:2], np.uint8)
    cv2.fillPoly(inside, [np.round(quad - (left, top)).astype(np.int32)], 1)
    around = np.median(part[inside == 0].reshape(-1, 3), axis=0) if (inside == 0).any() else np.median(part.reshape(-1, 3), axis=0)
    distance = np.clip(np.abs(part.astype(np.float32) - around).max(axis=2), 0, 255).astype(np.uint8)
    level, _ = cv2.threshold(distance[inside == 1].reshape(1, -1), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    core = (distance > max(level, 16)) & (inside == 1)
    if not core.any():
        return None
    ink = np.median(part[core], axis=0).astype(np.float32)
    hole = cv2.dilate(core.astype(np.uint8), np.ones((5, 5), np.uint8))
    behind = cv2.inpaint(part, hole, 3, cv2.INPAINT_TELEA)
    reach = ink - behind
    alpha = ((part - behind.astype(np.float32)) * reach).sum(axis=2) / np.maximum((reach**2).sum(axis=2), 1)
    alpha = np.where(hole == 1, np.clip(alpha, 0, 1), 0).astype(np.float32)
    behind = np.where((alpha > 0)[:, :, None], behind, part)
    color = np.broadcast_to(np.rint(ink).astype(np.uint8), part.shape).copy()
    red, green, blue = (round(value) for value in ink)
    return Strokes(box, alpha, color, behind, (red, green, blue), True)
