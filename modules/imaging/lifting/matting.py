"""From a network's guess to what share of each pixel an object has, and to the object's own colours."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from modules.base.registry import load_dotted
from modules.imaging.geometry import Box, Extent
from modules.imaging.lifting.upsampling import guide_upsampling

Pixels = NDArray[np.uint8]
Alpha = NDArray[np.float32]
Flags = NDArray[np.bool_]
Place = tuple[slice, slice]

BAND = 0.04
"""Half width of the band whose alpha is solved, as a share of the object's longer side."""
DOUBTFUL = (51, 204)
"""Guesses between these are solved wherever they lie."""
PULL, LEAST_PULL = 0.03, 1e-4
"""How strongly the guess holds against the picture's colours, where it is sure and where it is not (found by measuring)."""
SOLVED_SIDE_PX = 1024
"""Larger objects are solved at this size; the picture's edges lead the result back to full size."""

_TILE_PX, _OVERLAP_PX = 320, 32
_CONTRAST = 1e-6
_PRECISION = 1e-4
_SURE = 0.03
_ONE_AT_A_TIME = threading.Lock()


def refine_alpha(rgb: Pixels, seen: Pixels) -> tuple[Alpha, Pixels]:
    """The alpha and the colours of an object that is roughly known.

    Only a band along the outline, and what the guess itself doubts, is solved; sure background is never opened again. In small windows
    alpha is a linear function of colour (closed form matting); the guess pulls it, the more the surer it is.

    Args:
        rgb: (H, W, 3) uint8; not modified.
        seen: (H, W) uint8; 255 = the object; soft where it is not sure, or hard.

    Returns:
        (H, W) float32 in [0, 1], and (H, W, 3) uint8: the object's colour without what shines through from behind; the picture's own
        where alpha is 0 or 1.

    References:
        Levin, Lischinski & Weiss, "A Closed-Form Solution to Natural Image Matting", TPAMI 30(2), 2008.
        Germer et al., "Fast Multi-Level Foreground Estimation", ICPR 2020.
    """
    alpha, colour = np.zeros(seen.shape, np.float32), rgb.copy()
    box = _box_around(seen)
    if box is None:
        return alpha, colour
    left, top, right, bottom = box.edges
    here = slice(top, bottom), slice(left, right)
    solved = _at_solved_size(rgb[here], seen[here])
    alpha[here] = solved
    colour[here] = _own_colours(rgb[here], solved)
    return alpha, colour


def _box_around(seen: Pixels) -> Box | None:
    """What may be the object and a margin around it."""
    left, top, width, height = cv2.boundingRect((seen > DOUBTFUL[0]).astype(np.uint8))
    if not (seen > 127).any():
        return None
    margin = max(int(1.5 * BAND * max(width, height)), 16)
    return Box(left - margin, top - margin, width + 2 * margin, height + 2 * margin).cut_at(Extent(seen.shape[1], seen.shape[0]))


def _at_solved_size(rgb: Pixels, seen: Pixels) -> Alpha:
    scale = SOLVED_SIDE_PX / max(seen.shape)
    if scale >= 1:
        return _solve(rgb, seen, _unknown(seen))
    size = (max(round(seen.shape[1] * scale), 1), max(round(seen.shape[0] * scale), 1))
    small_rgb, small = (cv2.resize(values, size, interpolation=cv2.INTER_AREA).astype(np.uint8) for values in (rgb, seen))
    solved = _solve(small_rgb, small, _unknown(small))
    soft = cv2.dilate(((solved > _SURE) & (solved < 1 - _SURE)).astype(np.uint8), np.ones((5, 5), np.uint8))
    is_soft = cv2.resize(soft, seen.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    plain = cv2.resize((solved > 0.5).astype(np.float32), seen.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return _decided(np.where(is_soft, guide_upsampling(solved, rgb), plain).astype(np.float32))


def _unknown(seen: Pixels) -> Flags:
    is_object = (seen > 127).astype(np.uint8)
    _, _, width, height = cv2.boundingRect(is_object)
    reach = max(BAND * max(width, height), 3.0)
    near = (cv2.distanceTransform(is_object, cv2.DIST_L2, 5) <= reach) & (cv2.distanceTransform(1 - is_object, cv2.DIST_L2, 5) <= reach)
    return np.asarray(near | ((seen > DOUBTFUL[0]) & (seen < DOUBTFUL[1])), np.bool_)


def _solve(rgb: Pixels, seen: Pixels, unknown: Flags) -> Alpha:
    """Tile by tile, so that memory does not grow with the object; the guess's pull keeps neighbours together."""
    alpha = (seen > 127).astype(np.float32)
    for inner, wide, kept in _tiles(seen.shape):
        if unknown[inner].any():
            alpha[inner] = _solve_tile(rgb[wide], seen[wide], unknown[wide])[kept]
    return _decided(alpha)


def _tiles(shape: tuple[int, int]) -> Iterator[tuple[Place, Place, Place]]:
    """Each tile, the tile with what surrounds it, and where it lies in that."""
    for top in range(0, shape[0], _TILE_PX):
        for left in range(0, shape[1], _TILE_PX):
            inner = slice(top, min(top + _TILE_PX, shape[0])), slice(left, min(left + _TILE_PX, shape[1]))
            wide = (
                slice(max(top - _OVERLAP_PX, 0), inner[0].stop + _OVERLAP_PX),
                slice(max(left - _OVERLAP_PX, 0), inner[1].stop + _OVERLAP_PX),
            )
            rows, columns = (slice(part.start - around.start, part.stop - around.start) for part, around in zip(inner, wide, strict=True))
            yield inner, wide, (rows, columns)


def _solve_tile(rgb: Pixels, seen: Pixels, unknown: Flags) -> Alpha:
    """Least (a' L a + pull * (a - guess)^2) over the unknown pixels, all others held."""
    laplacian, diagonal = _pymatting("cf_laplacian"), cast(Callable[..., Any], load_dotted("scipy.sparse:diags"))
    guess, free = seen.ravel() / 255.0, unknown.ravel()
    alpha = (seen.ravel() > 127).astype(np.float64)
    if min(seen.shape) < 3:
        return alpha.reshape(seen.shape).astype(np.float32)
    rows = laplacian(rgb / 255.0, epsilon=_CONTRAST, is_known=~free)[free, :]
    pull = PULL * (2 * guess[free] - 1) ** 2 + LEAST_PULL
    system = (rows[:, free] + diagonal(pull)).tocsc()
    wanted = pull * guess[free] - rows[:, ~free].dot(alpha[~free])
    alpha[free] = _pymatting("cg")(system, wanted, M=_pymatting("ichol")(system), rtol=_PRECISION)
    return np.clip(alpha, 0, 1).reshape(seen.shape).astype(np.float32)


def _decided(alpha: Alpha) -> Alpha:
    """What is almost 0 or 1 is; values between are stretched."""
    return np.clip((alpha - _SURE) / (1 - 2 * _SURE), 0, 1).astype(np.float32)


def _own_colours(rgb: Pixels, alpha: Alpha) -> Pixels:
    with _ONE_AT_A_TIME:  # its threads end the process when two calls meet
        own = _pymatting("estimate_foreground_ml")(rgb / 255.0, alpha.astype(np.float64))
    soft = ((alpha > 0) & (alpha < 1))[..., None]
    return np.where(soft, np.clip(np.rint(own * 255), 0, 255), rgb).astype(np.uint8)


def _pymatting(name: str) -> Callable[..., Any]:
    return cast(Callable[..., Any], load_dotted(f"pymatting:{name}"))
