"""Emphasis: `(more)`, `[less]`, `(exactly:1.3)` to fragments of text with weights."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from modules.engine.prompts.limits import MAX_BRACKETS, MAX_WEIGHT, require

BREAK_WEIGHT = -1.0
_ROUND, _SQUARE = 1.1, 1 / 1.1

_BREAK = re.compile(r"\bBREAK\b")
_TOKEN = re.compile(
    r"""
    \\(?P<escaped>[()\[\]\\]?)       # a bracket or backslash meant literally; before anything else the backslash is dropped
    | (?P<open>[(\[])
    | :\s*(?P<weight>[+-]?[.\d]+)\s*\)
    | (?P<close>[)\]])
    | (?P<text>[^\\()\[\]:]+ | :)
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Fragment:
    """A piece of prompt under one weight; `is_break` marks the word BREAK, which closes a chunk."""

    text: str
    weight: float = 1.0

    @property
    def is_break(self) -> bool:
        return self.text == "BREAK" and self.weight == BREAK_WEIGHT


class _Weighing:
    """Pieces of text and the brackets around them."""

    def __init__(self, field: str) -> None:
        self.field = field
        self.pieces: list[tuple[str, float]] = []
        self.spans: list[tuple[int, int, float]] = []
        self.opened: dict[str, list[int]] = {"(": [], "[": []}

    def open(self, bracket: str) -> None:
        self.opened[bracket].append(len(self.pieces))
        require(self.field, len(self.opened[bracket]), MAX_BRACKETS, f'brackets "{bracket}" inside one another')

    def close(self, bracket: str, factor: float) -> None:
        self.spans.append((self.opened[bracket].pop(), len(self.pieces), factor))

    def close_at_end(self) -> None:
        """Brackets never closed reach to the end."""
        for bracket, factor in (("(", _ROUND), ("[", _SQUARE)):
            self.spans += [(start, len(self.pieces), factor) for start in self.opened[bracket]]

    def fragments(self) -> list[Fragment]:
        weights = np.array([weight for _, weight in self.pieces])
        with np.errstate(over="ignore", invalid="ignore"):
            for start, end, factor in self.spans:
                weights[start:end] *= factor
        require(self.field, float(np.abs(weights).max(initial=0.0)), MAX_WEIGHT, "as a weight")
        return _merge((text, weight) for (text, _), weight in zip(self.pieces, weights.tolist(), strict=True))


def parse_attention(prompt: str, field: str = "prompt") -> list[Fragment]:
    """Split a prompt at changes of weight.

    `( )` multiplies by 1.1, `[ ]` divides by it, `(text:w)` multiplies by w; brackets never closed reach to the end.
    A BREAK inside brackets has its marker weight multiplied too and so turns into plain text (as in A1111).

    Args:
        prompt: Text of one moment of the schedule.
        field: Named in errors.

    Returns:
        At least one fragment; neighbours have different weights.

    Raises:
        InvalidRequest: More than `MAX_BRACKETS` inside one another, or a weight beyond `MAX_WEIGHT`.
    """
    found = _Weighing(field)
    for match in _TOKEN.finditer(prompt):
        weight = _number(match["weight"])
        if match["escaped"] is not None:
            found.pieces.append((match["escaped"], 1.0))
        elif match["open"]:
            found.open(match["open"])
        elif weight is not None and found.opened["("]:
            found.close("(", weight)
        elif match["close"] == ")" and found.opened["("]:
            found.close("(", _ROUND)
        elif match["close"] == "]" and found.opened["["]:
            found.close("[", _SQUARE)
        else:
            found.pieces += _split_at_break(match[0])
    found.close_at_end()
    return found.fragments() or [Fragment("")]


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _split_at_break(text: str) -> list[tuple[str, float]]:
    """Whitespace around BREAK goes with it."""
    first, *others = _BREAK.split(text)
    result = [(first.rstrip() if others else first, 1.0)]
    for index, part in enumerate(others, start=1):
        part = part.lstrip()
        result += [("BREAK", BREAK_WEIGHT), (part if index == len(others) else part.rstrip(), 1.0)]
    return result


def _merge(pieces: Iterable[tuple[str, float]]) -> list[Fragment]:
    return [Fragment("".join(text for text, _ in group), weight) for weight, group in groupby(pieces, key=lambda piece: piece[1])]
