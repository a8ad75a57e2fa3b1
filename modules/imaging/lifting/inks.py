"""Which colours a line of text is written in: those that are frequent inside it, all along it, and rare at its edge."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from modules.imaging.lifting.text_quads import Quad, quad_height, quad_width

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]
Labels = NDArray[np.int32]

GROUPS = 8
_SAMPLES = 12_000
_SEED = 7
_RIM = 0.1
_CELLS_A_HEIGHT = 2
_TIGHT = 12
_PEAKS = 5
_APART = 30
_DOUBTFUL_RATIO = 6
_SECOND, _SECOND_GAIN, _HUGGING_GAIN, _HUG = 0.2, 8.0, 5.0, 0.08
_END, _LEAST_END_PX = 0.08, 40


@dataclass(frozen=True)
class Ink:
    """One colour that a line is written in.

    Attributes:
        color: RGB.
        where: (h, w): the pixels that have it nearly pure.
    """

    color: Floats
    where: Flags


@dataclass(frozen=True)
class _Place:
    """Where what is looked at: (h, w) each.

    Attributes:
        core: The line without its edge.
        rim: Its edge and what lies around it.
        ends: What lies before and behind it, at the height of its characters.
    """

    core: Flags
    rim: Flags
    ends: Flags


@dataclass(frozen=True)
class _Group:
    """One colour of the neighbourhood.

    Attributes:
        where: (h, w): the pixels that have it.
        gain: Its share inside the line, less that around it.
        ratio: The same as a quotient.
        coverage: 0 to 1: at how many places along the line it is met.
        thickness: 0 to 1: how much of it is left when a pixel is taken off all around.
        score: How well it fits an ink.
    """

    color: Floats
    where: Flags
    gain: float
    ratio: float
    coverage: float
    thickness: float
    score: float


def find_inks(part: Pixels, quad: Quad, inside: Flags, around: Flags) -> list[Ink]:
    """First guesses of the colours of a line, the surest first.

    Args:
        part: (h, w, 3) uint8: the line and its surroundings.
        quad: (4, 2) float32 in its pixels.
        inside: (h, w): the line.
        around: (h, w): what surely is none of it.

    Returns:
        One ink, or several (outlines, gradients); none where nothing can be told apart.
    """
    along, across = _line_coordinates(quad, inside.shape)
    core = inside & (across > _RIM) & (across < 1 - _RIM)
    rim = (inside & ~core) | around
    if not core.any() or not rim.any():
        return []
    length = along * quad_width(quad)
    ends = (inside | around) & (across > _RIM) & (across < 1 - _RIM)
    ends &= (length < _END * quad_height(quad)) | (length > quad_width(quad) - _END * quad_height(quad))
    place = _Place(core, rim, ends)
    cells = np.clip((along * max(quad_width(quad) / quad_height(quad) * _CELLS_A_HEIGHT, 2)).astype(np.int32), 0, None)
    labels = _group_colors(part, core, rim)
    groups = [_judge(part, labels == number, place, cells) for number in range(int(labels.max()) + 1)]
    peaks = [_judge(part, where, place, cells) for where in _peaks(part, core, rim)]
    first = max(groups + peaks, key=lambda group: group.score)
    if first.score <= 0:
        return []
    inks = [first]
    for group in sorted(groups + peaks, key=lambda group: -group.score):
        hugs = _hugs(group.where & (core | rim), first.where, _HUG * quad_height(quad))
        if all(_is_second(group, ink, groups, _HUGGING_GAIN if hugs else _SECOND_GAIN) for ink in inks):
            inks.append(group)
    return [Ink(ink.color, ink.where & inside) for ink in inks]


def _group_colors(part: Pixels, core: Flags, rim: Flags) -> Labels:
    """Sort colours into groups: the number of the nearest one at each pixel."""
    colors = part.astype(np.float32)
    chance = np.random.default_rng(_SEED)
    values = np.vstack([colors[where][chance.integers(int(where.sum()), size=_SAMPLES // 2)] for where in (core, rim)])
    cv2.setRNGSeed(_SEED)
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 1.0)
    _, _, centres = cv2.kmeans(values, GROUPS, None, criteria, 2, cv2.KMEANS_PP_CENTERS)
    squares = (centres**2).sum(axis=1) - 2 * colors.reshape(-1, 3) @ centres.T
    return squares.argmin(axis=1).astype(np.int32).reshape(core.shape)


def _peaks(part: Pixels, core: Flags, rim: Flags) -> list[Flags]:
    """Where those few colours are that rise most from around to inside, each within a narrow range: flat ink on a photograph."""
    bins = part.astype(np.int32) // _TIGHT @ np.array([32 * 32, 32, 1])
    size = 32**3
    rise = np.bincount(bins[core], minlength=size) / core.sum() - np.bincount(bins[rim], minlength=size) / rim.sum()
    found: list[Flags] = []
    for place in np.argsort(rise)[: -_PEAKS - 1 : -1]:
        if rise[place] > 0:
            color = np.median(part[core & (bins == place)], axis=0)
            found.append(np.abs(part - color.astype(np.float32)).max(axis=2) < _TIGHT)
    return found


def _judge(part: Pixels, members: Flags, place: _Place, cells: Labels) -> _Group:
    core, own = place.core, members & place.core
    within, without = float(own.sum() / core.sum()), float((members & place.rim).sum() / place.rim.sum())
    if place.ends.sum() >= _LEAST_END_PX:
        without = max(without, float((members & place.ends).sum() / place.ends.sum()))
    if not own.any():
        color = part[members].mean(axis=0) if members.any() else np.zeros(3)
        return _Group(color.astype(np.float32), members, -without, 0.0, 0.0, 0.0, -1.0)
    colors = part[own].astype(np.float32)
    mode = np.median(colors, axis=0)
    tight = float((np.abs(colors - mode).max(axis=1) < _TIGHT).mean())
    coverage = len(np.unique(cells[own])) / max(len(np.unique(cells[core])), 1)
    left = cv2.erode(own.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0).sum()
    gain, ratio = within - without, within / max(without, 1e-3)
    score = gain * (0.3 + tight) * coverage * ratio**2 / (ratio**2 + _DOUBTFUL_RATIO**2)
    return _Group(mode, members, gain, ratio, coverage, float(left / own.sum()), score)


def _is_second(group: _Group, first: _Group, groups: list[_Group], least_ratio: float) -> bool:
    """Whether a line has this colour, too: an outline, or the other end of a gradient; the soft edge of the first one is none."""
    if group.gain < _SECOND * first.gain or group.ratio < least_ratio or group.coverage < 0.6 * first.coverage:
        return False
    if float(np.abs(group.color - first.color).max()) < _APART:
        return False
    return group.thickness > 0.15 or not any(_lies_between(group.color, first.color, other.color) for other in groups if other.ratio < 1.5)


def _hugs(members: Flags, ink: Flags, within_px: float) -> bool:
    """Whether nearly all of it runs along the ink, as an outline does."""
    if not members.any() or not ink.any():
        return False
    distance = cv2.distanceTransform((~ink).astype(np.uint8), cv2.DIST_L2, 3)
    return float((distance[members] <= max(within_px, 2.0)).mean()) > 0.85


def _lies_between(color: Floats, ink: Floats, ground: Floats) -> bool:
    reach, step = ink - ground, color - ground
    length = float(reach @ reach)
    share = float(step @ reach) / max(length, 1e-6)
    return 0.05 < share < 0.95 and float(np.linalg.norm(step - share * reach)) < 0.25 * length**0.5


def _line_coordinates(quad: Quad, shape: tuple[int, int]) -> tuple[Floats, Floats]:
    """At each pixel, how far along the line and across it: 0 to 1 inside."""
    target = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    matrix = cv2.getPerspectiveTransform(np.asarray(quad, np.float32), target)
    columns, rows = np.meshgrid(np.arange(shape[1], dtype=np.float32), np.arange(shape[0], dtype=np.float32))
    x, y, depth = (row[0] * columns + row[1] * rows + row[2] for row in matrix)
    depth = np.where(np.abs(depth) < 1e-6, 1e-6, depth)
    return np.asarray(x / depth, np.float32), np.asarray(y / depth, np.float32)
