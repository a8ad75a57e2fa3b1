"""Mask operations on kept pictures: opens what a request names, works, keeps the new mask.

Importing this module imports no OpenCV: that is loaded by dotted name when the first request comes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from modules.base.checks import to_choice, to_number, to_whole
from modules.base.errors import InvalidRequest
from modules.base.registry import load_dotted
from modules.imaging.geometry import Box
from modules.imaging.picture import flatten
from modules.runtime.store import Asset, AssetStore

SUBJECT_FILE = Path("subject") / "u2netp.onnx"
"""The network that finds objects, below a models folder."""
MAX_PX = 4096
COMBINATIONS = ("replace", "union", "subtract", "intersect")
JOINING = COMBINATIONS[1:]
RESIZED = "resized"
_SAME_SHAPE_PX = 1.0

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class MaskOrder:
    """What shall be done.

    Attributes:
        operation: A key of `OPERATIONS`.
        mask: Asset id of the mask it starts from; None = an empty one of the picture's size.
        picture: Asset id; needed by `bucket`, `object`, `background` and `alpha`, and where there is no mask.
        other: Asset id of a second mask, for `union`, `subtract` and `intersect`.
        combine: How what was selected is joined with the mask; empty = `union` for `bucket`, else `replace`.
        params: Numbers by name: `px`; `x`, `y`; `box` (left, top, right, bottom); `tolerance`; `contiguous`.
    """

    operation: str
    mask: str | None = None
    picture: str | None = None
    other: str | None = None
    combine: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class MaskResult:
    """A new mask.

    Attributes:
        asset: An L PNG of the size of the mask or picture it came from; 255 = repaint.
        notes: What a person should know about it, in words, by a short id.
    """

    asset: Asset
    notes: dict[str, str]


class MaskWork:
    """Runs mask orders; from any thread.

    Args:
        store: Where the pictures are, and the results go.
        subject_files: Where the network that finds objects may lie; the first that exists is used.
    """

    def __init__(self, store: AssetStore, subject_files: tuple[Path, ...]) -> None:
        self._store, self._subject_files = store, subject_files

    def run(self, order: MaskOrder) -> MaskResult:
        """Carry out `order`.

        Raises:
            InvalidRequest: A field is missing or unusable, or sizes differ; it is named.
            UnknownAsset: A picture or mask is not kept.
            MissingModel: The operation needs the network that finds objects, and its file is missing.
            SaveFailed: The result cannot be kept.
        """
        operation = OPERATIONS[to_choice("operation", order.operation, list(OPERATIONS))]
        if order.combine:
            to_choice("combine", order.combine, COMBINATIONS)
        desk = _Desk(order, self._store, lambda: self._selector)
        made = operation(desk)
        asset = self._store.add_picture(Image.fromarray(made))
        return MaskResult(asset, desk.notes)

    @cached_property
    def _selector(self) -> Any:
        file = next((path for path in self._subject_files if path.is_file()), None)
        make_network: Any = load_dotted("modules.backends.subject:SubjectNetwork")
        make_selector: Any = load_dotted("modules.backends.subject:SubjectSelector")
        return make_selector(make_network(file or self._subject_files[0]))


class _Desk:
    """An order with what it names opened on demand, each once."""

    def __init__(self, order: MaskOrder, store: AssetStore, selector: Callable[[], Any]) -> None:
        self.order, self._store, self._selector = order, store, selector
        self.notes: dict[str, str] = {}

    @property
    def selector(self) -> Any:
        return self._selector()

    @cached_property
    def picture(self) -> Image.Image:
        """RGB or RGBA."""
        if not self.order.picture:
            raise InvalidRequest("picture", self.order.picture, f"the id of a picture, which {self.order.operation} looks at")
        return self._store.open(self.order.picture).image

    @cached_property
    def colours(self) -> Pixels:
        """(H, W, 3): the picture without transparency."""
        return np.asarray(flatten(self.picture))

    @cached_property
    def mask(self) -> Pixels:
        """(H, W), of the picture's size where there is a picture; empty where the order names no mask."""
        if not self.order.mask:
            return np.zeros(self.picture.size[::-1], np.uint8)
        mask = self._store.mask(self.order.mask)
        if self.order.picture:
            asset = self._store.describe(self.order.picture)
            if mask.size != (asset.width, asset.height):
                raise InvalidRequest("mask", f"{mask.width}x{mask.height}", f"a mask of the picture's size, {asset.width}x{asset.height}")
        return np.asarray(mask)

    @property
    def other(self) -> Pixels:
        """A second mask, brought to the first one's size where it has its shape."""
        if not self.order.other:
            raise InvalidRequest("other", self.order.other, f"the id of a mask, which {self.order.operation} joins with the first")
        other, (height, width) = self._store.mask(self.order.other), self.mask.shape
        if other.size != (width, height):
            if abs(other.width * height / other.height - width) > max(_SAME_SHAPE_PX, width / min(other.size)):
                raise InvalidRequest("other", f"{other.width}x{other.height}", f"a mask of {width}x{height}, or of the same shape")
            self.notes[RESIZED] = f"the mask was resized from {other.width}x{other.height} to {width}x{height}"
            other = other.resize((width, height), Image.Resampling.BILINEAR)
        return np.asarray(other)

    def number(self, name: str, low: float = -math.inf, high: float = math.inf) -> float:
        return to_number(name, self.order.params.get(name), low, high)

    @property
    def point(self) -> tuple[int, int] | None:
        """The pixel that (x, y) lies in; None where neither is given."""
        given = [name for name in "xy" if self.order.params.get(name) is not None]
        if not given:
            return None
        x, y = (math.floor(self.number(name)) for name in "xy")
        for name, value, side in (("x", x, self.picture.width), ("y", y, self.picture.height)):
            if not 0 <= value < side:
                raise InvalidRequest(name, value, f"a pixel of the picture, 0 to {side - 1}")
        return x, y

    @property
    def box(self) -> Box | None:
        """The pixels that the box touches; None where none is given."""
        edges = self.order.params.get("box")
        if edges is None:
            return None
        if not isinstance(edges, list | tuple) or len(edges) != 4:
            raise InvalidRequest("box", edges, "[left, top, right, bottom] in pixels")
        left, top, right, bottom = (to_number("box", edge) for edge in edges)
        return Box.from_edges(math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom))

    def join(self, selected: Pixels, default: str = "replace") -> Pixels:
        how = self.order.combine or default
        return selected if how == "replace" else _operate("combine", self.mask, selected, how.casefold())

    def select(self) -> Pixels:
        """What `object` means: the box, the point, or without either the picture's subject."""
        box, point = self.box, self.point
        if box is not None and point is not None:
            raise InvalidRequest("box", list(box.edges), "a box, or x and y, not both")
        if box is not None:
            selection = self.selector.by_box(self.colours, box)
        else:
            selection = self.selector.subject(self.colours) if point is None else self.selector.by_click(self.colours, point)
        words: Any = load_dotted("modules.backends.subject:NOTES")
        self.notes |= {note: words[note] for note in selection.notes}
        return np.asarray(selection.mask)


