"""Laying a layer's pixels on the canvas: copied where they can be, else resampled once from the original."""

from __future__ import annotations

import math
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from modules.imaging.geometry import Box, Extent
from modules.imaging.layering.blend_mode import Light
from modules.imaging.layering.compositing import CHUNK_PX, decode, encode
from modules.imaging.layering.placement import PLACES_PER_PX, SCALE_DIGITS, Placement

Values = TypeVar("Values", NDArray[np.uint8], NDArray[np.int16])
Floats = NDArray[np.float32]
REACH_PX = 1
"""How far the softened rim of a turned or scaled outline reaches beyond it."""


def placed_box(extent: Extent, placement: Placement, density: float = 1.0) -> Box:
    """The upright box, in canvas px, outside of which nothing of a placed source can show.

    Args:
        extent: Of the source's pixels.
        placement: Where it lies.
        density: Source pixels to one canvas pixel at scale 1.
    """
    turns = _quarter_turns(extent, placement, density)
    if turns is not None:
        return _copied_box(extent, placement, density, turns)
    corners = np.array([[0, 0, 1], [extent.width, 0, 1], [0, extent.height, 1], [extent.width, extent.height, 1]], np.float64)
    places = corners @ _matrix(extent, placement, density).T
    low, high = np.floor(places.min(axis=0)) - REACH_PX, np.ceil(places.max(axis=0)) + REACH_PX
    return Box.from_edges(int(low[0]), int(low[1]), int(high[0]), int(high[1]))


def place(
    pixels: Values, placement: Placement, bounds: Extent | Box, density: float = 1.0, light: Light = Light.SRGB
) -> tuple[Box, Values]:
    """Lay pixels on the canvas.

    Turned by quarters, on whole pixels and as large as they are, they are copied; all else is resampled by a cubic filter, shrunk by areas.

    Args:
        pixels: (h, w, 4): uint8 RGBA of straight alpha (resampled premultiplied), or int16 differences. Not modified.
        placement: Where they lie.
        bounds: The canvas, or the box of it, outside of which nothing is wanted.
        density: Source pixels to one canvas pixel at scale 1.
        light: In which colours are resampled.

    Returns:
        A box inside the bounds (without an extent where nothing shows) and its pixels; a view where they are copied.
    """
    extent = Extent(pixels.shape[1], pixels.shape[0])
    area = bounds if isinstance(bounds, Box) else Box(0, 0, bounds.width, bounds.height)
    whole = placed_box(extent, placement, density)
    box = meet(whole, area)
    if box is None:
        return Box(area.x, area.y, 0, 0), pixels[:0, :0]
    turns = _quarter_turns(extent, placement, density)
    if turns is None:
        return box, _resample(pixels, placement, box, density, light)
    turned = np.rot90(_flip(pixels, placement), -turns)
    return box, turned[box.y - whole.y : box.y - whole.y + box.height, box.x - whole.x : box.x - whole.x + box.width]


def _corner(extent: Extent, placement: Placement, density: float) -> tuple[float, float]:
    """Where the corner of a source lies that shows pixel for pixel, before it is turned; canvas px, to 1/1024."""
    exact = placement.snapped()
    shrunk = (1 / density - 1) / 2
    corner = exact.left + extent.width * shrunk, exact.top + extent.height * shrunk
    return round(corner[0] * PLACES_PER_PX) / PLACES_PER_PX, round(corner[1] * PLACES_PER_PX) / PLACES_PER_PX


