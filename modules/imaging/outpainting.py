"""Geometry of painting outwards: how far a picture grows on each side, and which part of a mask keeps it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from modules.base.checks import to_whole
from modules.base.errors import InvalidRequest
from modules.imaging.geometry import Box, Extent

DIRECTIONS = ("left", "right", "up", "down")
GRAIN_PX = 64
"""Canvases are multiples of this."""
MAX_MARGIN_PX = 8192
MAX_OVERLAP_PX = 512
DEFAULT_OVERLAP_PX = 32


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

    def place(self, picture: Extent) -> Box:
        """Where the picture lies on the larger canvas."""
        return Box(self.left, self.up, picture.width, picture.height)

    def canvas(self, picture: Extent) -> Extent:
        """The size that results."""
        return Extent(picture.width + self.left + self.right, picture.height + self.up + self.down)


@dataclass(frozen=True)
class Outpaint:
    """How far a picture's frame was drawn outwards.

    Attributes:
        margins: What is added on each side.
        overlap_px: How far into the old picture the new area fades out; what lies deeper in stays as it is, bit for bit.
    """

    margins: Margins
    overlap_px: int = DEFAULT_OVERLAP_PX

    @classmethod
    def parse(cls, value: object) -> Outpaint | None:
        """From a request's `outpaint`: pixels by side, those of `DIRECTIONS`, and `overlap`; None where nothing is added.

        Raises:
            InvalidRequest: It is no such mapping, or a number cannot be used.
        """
        if value is None or value == {}:
            return None
        known = (*DIRECTIONS, "overlap")
        if not isinstance(value, Mapping) or set(value) - set(known):
            raise InvalidRequest("outpaint", value, "an object with pixels to add: " + ", ".join(known))
        margins = Margins(**{side: to_whole(f"outpaint.{side}", value.get(side, 0), 0, MAX_MARGIN_PX) for side in DIRECTIONS})
        overlap_px = to_whole("outpaint.overlap", value.get("overlap", DEFAULT_OVERLAP_PX), 0, MAX_OVERLAP_PX)
        return cls(margins, overlap_px) if any(margins.on(side) for side in DIRECTIONS) else None

    def as_json(self) -> dict[str, Any]:
        """What `parse` takes."""
        return {side: self.margins.on(side) for side in DIRECTIONS} | {"overlap": self.overlap_px}


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


def extend_picture(picture: Image.Image, margins: Margins) -> Image.Image:
    """Lay a picture on a larger one, where the colours of its edges go on.

    Args:
        picture: RGB or L; every pixel of it is in the result.
        margins: What is added on each side, px.

    Returns:
        Same mode.
    """
    pixels = np.asarray(picture)
    sides = ((margins.up, margins.down), (margins.left, margins.right), (0, 0))
    return Image.fromarray(np.pad(pixels, sides[: pixels.ndim], mode="edge"))
