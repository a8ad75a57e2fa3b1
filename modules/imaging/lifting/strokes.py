"""The strokes of one line of text: how much each pixel is ink, and of which colour."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from modules.imaging.geometry import Box, Extent
from modules.imaging.lifting.inks import Ink, find_inks
from modules.imaging.lifting.smooth_fill import fill_smoothly
from modules.imaging.lifting.text_quads import Quad, quad_height, quad_width

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

STRONG, WEAK = 0.5, 0.25
HOLE_GROWTH_PX = 2
_BROKEN = 0.7
_UNIFORM = 8.0
_LEAST_CONTRAST = 3.0
_OWN_SHARE = 0.4
_ROUNDS = 2


@dataclass(frozen=True)
class Strokes:
    """What was written, apart from what it was written on.

    Attributes:
        box: Where, canvas px.
        alpha: (h, w) float32 in [0, 1].
        color: (h, w, 3) uint8: the ink at each pixel, without the background's share.
        ink: The main colour.
        is_uniform: Whether `color` is `ink` throughout.
        roughness: How far the ground around strays from its smooth continuation, of 255.
    """

    box: Box
    alpha: Floats
    color: Pixels
    ink: tuple[int, int, int]
    is_uniform: bool
    roughness: float


@dataclass(frozen=True)
class _Patch:
    """A line and its surroundings.

    Attributes:
        part: (h, w, 3) uint8.
        quad: The line's corners in it.
        inside: Where the line is.
        reach: Where strokes of it may reach: a little beyond.
        around: Where it surely is not, close by.
        foreign: Where other lines are.
    """

    part: Pixels
    quad: Quad
    inside: Flags
    reach: Flags
    around: Flags
    foreign: Flags


def find_strokes(rgb: Pixels, quad: Quad, *, others: list[Quad] | None = None, join_broken_strokes: bool = False) -> Strokes | None:
    """The strokes of the line in `quad`.

    Args:
        rgb: (H, W, 3) uint8; not modified.
        quad: (4, 2) float32: corners of the line, canvas px.
        others: Those of other lines, which are neither ink nor surroundings of this one.
        join_broken_strokes: Bridge gaps of thin or slanted type, and take fainter pixels for strokes.

    Returns:
        None: no ink stands out from what lies around it.
    """
    across = min(quad_height(quad), quad_width(quad))
    margin = max(round(0.6 * across), 8)
    edges = (*np.floor(quad.min(axis=0) - margin).astype(int), *np.ceil(quad.max(axis=0) + margin).astype(int))
    box = Box.from_edges(*(int(edge) for edge in edges)).cut_at(Extent(rgb.shape[1], rgb.shape[0]))
    if box is None:
        return None
    patch = _patch(rgb, quad, others or [], box, across)
    if not patch.inside.any():
        return None
    inks = find_inks(patch.part, patch.quad, patch.inside, patch.around)
    for _ in range(_ROUNDS):
        if not any(ink.where.any() for ink in inks):
            return None
        alpha, color = _solve(patch, inks, join_broken_strokes)
        inks = _purer(patch.part, inks, alpha)
    return _finish(patch, box, alpha, color, inks) if inks and (alpha > STRONG).any() else None


def _patch(rgb: Pixels, quad: Quad, others: list[Quad], box: Box, across: float) -> _Patch:
    left, top, right, bottom = box.edges
    corner = np.array([left, top], np.float32)
    shape = (bottom - top, right - left)
    inside = _drawn(quad - corner, shape)
    grown = _grow(inside, max(0.2 * across, 3))
    foreign = np.zeros(shape, np.bool_)
    for other in others:
        foreign |= _drawn(other - corner, shape)
    foreign &= ~inside
    around = _grow(inside, max(0.3 * across, 4)) & ~_grow(inside, 1) & ~foreign
    return _Patch(np.ascontiguousarray(rgb[top:bottom, left:right]), quad - corner, inside, grown & ~foreign, around, foreign)


def _solve(patch: _Patch, inks: list[Ink], join_broken_strokes: bool) -> tuple[Floats, Floats]:
    """Alpha and colour of the strokes around nearly pure inks: at each pixel of the ink that explains it best, mixed with the ground."""
    part = patch.part.astype(np.float32)
    core = np.logical_or.reduce([ink.where for ink in inks])
    hole = _grow(core, 3) | patch.foreign
    ground = fill_smoothly(part, hole)
    rise, noise = part - ground, _noise(ground, hole, 3)
    alpha, color, least = np.zeros(core.shape, np.float32), np.zeros_like(part), np.full(core.shape, np.inf, np.float32)
    for ink in inks:
        own = _color_nearby(part, ink)
        step = own - ground
        power = (step * step).sum(axis=2)
        share = (rise * step).sum(axis=2) / np.maximum(power, 1.0)
        off = np.sqrt((np.square(rise - np.clip(share, 0, 1)[:, :, None] * step)).sum(axis=2))
        fits = (off < np.maximum(0.35 * np.sqrt(power), 3 * noise)) | ((share > STRONG) & (off < 0.8 * np.sqrt(power)))
        is_better = fits & (power > _LEAST_CONTRAST**2) & (off < least) & (_grow(ink.where, 4) if len(inks) > 1 else True)
        floor = np.minimum(1.5 * noise / np.sqrt(np.maximum(power, 1.0)), 0.2)
        share = np.where(share > np.maximum(floor, 1 / 255), np.clip(share, 0, 1), 0)
        alpha, least = np.where(is_better, share, alpha), np.where(is_better, off, least)
        color = np.where(is_better[:, :, None], own, color)
    if len(inks) > 1:  # between two inks nothing of the ground shows
        solid = cv2.erode(cv2.morphologyEx(core.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3))), np.ones((3, 3)), borderValue=0) > 0
        alpha, color = np.where(solid, 1, alpha), np.where(solid[:, :, None], part, color)
    alpha = np.where(patch.reach, alpha, 0).astype(np.float32)
    strong = _own_strokes(alpha, patch, WEAK * (_BROKEN if join_broken_strokes else 1.0))
    if join_broken_strokes:
        strong = cv2.morphologyEx(strong.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)) > 0
    alpha = np.where(_grow(strong, 2), alpha, 0)
    return np.where(alpha > 0.97, 1, alpha).astype(np.float32), color.astype(np.float32)


def _purer(part: Pixels, inks: list[Ink], alpha: Floats) -> list[Ink]:
    """The inks by what was found of them: a single one is wherever alpha is nearly 1."""
    if len(inks) > 1:
        kept = [Ink(ink.color, ink.where & (alpha > STRONG)) for ink in inks]
        return [ink for ink in kept if ink.where.any()]
    pure, strong = alpha > 0.9, alpha > STRONG
    where = pure if pure.sum() > 0.2 * strong.sum() else strong
    return [Ink(np.median(part[where], axis=0), where)] if where.any() else []


def _own_strokes(alpha: Floats, patch: _Patch, weak: float) -> Flags:
    """Pieces that hold strong pixels and lie mostly inside the line; what reaches far beyond it is cut at its edge."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((alpha > weak).astype(np.uint8), connectivity=8)
    inside = np.bincount(labels[patch.inside], minlength=count)
    strong = np.bincount(labels[alpha > STRONG], minlength=count)
    is_own = (inside > _OWN_SHARE * stats[:, cv2.CC_STAT_AREA]) & (strong > 0)
    is_own[0] = False
    is_cut = (inside > 0) & (strong > 0) & ~is_own
    is_cut[0] = False
    return np.asarray(is_own[labels] | (is_cut[labels] & patch.inside), np.bool_)


