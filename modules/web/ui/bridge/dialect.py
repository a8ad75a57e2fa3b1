"""Gradio 3's words in Gradio 6's: keywords of components and events, as plain data."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from typing import Any

logger = logging.getLogger(__name__)

EVENT_KEYWORDS = {"_js": "js"}
LISTS = {"source": "sources"}
"""A single value that became a list."""
FILE_TYPES = {"file": "filepath", "bytes": "binary"}
SOURCES = {"canvas": "upload", "webcam": "webcam", "upload": "upload", "microphone": "microphone"}
PROGRESS = {True: "full", False: "hidden", None: "hidden"}
STARTS_EMPTY = ("Dropdown",)
"""Components that start with their first choice now, and started with none."""
GALLERY_STYLE = {"grid": "columns"}
HIDDEN = "hidden"
"""Unseen, but in the browser all the same: `visible=False` of Gradio 3, whose unseen buttons and texts scripts press and fill."""
SAID: set[tuple[str, str]] = set()
"""What was dropped already, and said so once."""


def component_keywords(
    kind: str, given: Mapping[str, Any], known: Collection[str], *, is_new: bool = True, is_layout: bool = False
) -> dict[str, Any]:
    """The keywords of a component as Gradio 6 knows them; those that it has no place for are left out, each named in the log once.

    Args:
        kind: The component's class, such as "Image".
        given: As an extension wrote them.
        known: The keywords that the class takes.
        is_new: Whether an extension makes it; else it is made again for an update, without its value.
        is_layout: Whether it holds others: Gradio 6 knows no unseen layout that is in the browser.
    """
    named = dict(given)
    for old, new in LISTS.items():
        if old in named and old not in known and new in known:
            source = named.pop(old)
            named.setdefault(new, [SOURCES.get(source, "upload")])
    if named.get("type") in FILE_TYPES and kind in ("File", "Image", "UploadButton"):
        named["type"] = FILE_TYPES[named["type"]]
    if kind == "Button" and named.get("variant") == "tool":
        named |= {"variant": "secondary", "size": "sm", "elem_classes": [*_as_list(named.get("elem_classes")), "tool"]}
    if kind in STARTS_EMPTY and is_new:
        named.setdefault("value", None)
    if is_new and not is_layout and "visible" in named:
        named["visible"] = HIDDEN if named["visible"] is False else named["visible"]
    if is_new and "render_children" in known:  # what is in a tab that nobody opened yet
        named.setdefault("render_children", True)
    if "grid" in named and "columns" in known:
        named["columns"] = named.pop("grid")
    return {name: value for name, value in named.items() if name in known or drop(kind, name)}


def event_keywords(event: str, given: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    """The keywords of an event listener as Gradio 6 knows them."""
    named = {EVENT_KEYWORDS.get(name, name): value for name, value in given.items()}
    if isinstance(named.get("show_progress"), bool | None) and "show_progress" in named:
        named["show_progress"] = PROGRESS[named["show_progress"]]
    if named.get("api_name") is False:
        named |= {"api_name": None, "api_visibility": "private"}
    return {name: value for name, value in named.items() if name in known or drop(event, name)}


def drop(kind: str, name: str) -> bool:
    """Say once that a keyword is left out; False."""
    if (kind, name) not in SAID:
        SAID.add((kind, name))
        logger.info("an extension's %s(%s=...) is of an older Gradio and is left out", kind, name)
    return False


def _as_list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())
