"""What a person does to a finished mask: grow, shrink, feather, combine, fill. Pure functions; white (255) is repainted.

A mask is a (H, W) uint8 array, 0..255, of any size; results are new arrays of the same shape, arguments are left alone.
Greys count: a soft edge is moved as a whole. Outside the picture a mask goes on as it is at the border, so that shrinking
does not eat into it from there.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from modules.base.errors import InvalidRequest

Mask = NDArray[np.uint8]

MAX_PX = 4096
"""The largest radius of grow, shrink and feather, in pixels."""
OPEN_BELOW = 128
"""Darker than this counts as not painted."""
COMBINATIONS = ("replace", "union", "subtract", "intersect")

_SOFT_LEVELS = 7
_POPULOUS = 0.02
_PLATEAUS = 4
_EPSILON = 1e-3
_SMALL_SIGMA_PX = 6.0


def grow(mask: Mask, px: float) -> Mask:
    """Let the mask reach `px` further in every direction (Euclidean, so corners become round).

    A pixel becomes 255 where a 255 is at most `px` away, measured from centre to centre; exact for black and white. Greys grow level by
    level: plateaus exactly, ramps by interpolation between up to 15 levels.

    Args:
        px: 0 to 4096; 0 changes nothing.
    """
    if px <= 0 or not mask.any():
        return mask.copy()
    left, top, width, height = cv2.boundingRect(mask)
    reach = int(px) + 1
    rows = slice(max(top - reach, 0), min(top + height + reach, mask.shape[0]))
    columns = slice(max(left - reach, 0), min(left + width + reach, mask.shape[1]))
    result = np.zeros_like(mask)
    result[rows, columns] = _grow_levels(np.ascontiguousarray(mask[rows, columns]), px)
    return result


def shrink(mask: Mask, px: float) -> Mask:
    """The opposite of `grow`: what is not repainted reaches `px` further into the mask. The picture's border does not.

    Args:
        px: 0 to 4096; 0 changes nothing.
    """
    if px <= 0 or not mask.any():
        return mask.copy()
    left, top, width, height = cv2.boundingRect(mask)
    rows = slice(max(top - 1, 0), top + height + 1)
    columns = slice(max(left - 1, 0), left + width + 1)
    inside = cv2.bitwise_not(np.ascontiguousarray(mask[rows, columns]))
    result = np.zeros_like(mask)
    if inside.any():
        inside = _grow_levels(inside, px)
    result[rows, columns] = cv2.bitwise_not(inside)
    return result


def feather(mask: Mask, px: float) -> Mask:
    """Soften the edge over `px` to each side: a Gaussian blur of sigma = px / 2, so that 95 % of the change lies within `px` of the edge.

    Wide blurs are taken at a smaller size, with the variances of both resizes (box of f pixels: (f^2 - 1) / 12; linear: (f^2 - 1) / 6)
    subtracted first; within 2 grey levels of the plain blur.

    Args:
        px: 0 to 4096; 0 changes nothing.
    """
    if px <= 0 or not mask.any():
        return mask.copy()
    sigma = px / 2
    left, top, width, height = cv2.boundingRect(mask)
    reach = int(4 * sigma) + 2
    rows = slice(max(top - reach, 0), min(top + height + reach, mask.shape[0]))
    columns = slice(max(left - reach, 0), min(left + width + reach, mask.shape[1]))
    result = np.zeros_like(mask)
    result[rows, columns] = _blur(np.ascontiguousarray(mask[rows, columns]), sigma)
    return result


def invert(mask: Mask) -> Mask:
    """Swap what is repainted and what is kept."""
    return _array(cv2.bitwise_not(mask))


def combine(mask: Mask, other: Mask, how: str) -> Mask:
    """Join two masks of one size.

    Args:
        how: `replace` (other alone), `union` (the lighter), `subtract` (mask without other), `intersect` (the darker).

    Raises:
        InvalidRequest: Unknown `how`, or the sizes differ.
    """
    if how not in COMBINATIONS:
        raise InvalidRequest("combine", how, "one of " + ", ".join(COMBINATIONS))
    if mask.shape != other.shape:
        raise InvalidRequest("other", _size(other), f"a mask of the size {_size(mask)}")
    if how == "replace":
        return other.copy()
    if how == "union":
        return _array(cv2.max(mask, other))
    return _array(cv2.min(mask, cv2.bitwise_not(other) if how == "subtract" else other))


def fill_holes(mask: Mask) -> Mask:
    """Paint what is enclosed by paint: everything that cannot be reached from the picture's border (in 4 directions) without crossing it.

    A soft outline encloses with the strength it has all around, in steps of 32.
    """
    result = mask.copy()
    if not mask.any():
        return result
    left, top, width, height = cv2.boundingRect(mask)
    inside = mask[top : top + height, left : left + width]
    filled = result[top : top + height, left : left + width]
    for level in _steps(mask):
        open_ground = np.pad((inside < level).astype(np.uint8), 1, constant_values=1)
        cv2.floodFill(open_ground, None, (0, 0), 2)
        np.maximum(filled, level, out=filled, where=open_ground[1:-1, 1:-1] == 1)
    return result


def bucket(picture: NDArray[np.uint8], mask: Mask, point: tuple[int, int], tolerance: int = 32, is_contiguous: bool = True) -> Mask:
    """What a click with a paint bucket means, as a new mask (not yet joined to `mask`).

    Inside a closed painted outline it is that outline's inside. Elsewhere, and always when not contiguous, it goes by colour.

    Args:
        picture: (H, W, 3 or 4) uint8; of the mask's size. Fully transparent pixels are all alike.
        point: (x, y) of the clicked pixel.
        tolerance: 0 to 255; how far any channel may be from the clicked pixel's.
        is_contiguous: Only what hangs together with the point (in 4 directions); else alike colours everywhere.

    Raises:
        InvalidRequest: The point lies outside, the tolerance is out of range, or the sizes differ.
    """
    if picture.shape[:2] != mask.shape:
        raise InvalidRequest("mask", _size(mask), f"a mask of the picture's size, {_size(picture)}")
    check_point(point, mask)
    if not 0 <= tolerance <= 255:
        raise InvalidRequest("tolerance", tolerance, "a whole number from 0 to 255")
    enclosed = _inside_of_outline(mask, point) if is_contiguous else None
    return flood_colour(picture, point, tolerance, is_contiguous) if enclosed is None else enclosed


def flood_colour(picture: NDArray[np.uint8], point: tuple[int, int], tolerance: int, is_contiguous: bool) -> Mask:
    """Pixels of the clicked pixel's colour; arguments as for `bucket`."""
    if picture.shape[2] == 4 and not picture[..., 3].all():
        picture = np.where(picture[..., 3:] > 0, picture, 0).astype(np.uint8)
    x, y = point
    colour = picture[y, x].astype(int)
    low, high = (tuple(int(value) for value in np.clip(colour + step, 0, 255)) for step in (-tolerance, tolerance))
    alike = _array(cv2.inRange(picture, low, high))
    return _region(alike, point) if is_contiguous else alike


