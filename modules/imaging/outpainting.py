"""Geometry of painting outwards: how far a picture grows on each side, and which part of a mask keeps it."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from modules.imaging.geometry import Extent

DIRECTIONS = ("left", "right", "up", "down")
GRAIN_PX = 64
"""Canvases are multiples of this."""


def round_up(size: int) -> int:
    """The next multiple of 64."""
    return math.ceil(size / GRAIN_PX) * GRAIN_PX


@dataclass(frozen=True)
class Margins:
    """Pixels added on each side."""

    left: int = 0
    right: int = 0
    up: int = 0
    down: int = 0

    @classmethod
    def around(cls, picture: Extent, pixels: int, directions: Collection[str]) -> Margins:
        """`pixels` in each of `directions`, enlarged so that both sides of a grown axis become multiples of 64."""
        left, right = _share(picture.width, *(pixels * (side in directions) for side in ("left", "right")))
        up, down = _share(picture.height, *(pixels * (side in directions) for side in ("up", "down")))
        return cls(left, right, up, down)

    def on(self, side: str) -> int:
        """The margin of one of `DIRECTIONS`."""
        return int(getattr(self, side))


def _share(size: int, before: int, after: int) -> tuple[int, int]:
    """The margins of one axis; what rounding up adds is shared in proportion."""
    added = round_up(size + before + after) - size
    first = before * added // (before + after) if before else 0
    return first, added - first if after else 0


def make_keeping_mask(size: tuple[int, int], edges: tuple[int, int, int, int]) -> Image.Image:
    """A white (repaint) mask with a black (keep) rectangle.

    Args:
        size: (width, height).
        edges: (left, top, right, bottom), **all inclusive**, as A1111 draws it; it may reach outside, and is left out when it is empty.

    Returns:
        Mode L.
    """
    mask = Image.new("L", size, 255)
    left, top, right, bottom = edges
    if left <= right and top <= bottom:
        ImageDraw.Draw(mask).rectangle(edges, fill=0)
    return mask


def extend_picture(picture: Image.Image, margins: Margins) -> tuple[Image.Image, Image.Image]:
    """Lay a picture on a larger, transparent one.

    Args:
        picture: RGB or RGBA; every pixel of it is in the result, alpha included.
        margins: What is added on each side, px.

    Returns:
        RGBA; below the transparent margins, colours go on from the edge. And L of the same size: 255 in the margins, and as much of the
        picture itself as is transparent.
    """
    rgba = np.asarray(picture.convert("RGBA"))
    sides = ((margins.up, margins.down), (margins.left, margins.right))
    extended = np.pad(rgba, (*sides, (0, 0)), mode="edge")
    extended[..., 3] = np.pad(rgba[..., 3], sides)
    return Image.fromarray(extended), Image.fromarray(255 - extended[..., 3])
