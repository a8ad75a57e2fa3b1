"""From a coarse mask to what share of each pixel an object has, and to the object's own colours."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from modules.base.registry import load_dotted
from modules.imaging.geometry import Box, Extent

Pixels = NDArray[np.uint8]
Alpha = NDArray[np.float32]
Flags = NDArray[np.bool_]

BAND = 0.012
"""Half width of the band whose alpha is solved, as a share of the object's longer side."""
LARGEST_SIDE_PX = 1024

_ONE_AT_A_TIME = threading.Lock()
_INSIDE, _OUTSIDE = 1.0, 0.0


def refine_alpha(rgb: Pixels, coarse: Pixels) -> tuple[Alpha, Pixels]:
    """The alpha and the colours of an object whose outline is roughly known.

    Only a narrow band along the outline is solved; what lies farther out stays outside.

    Args:
        rgb: (H, W, 3) uint8; not modified.
        coarse: (H, W) uint8; 255 = the object, soft or hard along its outline.

    Returns:
        (H, W) float32 in [0, 1], and (H, W, 3) uint8: the object's colour without what shines through from behind; the picture's own
        colour where alpha is 1, and where it is 0.

    References:
        Levin, Lischinski & Weiss, "A Closed-Form Solution to Natural Image Matting", TPAMI 30(2), 2008.
        Germer et al., "Fast Multi-Level Foreground Estimation", ICPR 2020.
    """
    alpha, colour = (coarse > 127).astype(np.float32), rgb.copy()
    box = _box_around(coarse)
    if box is None:
        return alpha, colour
    left, top, right, bottom = box.edges
    inner = slice(top, bottom), slice(left, right)
    solved = _solve(rgb[inner], _trimap(coarse[inner], BAND * max(box.width, box.height)))
    alpha[inner] = solved
    colour[inner] = _own_colours(rgb[inner], solved)
    return alpha, colour


def _trimap(coarse: Pixels, reach_px: float) -> NDArray[np.float64]:
    is_object = (coarse > 127).astype(np.uint8)
    inwards = cv2.distanceTransform(is_object, cv2.DIST_L2, 5)
    outwards = cv2.distanceTransform(1 - is_object, cv2.DIST_L2, 5)
    reach = max(reach_px, 3.0)
    return np.select([inwards > reach, outwards > reach], [_INSIDE, _OUTSIDE], 0.5)


def _solve(rgb: Pixels, trimap: NDArray[np.float64]) -> Alpha:
    if not (trimap == 0.5).any() or not (trimap == _INSIDE).any() or not (trimap == _OUTSIDE).any():
        return (trimap >= 0.5).astype(np.float32)
    solve = cast(Callable[..., Any], load_dotted("pymatting:estimate_alpha_cf"))
    return np.asarray(solve(rgb / 255.0, trimap), np.float32)


def _own_colours(rgb: Pixels, alpha: Alpha) -> Pixels:
    estimate = cast(Callable[..., Any], load_dotted("pymatting:estimate_foreground_ml"))
    with _ONE_AT_A_TIME:
        own = estimate(rgb / 255.0, alpha.astype(np.float64))
    soft = ((alpha > 0) & (alpha < 1))[..., None]
    return np.where(soft, np.clip(np.rint(own * 255), 0, 255), rgb).astype(np.uint8)


def _box_around(coarse: Pixels) -> Box | None:
    """What the object covers and a margin around it."""
    left, top, width, height = cv2.boundingRect((coarse > 127).astype(np.uint8))
    if not width:
        return None
    margin = max(int(3 * BAND * max(width, height)), 16)
    return Box(left - margin, top - margin, width + 2 * margin, height + 2 * margin).cut_at(Extent(coarse.shape[1], coarse.shape[0]))