def check_point(point: tuple[int, int], mask: Mask) -> None:
    """Raises `InvalidRequest` when (x, y) is not a pixel of the picture."""
    for name, value, side in zip("xy", point, mask.shape[::-1], strict=True):
        if not 0 <= value < side:
            raise InvalidRequest(name, value, f"a pixel of the picture, 0 to {side - 1}")


def _grow_levels(mask: Mask, px: float) -> Mask:
    """`grow` without margins: the new value is where the level sets' distances cross `px`."""
    levels, are_all = _levels(mask)
    result = np.zeros_like(mask)
    beyond: tuple[int, NDArray[np.float32]] | None = None
    for level in reversed(levels):
        distance = _distance(mask, level)
        reached = distance <= px + _EPSILON
        fresh = reached & (result == 0)
        if beyond is None or are_all or beyond[0] == level + 1:
            result[fresh] = level
        else:
            near, far = distance[fresh], beyond[1][fresh]
            share = np.clip((px - near) / np.maximum(far - near, _EPSILON), 0, 1)
            result[fresh] = np.rint(level + share * (beyond[0] - level)).astype(np.uint8)
        beyond = level, distance
    return np.maximum(result, mask)


def _levels(mask: Mask) -> tuple[list[int], bool]:
    """Levels whose sets describe the mask, and whether these are all that there are.

    Where there are many, they are steps of the ramps, and plateaus with the level above each, so that nothing is interpolated across them.
    """
    counts = np.bincount(mask.ravel(), minlength=256)
    counts[0] = 0
    present = np.flatnonzero(counts)
    if len(present) <= _SOFT_LEVELS:
        return [int(level) for level in present], True
    largest = np.argsort(counts)[::-1][:_PLATEAUS]
    plateaus = {int(level) for level in largest if counts[level] > _POPULOUS * counts.sum()}
    highest = int(present[-1])
    ramps = {int(level) for level in np.linspace(present[0], highest, _SOFT_LEVELS)}
    return sorted(ramps | plateaus | {level + 1 for level in plateaus if level < highest}), False


