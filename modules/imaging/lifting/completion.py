"""What lies behind lifted parts, guessed from what lies around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from modules.base.registry import load_dotted
from modules.imaging.fills import fill_patchmatch
from modules.imaging.geometry import Box, Extent

Pixels = NDArray[np.uint8]
Alpha = NDArray[np.float32]
Flags = NDArray[np.bool_]
Refine = Callable[[Pixels, Pixels], Pixels]
"""(rgb, mask of 0 and 255) to rgb: repaints what the mask holds, gently."""

FAINT = 0.02
GROWTH = 0.004
"""How much wider a hole is than what was lifted, as a share of the picture's longer side."""
MATCHED_SIDE_PX = 512
"""Larger surroundings are matched at this size, and get fine detail afterwards: time grows faster than the number of pixels."""

_SEED = 20041
_PATCH_PX = 8
_LARGEST_SAMPLE = 20_000
_RING_PX = 12
_WORST_JUMP = 1.1


def grow_hole(alpha: Alpha, shade: Alpha | None = None) -> Flags:
    """Where nothing of what was lifted may be copied from.

    Args:
        alpha: (H, W) float32: all that was lifted.
        shade: (H, W) float32: how dark a shadow lies on the picture, 0 = none; its faint rim is no part of the hole.
    """
    is_hole = (alpha > FAINT).astype(np.uint8)
    reach = max(round(GROWTH * max(alpha.shape)), 2)
    grown = cv2.dilate(is_hole, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)))
    return np.asarray((grown > 0) | (shade > 0.1 if shade is not None else False), np.bool_)


def complete(rgb: Pixels, hole: Flags, refine: Refine | None = None) -> Pixels:
    """Continue the surroundings into a hole.

    Args:
        rgb: (H, W, 3) uint8; not modified. What it shows inside the hole is not looked at.
        hole: (H, W); as `grow_hole` gives it.
        refine: Betters the filled hole; its result is only kept where it meets the surroundings no worse.

    Returns:
        (H, W, 3) uint8, equal to `rgb` outside of the hole. The same input gives the same picture (if `refine` does).
    """
    if not hole.any():
        return rgb.copy()
    result = rgb.copy()
    left, top, right, bottom = _surroundings(hole).edges
    here = slice(top, bottom), slice(left, right)
    result[here] = _fill(rgb[here], hole[here])
    return result if refine is None else _refined(result, hole, refine)


