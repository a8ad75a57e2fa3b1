"""What was rendered is kept, and only what changed is rendered again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modules.imaging.geometry import Box, Extent
from modules.pipeline.layers.document import Layer, LayerDocument, Light
from modules.pipeline.layers.sources import Sources

Pixels = NDArray[np.uint8]
CACHE_BYTES = 256 << 20


class RenderCache:
    """Placed layers by what they look like, and the last picture of one document. Safe between threads."""

    def __init__(self, max_bytes: int = CACHE_BYTES) -> None:
        self._max_bytes, self._held_bytes = max_bytes, 0
        self._placed: OrderedDict[tuple[Layer, Extent, Light], Any] = OrderedDict()
        self._last: tuple[tuple[Layer, ...], Extent, Light, Pixels] | None = None
        self._lock = threading.Lock()

    def placed(self, layer: Layer, document: LayerDocument, sources: Sources, make: Callable[..., Any]) -> Any:
        """What `make(layer, document, sources)` gives, made once for layers that look the same."""
        key = what_is_placed(layer), document.extent, document.light
        with self._lock:
            known = self._placed.get(key)
            if known is not None:
                self._placed.move_to_end(key)
                return known
        made = make(layer, document, sources)
        if all(_is_shared(values) for values in (made.pixels, made.difference)):
            return made  # made again at no cost, and kept it would hold on to pixels that the sources may have dropped
        with self._lock:
            if key not in self._placed:
                self._placed[key] = made
                self._held_bytes += _size(made)
            while self._held_bytes > self._max_bytes and len(self._placed) > 1:
                _, dropped = self._placed.popitem(last=False)
                self._held_bytes -= _size(dropped)
        return made

    def render(
        self,
        shown: tuple[Layer, ...],
        document: LayerDocument,
        extent_of: Callable[[Layer, LayerDocument], Box],
        compose: Callable[[Box], Pixels],
    ) -> Pixels:
        """The whole canvas: the last one, with the part in which anything changed composed anew."""
        looks = tuple(what_shows(layer) for layer in shown)
        with self._lock:
            last = self._last
        whole = Box(0, 0, *document.extent.size)
        if last is None or last[1:3] != (document.extent, document.light):
            picture = compose(whole)
        else:
            picture = last[3].copy()
            for area in _changed(last[0], looks, lambda layer: extent_of(layer, document)):
                left, top, right, bottom = area.edges
                picture[top:bottom, left:right] = compose(area)
        with self._lock:
            self._last = looks, document.extent, document.light, picture
        return picture.copy()


def what_shows(layer: Layer) -> Layer:
    """The layer without what does not change the picture: layers that look the same are equal."""
    return replace(
        layer, id="", name="", is_locked=False, is_visible=True, follows="", text=None, confidence=None, members=(), merged_at=None
    )


def what_is_placed(layer: Layer) -> Layer:
    """Also without what matters only once the layer meets the canvas."""
    return replace(what_shows(layer), opacity=1.0, blend=type(layer.blend).NORMAL)


def _changed(before: tuple[Layer, ...], after: tuple[Layer, ...], extent_of: Callable[[Layer], Box]) -> list[Box]:
    """Where anything may differ: one box around all layers between the first and the last that are not the same."""
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    boxes = [extent_of(layer) for layer in (*before[start : len(before) - end], *after[start : len(after) - end])]
    around: Box | None = None
    for box in boxes:
        if box.width:
            around = box if around is None else around.joined(box)
    return [] if around is None else [around]


def _size(placed: Any) -> int:
    """Bytes that this entry keeps from being freed: a view holds all of what it is cut from."""
    return sum(_root(values).nbytes for values in (placed.pixels, placed.difference) if values is not None)


def _is_shared(values: NDArray[Any] | None) -> bool:
    """Whether they are a view of a source, or nothing."""
    return values is None or not _root(values).flags.writeable


def _root(values: NDArray[Any]) -> NDArray[Any]:
    while isinstance(values.base, np.ndarray):
        values = values.base
    return values
