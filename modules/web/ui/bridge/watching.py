"""Telling extensions of every component of the page as it is built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from modules.web.ui.texts import Texts

SPOKEN = ("label", "value", "placeholder", "info")
"""Keywords whose texts travel as ids, which say nothing to an extension."""


class Watcher(Protocol):
    """Who is told."""

    def before_component(self, component: Any, **named: Any) -> None: ...

    def after_component(self, component: Any, **named: Any) -> None: ...


WATCHER: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """While this lasts, `watcher` is told of every component that is built; needs `bridge.gradio3.apply_bridge`."""
    token = WATCHER.set(watcher)
    try:
        yield
    finally:
        WATCHER.reset(token)


def in_english(texts: Texts, named: Mapping[str, Any]) -> dict[str, Any]:
    """A component's keywords with its texts in words, by which extensions know A1111's components."""
    return {name: _say(texts, value) if name in SPOKEN else value for name, value in named.items()}


def _say(texts: Texts, value: Any) -> Any:
    text_id = getattr(value, "key", None)
    return texts.say("en", text_id) if isinstance(text_id, str) and texts.has(text_id) else value
