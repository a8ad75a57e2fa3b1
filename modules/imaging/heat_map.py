"""What an edit changed, as numbers and as a picture to lay over the result."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import cv2
import numpy as np
from PIL import Image

MAX_SIDE_PX = 1536
LEAST_OPACITY, MOST_OPACITY = 110, 235
FULL_HEAT = 50.0
"""Colour difference (CIE 1976) at which the map is hottest; 2.3 is just noticeable, black to white is 100."""
RIM_COLOUR = (255, 255, 255, 255)
RIM_SHADE = (20, 20, 20, 255)
STRIP_ROWS = 256


@dataclass(frozen=True)
class Change:
    """How much a part of a picture changed.

    Attributes:
        pixels: Pixels that differ at all.
        of_pixels: Pixels of the part.
        largest: Largest difference of a channel, 0 to 255.
        mean: Mean over all channels of all pixels of the part, 0 to 255.
    """

    pixels: int = 0
    of_pixels: int = 0
    largest: int = 0
    mean: float = 0.0


@dataclass(frozen=True)
class Changes:
    """Change inside the mask (where it is above 0) and outside (where it is 0); without a mask everything is inside."""

    inside: Change
    outside: Change


def measure_changes(before: Image.Image, after: Image.Image, mask: Image.Image | None) -> Changes:
    """Compare two pictures exactly.

    Args:
        before: RGB or RGBA; alpha counts where both have it.
        after: Same size.
        mask: L, same size.

    Raises:
        ValueError: The sizes differ.
    """
    mode = "RGBA" if before.mode == after.mode == "RGBA" else "RGB"
    one, two = np.asarray(before.convert(mode)), np.asarray(after.convert(mode))
    if one.shape != two.shape or (mask is not None and mask.size != before.size):
        raise ValueError(f"sizes differ: {before.size}, {after.size} and {mask.size if mask else 'no mask'}")
    channels = cv2.split(cv2.absdiff(one, two))
    largest = reduce(cv2.max, channels)
    inside = (
        np.full(largest.shape, 255, np.uint8)
        if mask is None
        else cv2.threshold(np.asarray(mask.convert("L")), 0, 255, cv2.THRESH_BINARY)[1]
    )
    return Changes(*(_measure(channels, largest, part) for part in (inside, cv2.bitwise_not(inside))))


def _measure(channels: Sequence[np.ndarray], largest: np.ndarray, part: np.ndarray) -> Change:
    """Of the pixels where `part` is 255, else 0; all arrays (h, w) uint8."""
    count = cv2.countNonZero(part)
    if not count:
        return Change()
    within = cv2.bitwise_and(largest, part)
    mean = sum(cv2.mean(channel, part)[0] for channel in channels) / len(channels)
    return Change(cv2.countNonZero(within), count, int(within.max()), float(mean))


def draw_heat_map(before: Image.Image, after: Image.Image, mask: Image.Image | None, max_side_px: int = MAX_SIDE_PX) -> Image.Image:
    """Colour what changed by how much it is seen, and draw the mask's outermost rim.

    Args:
        before, after: RGB, same size.
        mask: L, same size; its rim is where it leaves 0.
        max_side_px: A larger map is shrunk so that no change is lost: a cell has the largest of its pixels' values.

    Returns:
        RGBA; transparent where nothing changed, and never quite so where something did.

    Raises:
        ValueError: The sizes differ.

    References:
        CIE 15:2004, section 8.2.1 (CIELAB colour difference of 1976); the colours are those of matplotlib's "inferno", as in OpenCV.
    """
    if before.size != after.size or (mask is not None and mask.size != before.size):
        raise ValueError(f"sizes differ: {before.size}, {after.size} and {mask.size if mask else 'no mask'}")
    cell = math.ceil(max(before.size) / max_side_px)
    heat = _shrink(_colour_difference(np.asarray(before.convert("RGB")), np.asarray(after.convert("RGB"))), cell)
    share = np.clip(heat / FULL_HEAT, 0, 1)
    colours = cv2.applyColorMap((80 + 175 * np.sqrt(share)).astype(np.uint8), cv2.COLORMAP_INFERNO)
    opacity = np.where(heat > 0, LEAST_OPACITY + (MOST_OPACITY - LEAST_OPACITY) * share, 0).astype(np.uint8)
    drawn = np.dstack([cv2.cvtColor(colours, cv2.COLOR_BGR2RGB), opacity])
    drawn[opacity == 0] = 0
    if mask is not None:
        _draw_rim(drawn, _shrink((np.asarray(mask.convert("L")) > 0).astype(np.float32), cell) > 0)
    return Image.fromarray(drawn)


def _colour_difference(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """(h, w) float32; 0 exactly where the pixels are equal, and at least a hundredth elsewhere."""
    heat = np.zeros(before.shape[:2], np.float32)
    differs = reduce(cv2.max, cv2.split(cv2.absdiff(before, after)))
    left, top, width, height = cv2.boundingRect(differs)
    for start in range(top, top + height, STRIP_ROWS):  # strips keep the floating-point pictures in the cache
        window = slice(start, min(start + STRIP_ROWS, top + height)), slice(left, left + width)
        one, two = (cv2.cvtColor(pixels[window].astype(np.float32) / 255, cv2.COLOR_RGB2LAB) for pixels in (before, after))
        squares = cv2.split(cv2.multiply(gap := one - two, gap))
        distance = cv2.sqrt(squares[0] + squares[1] + squares[2])
        heat[window] = np.where(differs[window] > 0, np.maximum(distance, 0.01), 0)
    return heat


def _shrink(values: np.ndarray, cell: int) -> np.ndarray:
    """The largest value of each `cell` x `cell` square."""
    if cell == 1:
        return values
    height, width = (-(-side // cell) * cell for side in values.shape)
    padded = np.zeros((height, width), values.dtype)
    padded[: values.shape[0], : values.shape[1]] = values
    return padded.reshape(height // cell, cell, width // cell, cell).max(axis=(1, 3))


def _draw_rim(drawn: np.ndarray, is_inside: np.ndarray) -> None:
    """A white line with a dark one beside it, to be seen on any ground; just outside the mask, so that it hides no change within."""
    padded = cv2.copyMakeBorder(is_inside.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    found, _ = cv2.findContours(padded, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    width = max(1, max(is_inside.shape) // 500)
    for colour, thickness in ((RIM_SHADE, 3 * width), (RIM_COLOUR, width)):
        cv2.drawContours(drawn, found, -1, colour, thickness, cv2.LINE_AA, offset=(-1, -1))
