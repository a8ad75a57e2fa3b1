"""Emphasis: `(more)`, `[less]`, `(exactly:1.3)` to fragments of text with weights."""

from __future__ import annotations

import re
from dataclasses import dataclass

BREAK_WEIGHT = -1.0
_ROUND, _SQUARE = 1.1, 1 / 1.1

_BREAK = re.compile(r"\bBREAK\b")
_TOKEN = re.compile(
    r"""
    \\(?P<escaped>[()\[\]\\])        # a bracket or backslash meant literally
    | (?P<open>[(\[])
    | :\s*(?P<weight>[+-]?[.\d]+)\s*\)
    | (?P<close>[)\]])
    | (?P<text>[^\\()\[\]:]+ | [\\:])
    """,
    re.VERBOSE,
)


@dataclass
class Fragment:
    """A piece of prompt under one weight; `is_break` marks the word BREAK, which closes a chunk."""

    text: str
    weight: float = 1.0

    @property
    def is_break(self) -> bool:
        return self.text == "BREAK" and self.weight == BREAK_WEIGHT


def parse_attention(prompt: str) -> list[Fragment]:
    """Split a prompt at changes of weight.

    `( )` multiplies by 1.1, `[ ]` divides by it, `(text:w)` multiplies by w; brackets never closed reach to the end.
    A BREAK inside brackets has its marker weight multiplied too and so turns into plain text (as in A1111).

    Args:
        prompt: Text of one moment of the schedule.

    Returns:
        At least one fragment; neighbours have different weights.
    """
    fragments: list[Fragment] = []
    opened: dict[str, list[int]] = {"(": [], "[": []}
    for match in _TOKEN.finditer(prompt):
        weight = _number(match["weight"])
        if match["escaped"]:
            fragments.append(Fragment(match["escaped"]))
        elif match["open"]:
            opened[match["open"]].append(len(fragments))
        elif weight is not None and opened["("]:
            _scale(fragments, opened["("].pop(), weight)
        elif match["close"] == ")" and opened["("]:
            _scale(fragments, opened["("].pop(), _ROUND)
        elif match["close"] == "]" and opened["["]:
            _scale(fragments, opened["["].pop(), _SQUARE)
        else:
            fragments.extend(_split_at_break(match[0]))
    for start in opened["("]:
        _scale(fragments, start, _ROUND)
    for start in opened["["]:
        _scale(fragments, start, _SQUARE)
    return _merge(fragments) or [Fragment("")]


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _scale(fragments: list[Fragment], start: int, factor: float) -> None:
    for fragment in fragments[start:]:
        fragment.weight *= factor


def _split_at_break(text: str) -> list[Fragment]:
    """Whitespace around BREAK goes with it."""
    first, *others = _BREAK.split(text)
    result = [Fragment(first.rstrip() if others else first)]
    for index, part in enumerate(others, start=1):
        part = part.lstrip()
        result += [Fragment("BREAK", BREAK_WEIGHT), Fragment(part if index == len(others) else part.rstrip())]
    return result


def _merge(fragments: list[Fragment]) -> list[Fragment]:
    merged: list[Fragment] = []
    for fragment in fragments:
        if merged and merged[-1].weight == fragment.weight:
            merged[-1].text += fragment.text
        else:
            merged.append(Fragment(fragment.text, fragment.weight))
    return merged
