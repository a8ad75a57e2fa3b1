"""Values that nodes gave, kept from run to run, so that only what changed runs again."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

CAPACITY_BYTES = 512 << 20
_OVERHEAD_BYTES = 1 << 10


class NodeResults:
    """A table of results, of which the longest unused are dropped.

    Args:
        capacity_bytes: What the tensors in it may take in all.
    """

    def __init__(self, capacity_bytes: int = CAPACITY_BYTES) -> None:
        self._capacity = capacity_bytes
        self._entries: OrderedDict[str, tuple[tuple[Any, ...], int]] = OrderedDict()
        self.held_bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, key: str) -> tuple[Any, ...] | None:
        """The values under `key`."""
        if key not in self._entries:
            return None
        self._entries.move_to_end(key)
        return self._entries[key][0]

    def keep(self, key: str, values: tuple[Any, ...]) -> None:
        """Remember values; what alone is larger than the table is not."""
        size = measure_bytes(values)
        self.drop(key)
        if size > self._capacity:
            return
        self._entries[key] = (values, size)
        self.held_bytes += size
        while self.held_bytes > self._capacity:
            self.drop(next(iter(self._entries)))

    def drop(self, key: str) -> None:
        """Forget one entry, if it is there."""
        if key in self._entries:
            self.held_bytes -= self._entries.pop(key)[1]


def measure_bytes(value: Any) -> int:
    """About what a value of `values` takes in memory; a tensor that is in it twice counts twice."""
    if hasattr(value, "nbytes"):
        return int(value.nbytes) + _OVERHEAD_BYTES
    if isinstance(value, tuple | list):
        return _sum(value)
    if dataclasses.is_dataclass(value):
        return _sum(getattr(value, field.name) for field in dataclasses.fields(value))
    held = getattr(value, "held_bytes", 0)
    return _OVERHEAD_BYTES + (held if isinstance(held, int) else 0)


def _sum(values: Iterable[Any]) -> int:
    return _OVERHEAD_BYTES + sum(measure_bytes(value) for value in values)