def _quarter_turns(extent: Extent, placement: Placement, density: float) -> int | None:
    """How many quarters clockwise, where every source pixel lands on one canvas pixel; else None."""
    exact = placement.snapped()
    if (
        round(exact.scale_x / density, SCALE_DIGITS) != 1
        or round(exact.scale_y / density, SCALE_DIGITS) != 1
        or exact.rotation_deg % 90 != 0
    ):
        return None
    left, top = _corner(extent, placement, density)
    return int(exact.rotation_deg // 90) % 4 if left == int(left) and top == int(top) else None


def _copied_box(extent: Extent, placement: Placement, density: float, turns: int) -> Box:
    """Turned about the middle; where that would end on half a pixel, the half to the left and the top."""
    left, top = (int(place) for place in _corner(extent, placement, density))
    if turns % 2 == 0:
        return Box(left, top, extent.width, extent.height)
    shift = extent.width - extent.height
    return Box(left + shift // 2, top + -shift // 2, extent.height, extent.width)


def _flip(pixels: Values, placement: Placement) -> Values:
    across, down = -1 if placement.is_flipped_x else 1, -1 if placement.is_flipped_y else 1
    return pixels[::down, ::across]


def _matrix(extent: Extent, placement: Placement, density: float) -> NDArray[np.float64]:
    """(2, 3): from source pixels' edges to canvas px; flips left out."""
    exact = placement.snapped()
    angle = math.radians(exact.rotation_deg)
    cos, sin = math.cos(angle), math.sin(angle)
    across, down = exact.scale_x / density, exact.scale_y / density
    linear = np.array([[cos * across, -sin * down], [sin * across, cos * down]])
    middle = np.array([extent.width / 2, extent.height / 2])
    target = np.array([exact.left, exact.top]) + middle / density
    return np.column_stack([linear, target - linear @ middle])


def _resample(pixels: Any, placement: Placement, box: Box, density: float, light: Light) -> Any:
    """The box of the placed pixels: colours are carried on beyond the source's rim, which is then cut off exactly where it lies."""
    extent = Extent(pixels.shape[1], pixels.shape[0])
    is_color = pixels.dtype == np.uint8
    flipped = _flip(pixels, placement)
    values = premultiply(flipped, light) if is_color else flipped.astype(np.float32)
    matrix = _matrix(extent, placement, density)
    values, shrunk = _shrink(values, matrix)
    onto = matrix @ np.vstack([np.column_stack([np.diag(shrunk), np.zeros(2)]), [0, 0, 1]])
    onto[:, 2] += onto[:, :2] @ (0.5, 0.5) - 0.5 - (box.x, box.y)  # OpenCV counts from the middles of pixels
    laid = cv2.warpAffine(values, onto, box.extent.size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    laid *= _coverage(extent, matrix, box)[..., None]
    return straighten(laid, light) if is_color else np.floor(laid + np.float32(0.5)).astype(np.int16)


def _coverage(extent: Extent, matrix: NDArray[np.float64], box: Box) -> Floats:
    """(box.height, box.width): how much of each pixel lies inside the outline, measured along the source's two sides."""
    inverse = np.linalg.inv(matrix[:, :2])
    x, y = np.arange(box.width) + box.x + 0.5 - matrix[0, 2], np.arange(box.height) + box.y + 0.5 - matrix[1, 2]
    covered = np.ones((box.height, box.width), np.float32)
    for side, length in enumerate(extent.size):
        scale = float(np.hypot(*matrix[:, side]))
        along = ((inverse[side, 0] * x)[None, :] + (inverse[side, 1] * y)[:, None]).astype(np.float32) * np.float32(scale)
        covered *= np.clip(np.minimum(along + 0.5, length * scale) - np.maximum(along - 0.5, 0), 0, 1).astype(np.float32)
    return covered


def _shrink(values: Floats, matrix: NDArray[np.float64]) -> tuple[Floats, NDArray[np.float64]]:
    """Average areas where the source is finer than the canvas; also how many source pixels one of the result's is wide and high."""
    height, width = values.shape[:2]
    finer = np.maximum(1 / np.maximum(np.hypot(matrix[0, :2], matrix[1, :2]), 1e-9), 1)
    size = max(1, round(width / finer[0])), max(1, round(height / finer[1]))
    if size == (width, height):
        return np.ascontiguousarray(values), np.ones(2)
    smaller = cv2.resize(values, size, interpolation=cv2.INTER_AREA)
    return smaller, np.array([width / size[0], height / size[1]])


def premultiply(pixels: NDArray[np.uint8], light: Light = Light.SRGB) -> Floats:
    """Straight RGBA of 8 bits to float32: colours of the given light, 0..1, times alpha, 0..255."""
    values = np.empty(pixels.shape, np.float32)
    values[..., 3] = pixels[..., 3]
    np.multiply(decode(pixels[..., :3], light), values[..., 3:], out=values[..., :3])
    return values


def straighten(values: Floats, light: Light = Light.SRGB) -> NDArray[np.uint8]:
    """What `premultiply` gives, which a filter may have thrown beyond its range, to straight RGBA of 8 bits."""
    straight = np.empty(values.shape, np.uint8)
    rows = max(1, CHUNK_PX // max(1, values.shape[1]))
    for top in range(0, len(values), rows):
        some, made = values[top : top + rows], straight[top : top + rows]
        made[..., 3] = np.clip(some[..., 3] + np.float32(0.5), 0, 255)
        inverse = np.where(made[..., 3:] > 0, 1 / np.maximum(some[..., 3:], np.float32(0.25)), 0)
        made[..., :3] = encode(some[..., :3] * inverse.astype(np.float32), light)
    return straight


def meet(one: Box, other: Box) -> Box | None:
    """What lies in both; None = nothing."""
    moved = Box(one.x - other.x, one.y - other.y, one.width, one.height).cut_at(other.extent)
    return None if moved is None else Box(moved.x + other.x, moved.y + other.y, moved.width, moved.height)
