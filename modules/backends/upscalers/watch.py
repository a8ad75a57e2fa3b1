"""Who is told how far the upscaler of this thread's job is, and may stop it."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol


class TileWatch(Protocol):
    """The part of a job's context that an upscaler needs."""

    def on_tile(self, done: int, total: int) -> None:
        """`done` of `total` tiles are finished."""
        ...

    def is_interrupted(self) -> bool:
        """Stop as soon as possible."""
        ...


WATCH: ContextVar[TileWatch | None] = ContextVar("WATCH", default=None)
"""Set for as long as a job runs in this thread; scripts call upscalers without telling them of it."""


def go_on(done: int, total: int) -> bool:
    """Tell the job how far it is; False when it was interrupted. True outside a job."""
    watch = WATCH.get()
    if watch is None:
        return True
    watch.on_tile(done, total)
    return not watch.is_interrupted()
