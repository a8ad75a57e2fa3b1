"""Painting outwards in crops: which parts of a larger canvas a model paints one after the other, and how each is laid in.

The picture grows side by side, each side in strips of at most half of what the model sees, so that the other half shows it what to go on
from. Corners belong to the strips above and below.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from modules.imaging.blending import carry_on
from modules.imaging.geometry import Box, Extent
from modules.imaging.tiling import spread

FRESH_SHARE = 0.5
"""Most of a crop that may be new, across the side that grows."""
SHARED_SHARE = 0.25
"""Least of a crop that its neighbour along the strip has painted, so that both go on alike."""
GRAIN_PX = 8


@dataclass(frozen=True)
class Crop:
    """One piece of work.

    Attributes:
        box: What the model sees, on the canvas.
        fresh: What is painted in it, but for the picture before the strip; lies within `box`. Where it meets what the crop before has
            painted, it begins in the middle of what both see: a thin rest would show.
        working: Size at which it is painted, px.
    """

    box: Box
    fresh: Box
    working: Extent


@dataclass(frozen=True)
class Strip:
    """One growth of the picture on one side.

    Attributes:
        known: The picture so far.
        grown: The picture with this strip.
        crops: The strip's pieces, in order.
    """

    known: Box
    grown: Box
    crops: tuple[Crop, ...]


def plan_strips(place: Box, canvas: Extent, working: Extent) -> list[Strip]:
    """In which pieces the canvas around a picture is painted.

    Args:
        place: Of the picture on the canvas.
        canvas: Extent to fill.
        working: What the model works at; crops have its proportions. A canvas that fits into it is painted at once.
    """
    whole = Box(0, 0, *canvas.size)
    if canvas.width <= working.width and canvas.height <= working.height:
        return [Strip(place, whole, (Crop(whole, whole, _enlarge(canvas, working)),))]
    known, strips = place, []
    while known != whole:
        for is_wide, is_before in ((True, True), (True, False), (False, True), (False, False)):
            grown = _grow(known, canvas, working, is_wide=is_wide, is_before=is_before)
            if grown != known:
                strips.append(Strip(known, grown, tuple(_cut_strip(known, grown, working, is_wide=is_wide, is_before=is_before))))
                known = grown
    return strips


def _enlarge(canvas: Extent, working: Extent) -> Extent:
    """The canvas's proportions as large as `working` allows, in multiples of 8."""
    factor = min(working.width / canvas.width, working.height / canvas.height)
    width, height = (max(GRAIN_PX, round(side * factor / GRAIN_PX) * GRAIN_PX) for side in canvas.size)
    return Extent(width, height)


def _grow(known: Box, canvas: Extent, working: Extent, *, is_wide: bool, is_before: bool) -> Box:
    """`known` with the next strip on one side; strips of one side are about equally deep."""
    left, top, right, bottom = known.edges
    remaining = (left if is_before else canvas.width - right) if is_wide else (top if is_before else canvas.height - bottom)
    if remaining == 0:
        return known
    scale = min(1.0, known.width / working.width, known.height / working.height)
    most = max(GRAIN_PX, int((working.width if is_wide else working.height) * scale * FRESH_SHARE))
    step = math.ceil(remaining / math.ceil(remaining / most))
    if is_wide:
        return Box.from_edges(left - step * is_before, top, right + step * (not is_before), bottom)
    return Box.from_edges(left, top - step * is_before, right, bottom + step * (not is_before))


def _cut_strip(known: Box, grown: Box, working: Extent, *, is_wide: bool, is_before: bool) -> Iterator[Crop]:
    scale = min(1.0, grown.width / working.width, grown.height / working.height)
    width, height = max(1, int(working.width * scale)), max(1, int(working.height * scale))
    left, top, right, bottom = grown.edges
    along, crop_along = (grown.height, height) if is_wide else (grown.width, width)
    before = 0
    for start in spread(along, crop_along, int(crop_along * SHARED_SHARE)):
        end = min(start + crop_along, along)
        painted, before = (start + before) // 2 if start else 0, end
        if is_wide:
            x = left if is_before else right - width
            edges = (left, known.x) if is_before else (known.x + known.width, right)
            yield Crop(Box(x, top + start, width, height), Box.from_edges(edges[0], top + painted, edges[1], top + end), working)
        else:
            y = top if is_before else bottom - height
            edges = (top, known.y) if is_before else (known.y + known.height, bottom)
            yield Crop(Box(left + start, y, width, height), Box.from_edges(left + painted, edges[0], left + end, edges[1]), working)


def weigh(fresh: np.ndarray, known: np.ndarray, overlap_px: int) -> np.ndarray:
    """How much of each pixel a new piece gives: 1 where it is fresh, fading out over the overlap with what is known.

    Args:
        fresh, known: (h, w) bool; they share nothing.
        overlap_px: From here on inwards it is 0.

    Returns:
        (h, w) float32 in [0, 1].
    """
    if not fresh.any():
        return np.zeros(fresh.shape, np.float32)
    distance = cv2.distanceTransform((~fresh).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    share = np.clip(1.0 - distance / (overlap_px + 1.0), 0.0, 1.0)
    weight = np.where(fresh, 1.0, np.where(known, share * share * (3.0 - 2.0 * share), 0.0))
    return weight.astype(np.float32)


def lay(before: np.ndarray, painted: np.ndarray, weight: np.ndarray, known: np.ndarray, overlap_px: int) -> np.ndarray:
    """Lay a painted piece over what was there, its colours matched to it.

    In the overlap both are known: their difference there, smoothed, is carried on over the whole piece and added to it, as a membrane
    would hang from that rim. So neither a step nor a tint of the model's own is left, and its detail stays.

    Args:
        before, painted: (h, w, 3) uint8.
        weight: From `weigh`; where it is 0, `before` stays bit for bit.
        known: (h, w) bool: where `before` means something.
        overlap_px: As for `weigh`.

    Returns:
        (h, w, 3) uint8.

    References:
        Pérez, Gangnet & Blake, "Poisson Image Editing", SIGGRAPH 2003 (the membrane);
        Gortler et al., "The Lumigraph", SIGGRAPH 1996, section 3.4 (push-pull).
    """
    old, new = before.astype(np.float32), painted.astype(np.float32)
    is_shared = known & (weight > 0)
    if is_shared.any():
        new += _membrane(old - new, is_shared, max(2.0, overlap_px / 3))
    share = weight[..., None]
    mixed = np.clip(np.rint(old * (1 - share) + new * share), 0, 255).astype(np.uint8)
    return np.where(share > 0, mixed, before)


def _membrane(difference: np.ndarray, is_shared: np.ndarray, sigma_px: float) -> np.ndarray:
    """(h, w, 3) float32: the difference where it is known, smoothed, and carried on to where it is not."""
    share = is_shared.astype(np.float32)
    weight = cv2.GaussianBlur(share, (0, 0), sigma_px)[..., None]
    smooth = cv2.GaussianBlur(difference * share[..., None], (0, 0), sigma_px) / np.maximum(weight, 1e-6)
    return carry_on(smooth, is_shared)