def _color_nearby(part: Floats, ink: Ink) -> Floats:
    """At each pixel the ink's colour close by: the same everywhere if it is flat."""
    pure = part[ink.where]
    inner = cv2.erode(ink.where.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0) > 0
    chosen = inner if inner.sum() > 0.1 * ink.where.sum() else ink.where
    middle = np.median(part[chosen], axis=0)
    if np.percentile(np.abs(part[chosen] - middle).max(axis=1), 70) >= _UNIFORM and chosen is inner:
        return _nearest(part, chosen)
    deepest = pure[np.abs(pure - middle).max(axis=1) <= 2 * _UNIFORM]
    flat = np.median(deepest, axis=0) if len(deepest) else middle
    return np.broadcast_to(flat.astype(np.float32), part.shape).copy()


def _nearest(values: Floats, known: Flags) -> Floats:
    """Every pixel gets the value of the nearest known one."""
    _, labels = cv2.distanceTransformWithLabels((~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    table = np.zeros((int(labels.max()) + 1, values.shape[2]), np.float32)
    table[labels[known]] = values[known]
    return table[labels]


def _noise(ground: Floats, hole: Flags, width_px: float) -> float:
    """How far the ground, where it is seen, strays from its mean over `width_px` px, of 255."""
    seen = ~_grow(hole, 1)
    fine = ground - cv2.GaussianBlur(ground, (0, 0), width_px)
    return float(np.median(np.abs(fine[seen]).max(axis=1)) * 1.5) if seen.any() else 0.0


def _finish(patch: _Patch, box: Box, alpha: Floats, color: Floats, inks: list[Ink]) -> Strokes:
    shown = color[alpha > 0]
    is_uniform = bool((shown == shown[0]).all())
    ink = shown[0] if is_uniform else inks[0].color
    color = np.broadcast_to(ink, color.shape) if is_uniform else color
    solid = np.where((alpha >= 1)[:, :, None] & (not is_uniform), patch.part, np.rint(color)).astype(np.uint8)
    hole = _grow(alpha > 0, HOLE_GROWTH_PX) | patch.foreign
    depth = cv2.distanceTransform((alpha > STRONG).astype(np.uint8), cv2.DIST_L2, 3)
    roughness = _noise(fill_smoothly(patch.part, hole), hole, max(float(depth.max()), 2.0))
    red, green, blue = (round(float(value)) for value in ink)
    return Strokes(box, alpha, solid, (red, green, blue), is_uniform, roughness)


def _drawn(quad: Quad, shape: tuple[int, int]) -> Flags:
    canvas = np.zeros(shape, np.uint8)
    cv2.fillPoly(canvas, [np.round(quad).astype(np.int32)], 1)
    return canvas > 0


def _grow(flags: Flags, by_px: float) -> Flags:
    side = 2 * round(by_px) + 1
    return np.asarray(cv2.dilate(flags.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))) > 0, np.bool_)
