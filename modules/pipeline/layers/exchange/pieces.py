"""A layer as other programs see it: upright pixels in a box of the canvas."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modules.base.errors import InvalidRequest
from modules.imaging.geometry import Box, Extent
from modules.imaging.layering.blend_mode import BlendMode
from modules.imaging.picture import MAX_PIXELS
from modules.pipeline.layers.checks import MAX_LAYERS

Pixels = NDArray[np.uint8]
Note = Mapping[str, Any]

MAX_TOTAL_PIXELS = 8 * MAX_PIXELS
"""Of all layers of one file together; pixels are decoded one layer at a time."""


class Role(Enum):
    """What of a layer a piece shows."""

    PIXELS = "pixels"
    PLUS = "plus"
    MINUS = "minus"


@dataclass(frozen=True)
class Piece:
    """One raster layer of a file.

    Attributes:
        name: As the file spells it.
        box: Where it lies, canvas px; may reach beyond the canvas.
        pixels: (box.height, box.width, 4) uint8 RGBA, straight alpha.
        blend, opacity, is_visible, is_locked: None = the file does not tell.
        mark: How the file tells its layers apart: a number, the name of an entry.
        groups: Names of the groups around it, outermost first.
        layer: Id of our layer that it shows; "" = of another program.
    """

    name: str
    box: Box
    pixels: Pixels
    blend: BlendMode | None = None
    opacity: float | None = None
    is_visible: bool | None = None
    is_locked: bool | None = None
    mark: str = ""
    groups: tuple[str, ...] = ()
    layer: str = ""
    role: Role = Role.PIXELS


def note(key: str, text: str, **values: Any) -> Note:
    """What a person should know: a key for the page's own words, English ones, and the values in them."""
    return {"key": f"exchange.{key}", "text": text, **values}


def trimmed(piece: Piece) -> tuple[Box, Pixels]:
    """The part that shows anything, black where nothing shows: other programs cut margins off and forget hidden colours.

    Returns:
        Its box (0 by 0 px where nothing shows at all) and a new array.
    """
    shows = piece.pixels[..., 3] > 0
    rows, columns = np.flatnonzero(shows.any(axis=1)), np.flatnonzero(shows.any(axis=0))
    if not len(rows):
        return Box(0, 0, 0, 0), np.zeros((0, 0, 4), np.uint8)
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    pixels = piece.pixels[top:bottom, left:right].copy()
    pixels[~shows[top:bottom, left:right]] = 0
    return Box.from_edges(piece.box.x + int(left), piece.box.y + int(top), piece.box.x + int(right), piece.box.y + int(bottom)), pixels


def fingerprint(pixels: Pixels) -> str:
    """Of `trimmed` pixels."""
    return hashlib.sha256(repr(pixels.shape).encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()


def spread(pixels: NDArray[Any], box: Box, target: Box) -> NDArray[Any]:
    """What of `pixels`, lying at `box`, falls into `target`, on zeros; a new array of the target's extent."""
    canvas = np.zeros((target.height, target.width, *pixels.shape[2:]), pixels.dtype)
    shared = Box(box.x - target.x, box.y - target.y, box.width, box.height).cut_at(target.extent)
    if shared is not None:
        left, top = shared.x + target.x - box.x, shared.y + target.y - box.y
        canvas[shared.y : shared.y + shared.height, shared.x : shared.x + shared.width] = pixels[
            top : top + shared.height, left : left + shared.width
        ]
    return canvas


class PixelBudget:
    """Counts the pixels that a file announces, before any is decoded.

    Args:
        file_name: For errors.
    """

    def __init__(self, file_name: str) -> None:
        self.file_name = file_name
        self._left = MAX_TOTAL_PIXELS

    def take(self, extent: Extent, what: str) -> None:
        """Raises `InvalidRequest` for a layer, or for layers, of more pixels than are accepted, or of none."""
        count = extent.width * extent.height
        if extent.width < 1 or extent.height < 1:
            raise InvalidRequest(what, f"{extent.width}x{extent.height} px", "at least 1x1 pixel")
        self._left -= count
        if count > MAX_PIXELS:
            raise InvalidRequest(what, f"{extent.width}x{extent.height} px", f"at most {MAX_PIXELS // 1_000_000} megapixels")
        if self._left < 0:
            raise InvalidRequest(self.file_name, "layers of more pixels", f"at most {MAX_TOTAL_PIXELS // 1_000_000} megapixels together")

    def count_layers(self, count: int) -> None:
        """Raises `InvalidRequest` for more layers than a document can have."""
        if count > MAX_LAYERS:
            raise InvalidRequest(self.file_name, f"{count} layers", f"at most {MAX_LAYERS}")