def _distance(mask: Mask, level: int) -> NDArray[np.float32]:
    """From each pixel's centre to the nearest one with at least `level`; Felzenszwalb & Huttenlocher, "Distance Transforms of Sampled
    Functions", Theory of Computing 8, 2012 (exact)."""
    return np.asarray(cv2.distanceTransform((mask < level).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float32)


def _blur(mask: Mask, sigma: float) -> Mask:
    height, width = mask.shape
    factor = int(sigma / _SMALL_SIGMA_PX)
    if factor < 2:
        return _array(cv2.GaussianBlur(mask, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE))
    low_height, low_width = -(-height // factor), -(-width // factor)
    padding = (0, low_height * factor - height, 0, low_width * factor - width)
    whole = cv2.copyMakeBorder(mask, *padding, cv2.BORDER_REPLICATE)
    low = cv2.resize(whole, (low_width, low_height), interpolation=cv2.INTER_AREA).astype(np.float32)
    left_over = sigma**2 - (factor**2 - 1) / 12 - (factor**2 - 1) / 6
    low = cv2.GaussianBlur(low, (0, 0), left_over**0.5 / factor, borderType=cv2.BORDER_REPLICATE)
    smooth = cv2.resize(np.rint(low).astype(np.uint8), (low_width * factor, low_height * factor), interpolation=cv2.INTER_LINEAR)
    return _array(smooth[:height, :width].copy())


def _steps(mask: Mask) -> list[int]:
    """Levels for enclosing, highest first: 255 alone for black and white."""
    counts = np.bincount(mask.ravel(), minlength=256)
    return [255] if counts[1:255].sum() == 0 else [255, *range(224, 0, -32)]


def _inside_of_outline(mask: Mask, point: tuple[int, int]) -> Mask | None:
    """The open ground around `point`, up to the strongest part of the outline that closes it; None where nothing does, or on paint."""
    x, y = point
    if mask[y, x] >= OPEN_BELOW:
        return None
    for level in _steps(mask):
        if level <= mask[y, x]:
            return None
        ground = _array(cv2.inRange(mask, 0, level - 1))
        region, touches = _flood(ground, point)
        if not touches:
            return region
    return None


def _region(ground: Mask, point: tuple[int, int]) -> Mask:
    return _flood(ground, point)[0]


def _flood(ground: Mask, point: tuple[int, int]) -> tuple[Mask, bool]:
    """The 4-connected part of `ground` (255) around `point`, and whether it touches the picture's border."""
    height, width = ground.shape
    reached = np.zeros((height + 2, width + 2), np.uint8)
    flags = 4 | cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE | (255 << 8)
    _, _, _, (left, top, wide, tall) = cv2.floodFill(ground, reached, point, 0, 0, 0, flags)
    touches = left == 0 or top == 0 or left + wide == width or top + tall == height
    return reached[1:-1, 1:-1].copy(), touches


def _array(pixels: object) -> Mask:
    return np.asarray(pixels, dtype=np.uint8)


def _size(pixels: NDArray[np.uint8]) -> str:
    return f"{pixels.shape[1]}x{pixels.shape[0]}"


UNARY: dict[str, Callable[[Mask], Mask]] = {"invert": invert, "fill_holes": fill_holes}
"""Operations on one mask, without numbers."""
BY_PX: dict[str, Callable[[Mask, float], Mask]] = {"grow": grow, "shrink": shrink, "feather": feather}
"""Operations on one mask that take a number of pixels."""
