"""A small table bounded in bytes; what was not asked for longest goes first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any


class ByteCache:
    """A least-recently-used table.

    Args:
        capacity: Bytes of all values together; a larger value is not kept.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self.size = 0

    def get(self, key: Hashable) -> Any:
        """The value under `key`, or None."""
        if key not in self._entries:
            return None
        self._entries.move_to_end(key)
        return self._entries[key][0]

    def put(self, key: Hashable, value: Any, size: int) -> None:
        """Keep `value`, which takes `size` bytes, if it fits."""
        self.drop(key)
        if size > self._capacity:
            return
        self._entries[key] = value, size
        self.size += size
        while self.size > self._capacity:
            _, (_, freed) = self._entries.popitem(last=False)
            self.size -= freed

    def drop(self, key: Hashable) -> None:
        """Forget one entry."""
        _, freed = self._entries.pop(key, (None, 0))
        self.size -= freed

    def __len__(self) -> int:
        return len(self._entries)