def _operate(name: str, *values: Any) -> Pixels:
    operation: Any = load_dotted(f"modules.imaging.mask_operations:{name}")
    return np.asarray(operation(*values))


def _bucket(desk: _Desk) -> Pixels:
    point = desk.point
    if point is None:
        raise InvalidRequest("x", None, "a pixel of the picture")
    params = desk.order.params
    tolerance = to_whole("tolerance", 32 if params.get("tolerance") is None else params["tolerance"], 0, 255)
    picture, is_contiguous = np.asarray(desk.picture), params.get("contiguous") is not False
    return desk.join(_operate("bucket", picture, desk.mask, point, tolerance, is_contiguous), "union")


def _by_px(name: str) -> Callable[[_Desk], Pixels]:
    return lambda desk: _operate(name, desk.mask, desk.number("px", 0, MAX_PX))


def _plain(name: str) -> Callable[[_Desk], Pixels]:
    return lambda desk: _operate(name, desk.mask)


def _joining(how: str) -> Callable[[_Desk], Pixels]:
    return lambda desk: _operate("combine", desk.mask, desk.other, how)


def _alpha(desk: _Desk) -> Pixels:
    make_mask: Any = load_dotted("modules.imaging.masks:alpha_as_mask")
    return desk.join(np.asarray(make_mask(desk.picture)))


OPERATIONS: dict[str, Callable[[_Desk], Pixels]] = {
    **{name: _by_px(name) for name in ("grow", "shrink", "feather")},
    **{name: _plain(name) for name in ("invert", "fill_holes")},
    **{how: _joining(how) for how in JOINING},
    "bucket": _bucket,
    "object": lambda desk: desk.join(desk.select()),
    "background": lambda desk: desk.join(_operate("invert", desk.select())),
    "alpha": _alpha,
}
"""Name to the function that makes the new mask."""
