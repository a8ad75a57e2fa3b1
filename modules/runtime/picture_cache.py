"""A few decoded pictures, kept for as long as they fit into a budget."""

from __future__ import annotations

import threading
from collections import OrderedDict

from modules.imaging.picture import Picture

BUDGET_BYTES = 256 << 20


class PictureCache:
    """Least recently used first out; a picture larger than the whole budget is not kept.

    Args:
        budget_bytes: Of pixels, 4 bytes each, as Pillow holds RGB and RGBA.
    """

    def __init__(self, budget_bytes: int = BUDGET_BYTES) -> None:
        self._budget_bytes = budget_bytes
        self._pictures: OrderedDict[str, Picture] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> Picture | None:
        """The picture, or None; it is shared: copy before changing it."""
        with self._lock:
            if key in self._pictures:
                self._pictures.move_to_end(key)
            return self._pictures.get(key)

    def put(self, key: str, picture: Picture) -> None:
        """Keep `picture`, which nobody may change from now on."""
        with self._lock:
            self._pictures[key] = picture
            self._pictures.move_to_end(key)
            while self._pictures and sum(map(_size_bytes, self._pictures.values())) > self._budget_bytes:
                self._pictures.popitem(last=False)

    def drop(self, key: str) -> None:
        with self._lock:
            self._pictures.pop(key, None)


def _size_bytes(picture: Picture) -> int:
    return picture.image.width * picture.image.height * 4
