"""Pixels that layers are made of: stored once as PNG under the name of their content, decoded when they are wanted."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from modules.base.errors import InvalidImage
from modules.imaging.geometry import Extent
from modules.pipeline.layers.document import Source

Pixels = NDArray[np.uint8]
Differences = NDArray[np.int16]
ZERO = 1 << 15
"""What a difference of 0 is in a 16-bit PNG."""
Shelf = Callable[[str], bytes]
"""Gives a stored file by its id; raises `InvalidImage` where it cannot."""
CACHE_BYTES = 512 << 20
PNG_SETTINGS = (cv2.IMWRITE_PNG_COMPRESSION, 2)


class Sources(Protocol):
    """Where pixels are kept."""

    def pixels(self, source: Source) -> Pixels:
        """(H, W, 4) uint8 RGBA of straight alpha; read-only.

        Raises:
            InvalidImage: The pixels are not here, damaged, or not of the source's extent.
        """
        ...

    def difference(self, source: Source) -> Differences:
        """(H, W, 4) int16; read-only. Errors as for `pixels`."""
        ...

    def add_pixels(self, pixels: Pixels, density: float = 1.0) -> Source:
        """Keep (H, W, 4) uint8 RGBA; the same pixels twice are kept once."""
        ...

    def add_difference(self, difference: Differences) -> Source:
        """Keep (H, W, 4) int16."""
        ...

    def png(self, source: Source) -> bytes:
        """The stored file: RGBA of 8 bits, or of 16 bits holding difference + 32768. Errors as for `pixels`."""
        ...


class MemorySources:
    """Sources held in memory; safe between threads. Decoded pixels are dropped, longest unused first, beyond `cache_bytes`."""

    def __init__(self, cache_bytes: int = CACHE_BYTES) -> None:
        self._files: dict[str, bytes] = {}
        self._decoded: OrderedDict[str, NDArray[Any]] = OrderedDict()
        self._cache_bytes, self._held_bytes = cache_bytes, 0
        self._lock = threading.RLock()
        self._shelf: Shelf | None = None
        self._on_shelf: frozenset[str] = frozenset()

    @property
    def held_bytes(self) -> int:
        """What files and decoded pixels take in memory."""
        with self._lock:
            return self._held_bytes + sum(len(data) for data in self._files.values())

    def rest_on(self, shelf: Shelf, ids: Collection[str]) -> None:
        """Read these files from elsewhere from now on; their bytes are dropped here, and what lay on an older shelf alone is forgotten."""
        with self._lock:
            self._shelf, self._on_shelf = shelf, frozenset(ids)
            self._files = {name: data for name, data in self._files.items() if name not in self._on_shelf}

    def forget_new(self) -> None:
        """Drop what was added since they rest on a shelf: nobody wants it."""
        with self._lock:
            if self._shelf is not None:
                self._files = {}

    def pixels(self, source: Source) -> Pixels:
        return self._values(source, np.uint8)

    def difference(self, source: Source) -> Differences:
        return self._values(source, np.int16)

    def add_pixels(self, pixels: Pixels, density: float = 1.0) -> Source:
        return self._add(_checked(pixels, np.uint8), density)

    def add_difference(self, difference: Differences) -> Source:
        return self._add(_checked(difference, np.int16), 1.0)

    def png(self, source: Source) -> bytes:
        with self._lock:
            data = self._files.get(source.id)
            shelf = self._shelf if source.id in self._on_shelf else None
        if data is None and shelf is not None:
            data = shelf(source.id)
        if data is None:
            raise InvalidImage("source", source.id[:12], "pixels that are kept here")
        return data

    def add_png(self, data: bytes) -> str:
        """Keep a stored file as it is; returns its id."""
        name = hashlib.sha256(data).hexdigest()
        with self._lock:
            if name not in self._on_shelf:
                self._files.setdefault(name, data)
        return name

    def _add(self, values: NDArray[Any], density: float) -> Source:
        name = self.add_png(encode_png(values))
        self._remember(name, values.copy())
        return Source(name, Extent(values.shape[1], values.shape[0]), density)

    def _values(self, source: Source, kind: type) -> NDArray[Any]:
        with self._lock:
            values = self._decoded.get(source.id)
            if values is not None:
                self._decoded.move_to_end(source.id)
        if values is None:
            values = decode_png(self.png(source))
            self._remember(source.id, values)
        if values.dtype != kind or values.shape[:2] != source.extent.shape:
            wanted = f"{source.extent.width}x{source.extent.height} {'pixels' if kind is np.uint8 else 'differences'}"
            raise InvalidImage("source", f"{values.shape[1]}x{values.shape[0]} {values.dtype}", wanted)
        return values

    def _remember(self, name: str, values: NDArray[Any]) -> None:
        values.setflags(write=False)
        with self._lock:
            if name not in self._decoded:
                self._held_bytes += values.nbytes
            self._decoded[name] = values
            while self._held_bytes > self._cache_bytes and len(self._decoded) > 1:
                _, dropped = self._decoded.popitem(last=False)
                self._held_bytes -= dropped.nbytes


def encode_png(values: NDArray[Any]) -> bytes:
    """(H, W, 4) uint8 or int16 as a PNG of 8 or 16 bits a channel."""
    stored = values if values.dtype == np.uint8 else (values.astype(np.int32) + ZERO).astype(np.uint16)
    is_written, data = cv2.imencode(".png", cv2.cvtColor(stored, cv2.COLOR_RGBA2BGRA), PNG_SETTINGS)
    if not is_written:
        raise InvalidImage("source", f"{values.shape[1]}x{values.shape[0]}", "pixels that can be stored as PNG")
    return data.tobytes()


def decode_png(data: bytes) -> NDArray[Any]:
    """The (H, W, 4) uint8 or int16 of a stored PNG.

    Raises:
        InvalidImage: Damaged, or not RGBA of 8 or 16 bits.
    """
    try:
        values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if data else None
    except cv2.error:
        values = None
    if values is None or values.ndim != 3 or values.shape[2] != 4 or values.dtype not in (np.uint8, np.uint16):
        raise InvalidImage("source", f"{len(data)} bytes", "a whole PNG with red, green, blue and alpha of 8 or 16 bits")
    straight = cv2.cvtColor(values, cv2.COLOR_BGRA2RGBA)
    return straight if straight.dtype == np.uint8 else (straight.astype(np.int32) - ZERO).astype(np.int16)


def _checked(values: NDArray[Any], kind: type) -> NDArray[Any]:
    if values.ndim != 3 or values.shape[2] != 4 or values.dtype != kind or not values.size:
        raise InvalidImage("source", f"{values.shape} {values.dtype}", f"(height, width, 4) {np.dtype(kind)} with at least one pixel")
    return values
