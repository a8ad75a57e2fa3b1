"""A1111's `timer`: how long parts of something take."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Timer:
    """How long parts of something took.

    Attributes:
        records: Part to seconds.
        total: Seconds of all.
    """

    def __init__(self, print_log: bool = False) -> None:
        self.start = time.time()
        self.records: dict[str, float] = {}
        self.total: float = 0.0
        self.base_category = ""
        self.print_log = print_log

    def elapsed(self) -> float:
        """Seconds since this was last asked."""
        now = time.time()
        passed, self.start = now - self.start, now
        return passed

    def add_time_to_record(self, category: str, amount: float) -> None:
        self.records[category] = self.records.get(category, 0.0) + amount

    def record(self, category: str, extra_time: float = 0.0, disable_log: bool = False) -> None:
        """What has passed since belongs to `category`."""
        passed = self.elapsed()
        self.add_time_to_record(self.base_category + category, passed + extra_time)
        self.total += passed + extra_time

    @contextmanager
    def subcategory(self, name: str) -> Iterator[None]:
        """Parts recorded within belong to `name`."""
        before, self.base_category = self.base_category, f"{self.base_category}{name}/"
        try:
            yield
        finally:
            self.base_category = before

    def summary(self) -> str:
        parts = ", ".join(f"{name}: {seconds:.1f}s" for name, seconds in self.records.items() if seconds >= 0.1 and "/" not in name)
        return f"{self.total:.1f}s" + (f" ({parts})" if parts else "")

    def dump(self) -> dict[str, Any]:
        return {"total": self.total, "records": self.records}

    def reset(self) -> None:
        self.__init__()  # type: ignore[misc]


STARTUP_TIMER = Timer()