def _surroundings(hole: Flags) -> Box:
    """The hole and half of its longer side on each side."""
    left, top, width, height = cv2.boundingRect(hole.astype(np.uint8))
    margin = max(max(width, height) // 2, 64)
    box = Box(left - margin, top - margin, width + 2 * margin, height + 2 * margin).cut_at(Extent(hole.shape[1], hole.shape[0]))
    return cast(Box, box)


def _fill(rgb: Pixels, hole: Flags) -> Pixels:
    scale = MATCHED_SIDE_PX / max(hole.shape)
    if scale >= 1:
        return _matched(rgb, hole)
    size = (max(round(hole.shape[1] * scale), 1), max(round(hole.shape[0] * scale), 1))
    share = cv2.resize(hole.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    known = cv2.resize(np.where(hole[..., None], 0, rgb).astype(np.float32), size, interpolation=cv2.INTER_AREA)
    small_hole = share > 0.5
    small = np.clip(np.rint(known / np.maximum(1 - share, 0.5)[..., None]), 0, 255).astype(np.uint8)
    small = _matched(small, small_hole)
    smooth = cv2.resize(small, hole.shape[::-1], interpolation=cv2.INTER_CUBIC).astype(np.float32)
    detail = _detail(rgb - smooth, hole, small, share)
    filled = np.clip(np.rint(smooth + detail), 0, 255)
    return np.where(hole[..., None], filled, rgb).astype(np.uint8)


def _matched(rgb: Pixels, hole: Flags) -> Pixels:
    mask = Image.fromarray(hole.astype(np.uint8) * 255)
    return np.asarray(fill_patchmatch(Image.fromarray(rgb), mask, _SEED), np.uint8)


def _detail(residue: NDArray[np.float32], hole: Flags, small: Pixels, share: Alpha) -> NDArray[np.float32]:
    """What the small size cannot hold, for the hole: copied from where the small picture looks most alike, patch by overlapping patch.

    Args:
        residue: (H, W, 3) the picture less its small copy.
        small: (h, w, 3), filled. `share`: (h, w), how much of each of its pixels is hole.
    """
    place = cast(Callable[..., Any], load_dotted("scipy.spatial:cKDTree"))
    side = _PATCH_PX
    rows, columns = (np.arange(0, max(extent - side, 0) + 1) for extent in small.shape[:2])
    grid = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)
    inside = cv2.boxFilter(share, -1, (side, side), anchor=(0, 0), normalize=True, borderType=cv2.BORDER_CONSTANT)
    touched = inside[grid[:, 0], grid[:, 1]]
    sources = grid[touched < 1e-4]
    targets = grid[(touched > 1e-4) & (grid % (side // 2) == 0).all(axis=1)]
    if not len(sources) or not len(targets):
        return np.zeros_like(residue)
    sources = sources[:: -(-len(sources) // _LARGEST_SAMPLE)]
    looks = cv2.blur(small, (2, 2)).astype(np.float32)
    _, nearest = place(_looks(looks, sources)).query(_looks(looks, targets), eps=0.5)
    return _laid(residue, hole, targets, sources[nearest], np.array(hole.shape) / small.shape[:2])


def _looks(small: NDArray[np.float32], corners: NDArray[np.intp]) -> NDArray[np.float32]:
    """(n, 48): every other pixel of each patch."""
    steps = range(0, _PATCH_PX, 2)
    return np.concatenate([small[corners[:, 0] + down, corners[:, 1] + across] for down in steps for across in steps], axis=1)


def _laid(
    residue: NDArray[np.float32], hole: Flags, targets: NDArray[np.intp], sources: NDArray[np.intp], scale: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Patches of detail, faded into each other so that their strength stays."""
    tall, wide = (int(np.ceil(_PATCH_PX * factor)) for factor in scale)
    window = np.outer(np.hanning(tall + 2)[1:-1], np.hanning(wide + 2)[1:-1]).astype(np.float32)[..., None]
    sum_of, power = np.zeros_like(residue), np.zeros((*hole.shape, 1), np.float32)
    limit = np.array(hole.shape) - (tall, wide)
    for target, source in zip(*(np.clip(np.rint(corners * scale).astype(int), 0, limit) for corners in (targets, sources)), strict=True):
        there = slice(target[0], target[0] + tall), slice(target[1], target[1] + wide)
        sum_of[there] += window * residue[source[0] : source[0] + tall, source[1] : source[1] + wide]
        power[there] += window**2
    return np.where(hole[..., None], sum_of / np.sqrt(np.maximum(power, 1e-3)), 0).astype(np.float32)


def _refined(filled: Pixels, hole: Flags, refine: Refine) -> Pixels:
    """Each separate hole as `refine` paints it, where its rim then jumps no more than before."""
    painted = refine(filled, hole.astype(np.uint8) * 255)
    result = filled.copy()
    count, labels = cv2.connectedComponents(hole.astype(np.uint8), connectivity=8)
    for label in range(1, count):
        one = labels == label
        candidate = np.where(one[..., None], painted, filled)
        if _rim_jump(candidate, one) <= _WORST_JUMP * _rim_jump(filled, one) and _colours_fit(candidate, one):
            result[one] = painted[one]
    return result


def _rim_jump(rgb: Pixels, hole: Flags) -> float:
    """Mean step of colour across the hole's rim."""
    values = rgb.astype(np.float32)
    down = (hole[1:] != hole[:-1], np.abs(values[1:] - values[:-1]).mean(axis=2))
    across = (hole[:, 1:] != hole[:, :-1], np.abs(values[:, 1:] - values[:, :-1]).mean(axis=2))
    steps = np.concatenate([step[is_rim] for is_rim, step in (down, across)])
    return float(steps.mean()) if steps.size else 0.0


def _colours_fit(rgb: Pixels, hole: Flags) -> bool:
    """Whether the hole's mean colour lies within what surrounds it, give or take its spread."""
    kernel = np.ones((2 * _RING_PX + 1, 2 * _RING_PX + 1), np.uint8)
    ring = (cv2.dilate(hole.astype(np.uint8), kernel) > 0) & ~hole
    if not ring.any():
        return True
    around, within = rgb[ring].astype(np.float32), rgb[hole].astype(np.float32)
    return bool((np.abs(within.mean(axis=0) - around.mean(axis=0)) <= 2 * around.std(axis=0) + 8).all())
