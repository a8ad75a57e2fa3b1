"""The names that workflows give their pictures: patterns in a prefix, and ComfyUI's counter behind it."""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path

from modules.imaging.naming import MAX_NAME_BYTES, sanitize_part
from modules.pipeline.workflows.graph import Graph, Link

_PATTERN = re.compile(r"%([^%]+)%")
_DATE = re.compile(r"yyyy|yy|MM|M|dd|d|hh|h|mm|m|ss|s")
_DATE_WORDS = {
    "yyyy": "%Y", "yy": "%y", "MM": "%m", "M": "%m", "dd": "%d", "d": "%d",
    "hh": "%H", "h": "%H", "mm": "%M", "m": "%M", "ss": "%S", "s": "%S",
}  # fmt: skip
COUNTER_CHARS = len("_00001_.png") + 4
KEPT_WORDS = ("batch_num",)


def expand_prefix(prefix: str, width: int, height: int, graph: Graph, now: datetime) -> str:
    """A prefix whose patterns are filled in: `%width%`, `%height%`, `%year%` ... `%second%`, `%date:yyyy-MM-dd%`, `%NODE.WIDGET%`.

    A node is named by its title or its type. Patterns that are unknown stay as they are, so does `%batch_num%`.

    Returns:
        Folders and a file name without extension, with forward slashes; each part is one that a file system takes.
    """
    moments = {"year": "%Y", "month": "%m", "day": "%d", "hour": "%H", "minute": "%M", "second": "%S"}
    values = {"width": str(width), "height": str(height)} | {word: now.strftime(code) for word, code in moments.items()}

    def fill(match: re.Match[str]) -> str:
        word = match[1]
        if word in KEPT_WORDS:
            return match[0]
        if word in values:
            return values[word]
        if word.startswith("date:"):
            return _expand_date(word.removeprefix("date:"), now)
        found = _widget(graph, word)
        return match[0] if found is None else re.sub(r'[/?<>\\:*|"\x00-\x1f\x7f]', "_", found)

    parts = _PATTERN.sub(fill, prefix).replace("\\", "/").split("/")
    *folders, name = [part for part in parts[:-1] if part.strip()] + parts[-1:]
    plain = [part if part in ("..", ".") else sanitize_part(part) for part in folders]
    return "/".join([*plain, _cut(sanitize_part(name))])


def next_counter(folder: Path, stem: str) -> int:
    """One more than the largest number behind `stem_`, in any case; 1 in an empty folder."""
    numbered = re.compile(rf"{re.escape(stem)}_(\d+)(?=[_.])", re.IGNORECASE)
    try:
        found = [int(match[1]) for name in os.listdir(folder) if (match := numbered.match(name))]
    except FileNotFoundError:
        return 1
    return max(found, default=0) + 1


def _expand_date(pattern: str, now: datetime) -> str:
    def fill(match: re.Match[str]) -> str:
        value = now.strftime(_DATE_WORDS[match[0]])
        return value.lstrip("0") or "0" if len(match[0]) == 1 else value

    return _DATE.sub(fill, pattern)


def _widget(graph: Graph, word: str) -> str | None:
    """The value that `NODE.WIDGET` means; None where it is not there or more than one is."""
    node_name, dot, name = word.rpartition(".")
    nodes = [node for node in graph.nodes.values() if dot and node_name in (node.title, node.class_type)]
    titled = [node for node in nodes if node.title == node_name] or nodes
    values = [node.inputs[name] for node in titled if name in node.inputs]
    return None if len(values) != 1 or isinstance(values[0], Link) else str(values[0])


def _cut(name: str) -> str:
    room = MAX_NAME_BYTES - COUNTER_CHARS
    return name.encode()[:room].decode("utf-8", "ignore")
