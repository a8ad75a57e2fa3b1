"""What lies behind lifted strokes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from modules.imaging.geometry import Box
from modules.imaging.lifting.smooth_fill import fill_smoothly
from modules.imaging.lifting.strokes import HOLE_GROWTH_PX, Strokes

Pixels = NDArray[np.uint8]
Flags = NDArray[np.bool_]
Complete = Callable[[Pixels, Flags], Pixels]
"""(rgb, hole) to rgb: continues textures into the hole."""

ROUGH = 2.5
"""From this roughness on (of 255) a smooth continuation would show as smears in the shape of the letters."""


def share_out(found: Sequence[Strokes], shape: tuple[int, int]) -> list[Strokes]:
    """Give every pixel of a picture of (height, width) to the one line that covers it most, so that no two lines hold the same ink."""
    most = np.zeros(shape, np.float32)
    owner = np.full(shape, -1, np.int32)
    for number, strokes in enumerate(found):
        here = _slices(strokes.box)
        is_more = strokes.alpha > most[here]
        most[here] = np.where(is_more, strokes.alpha, most[here])
        owner[here] = np.where(is_more, number, owner[here])
    kept = []
    for number, strokes in enumerate(found):
        own = owner[_slices(strokes.box)] == number
        kept.append(replace(strokes, alpha=np.where(own, strokes.alpha, 0).astype(np.float32)))
    return kept


def uncover(rgb: Pixels, found: Sequence[Strokes], complete: Complete) -> Pixels:
    """The picture as it would be without the strokes.

    Args:
        rgb: (H, W, 3) uint8; not modified.
        complete: For strokes on a rough ground; smooth grounds are continued smoothly.

    Returns:
        (H, W, 3) uint8; also soft rims of the strokes are replaced. Bytes further than that from all strokes are those of `rgb`.
    """
    rough, hole = np.zeros(rgb.shape[:2], np.bool_), np.zeros(rgb.shape[:2], np.bool_)
    for strokes in found:
        here = _slices(strokes.box)
        covered = np.asarray(cv2.dilate((strokes.alpha > 0).astype(np.uint8), _disc(HOLE_GROWTH_PX)) > 0, np.bool_)
        hole[here] |= covered
        rough[here] |= covered & (strokes.roughness > ROUGH)
    behind = rgb.copy()
    for strokes in found:  # each in its own neighbourhood: a whole picture at a time would take longer
        here = _slices(strokes.box)
        calm = hole[here] & ~rough[here]
        if calm.any():
            smooth = np.floor(fill_smoothly(rgb[here], hole[here]) + 0.5).clip(0, 255).astype(np.uint8)
            behind[here] = np.where(calm[:, :, None], smooth, behind[here])
    return complete(behind, rough) if rough.any() else behind


def _slices(box: Box) -> tuple[slice, slice]:
    left, top, right, bottom = box.edges
    return slice(top, bottom), slice(left, right)


def _disc(radius_px: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1, 2 * radius_px + 1)), np.uint8)
