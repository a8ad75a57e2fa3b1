"""Quadrilaterals around lines of text: (4, 2) float32 corners, clockwise from the text's top left, canvas px."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Quad = NDArray[np.float32]

_SAME_ANGLE = np.cos(np.radians(5))
_SAME_HEIGHT = 1.4
_SAME_LINE = 0.25


def quad_width(quad: Quad) -> float:
    """The longer of top and bottom."""
    return float(max(np.hypot(*(quad[1] - quad[0])), np.hypot(*(quad[2] - quad[3]))))


def quad_height(quad: Quad) -> float:
    """The longer of left and right."""
    return float(max(np.hypot(*(quad[3] - quad[0])), np.hypot(*(quad[2] - quad[1]))))


def overlap(one: Quad, two: Quad) -> float:
    """Shared area, as a share of the smaller one."""
    shared, _ = cv2.intersectConvexConvex(one, two)
    return float(shared) / max(min(cv2.contourArea(one), cv2.contourArea(two)), 1.0)


def widened(quad: Quad, by_px: float) -> Quad:
    """Longer by `by_px` at both ends of the line."""
    along = (quad[1] - quad[0]) / max(float(np.hypot(*(quad[1] - quad[0]))), 1e-6) * by_px
    return np.asarray(quad + np.array([-along, along, along, -along]), np.float32)


def join_neighbours(quads: list[Quad], reach: float) -> list[Quad]:
    """Join pieces of one line: of the same height and slope on one baseline, less than `reach` heights apart."""
    waiting, joined = list(quads), []
    while waiting:
        quad = waiting.pop(0)
        partner = next((place for place, other in enumerate(waiting) if _continues(quad, other, reach)), None)
        if partner is None:
            joined.append(quad)
        else:
            waiting[partner] = _around(quad, waiting[partner])
    return joined


def join_scales(fine: list[Quad], coarse: list[Quad], least_px: float) -> list[Quad]:
    """What was found close up, and large type that is only seen as a whole from further away.

    Args:
        fine, coarse: Found at full and at reduced size; both in canvas px.
        least_px: Height from which a coarse one counts.
    """
    kept = list(fine)
    for quad in coarse:
        if min(quad_height(quad), quad_width(quad)) < least_px:
            continue
        pieces = [piece for piece in kept if overlap(piece, quad) > 0.5]
        area = cv2.contourArea(quad)
        is_several_lines = any(quad_height(piece) < 0.5 * quad_height(quad) and cv2.contourArea(piece) > 0.06 * area for piece in pieces)
        if is_several_lines or any(cv2.contourArea(piece) > 0.8 * area for piece in pieces):
            continue
        if all(_is_along(piece, quad) for piece in pieces if cv2.contourArea(piece) > 0.1 * area):
            kept = [piece for piece in kept if not any(piece is part for part in pieces)] + [quad]
    return kept


def _is_along(one: Quad, two: Quad) -> bool:
    is_square = quad_width(one) < 1.5 * quad_height(one)
    return is_square or float(_axes(one)[0] @ _axes(two)[0]) > np.cos(np.radians(12))


def _axes(quad: Quad) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    along = np.asarray(quad[1] - quad[0] + quad[2] - quad[3], np.float64)
    along /= max(float(np.hypot(*along)), 1e-6)
    return along, np.array([-along[1], along[0]])


def _continues(one: Quad, two: Quad, reach: float) -> bool:
    along, across = _axes(one)
    heights = sorted((quad_height(one), quad_height(two)))
    is_flat = quad_height(one) < 1.5 * quad_width(one) and quad_height(two) < 1.5 * quad_width(two)
    if not is_flat or heights[1] > _SAME_HEIGHT * heights[0] or float(along @ _axes(two)[0]) < _SAME_ANGLE:
        return False
    if abs(float((one.mean(axis=0) - two.mean(axis=0)) @ across)) > _SAME_LINE * heights[0]:
        return False
    first, second = sorted(((quad @ along) for quad in (one, two)), key=lambda reached: float(reached.min()))
    return float(second.min() - first.max()) < reach * heights[0]


def _around(one: Quad, two: Quad) -> Quad:
    """The box around both, along the longer one's line."""
    along, across = _axes(max(one, two, key=quad_width))
    points = np.vstack([one, two])
    by_x, by_y = points @ along, points @ across
    corners = [(by_x.min(), by_y.min()), (by_x.max(), by_y.min()), (by_x.max(), by_y.max()), (by_x.min(), by_y.max())]
    return np.array([x * along + y * across for x, y in corners], np.float32)
