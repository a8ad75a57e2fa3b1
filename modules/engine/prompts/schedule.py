"""Prompts that change while sampling: `[from:to:when]`, `[a|b]`, and several prompts at once: `a AND b`.

The grammar:

    text      = { part | any of "[]():" }
    part      = plain | "(" parts ")" | "(" parts ":" parts ")" | "[" parts "]" | edit | alternation
    edit      = "[" [ parts ":" ] parts ":" number "]"
    alternation = "[" parts "|" [ parts ] { "|" [ parts ] } "]"
    plain     = characters other than \\ [ ] ( ) : | , or a backslash and any character

Text that does not follow it (a "|" outside an alternation, a lone backslash at the end) is taken literally, as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from modules.engine.prompts.limits import MAX_PARTS, MAX_SCHEDULE_WORK, MAX_SCHEDULED_CHARACTERS, require

_MAX_DEPTH = 100
_PLAIN = re.compile(r"(?:[^\\\[\]():|]|\\.)+")
_WHEN = re.compile(r"\s*([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)\s*\]")
_AND = re.compile(r"\bAND\b")
_AND_WEIGHT = re.compile(r":\s*([-+]?(?:\d+\.?|\d*\.\d+))$")


@dataclass(frozen=True)
class TimedText:
    """`text` holds while the number of model calls made is <= `end_at_step`."""

    end_at_step: int
    text: str


class _Mismatch(Exception):
    """The text does not follow the grammar here."""


@dataclass(frozen=True)
class _Edit:
    before: _Parts
    after: _Parts
    when: int


@dataclass(frozen=True)
class _Alternation:
    choices: tuple[_Parts, ...]


_Part = str | _Edit | _Alternation
_Parts = tuple[_Part, ...]


def split_and(prompt: str, field: str = "prompt") -> list[tuple[str, float]]:
    """Split a prompt at the word AND: texts with their weights (`text :1.2`, by default 1).

    Raises:
        InvalidRequest: There are more than `MAX_PARTS`; `field` is named.
    """
    pairs = []
    parts = _AND.split(prompt)
    require(field, len(parts), MAX_PARTS, "parts joined by AND")
    for part in parts:
        text = part.rstrip()
        match = _AND_WEIGHT.search(text)
        pairs.append((text[: match.start()].rstrip(), float(match[1])) if match else (text, 1.0))
    return pairs


def schedule_prompt(prompt: str, steps: int, use_old_scheduling: bool = False, field: str = "prompt") -> list[TimedText]:
    """Resolve edits and alternations into plain texts and their times.

    Args:
        prompt: One sub-prompt.
        steps: What fractions refer to; alternations change at each of them.
        use_old_scheduling: Numbers below 1 are fractions; otherwise those with a "." in them are.
        field: Named in errors.

    Returns:
        At least one text, by rising `end_at_step`; the last ends at `steps`.

    Raises:
        InvalidRequest: It changes so often that its texts are too many (`limits`).
    """
    try:
        parts = _Parser(prompt, steps, use_old_scheduling).parse()
    except _Mismatch:
        return [TimedText(steps, prompt)]
    ends = sorted({steps, *_changes(parts, steps)})
    if len(ends) > 1:
        require(field, len(ends) * _count(parts), MAX_SCHEDULE_WORK, "pieces to put together over all its changes")
    timed = [TimedText(end, _text_at(parts, end)) for end in ends]
    require(field, sum(map(len, {entry.text for entry in timed})), MAX_SCHEDULED_CHARACTERS, "characters in the texts it changes into")
    return timed


class _Parser:
    """Recursive descent with one retry: a bracket that opens nothing well-formed is literal, at the top level only."""

    def __init__(self, text: str, steps: int, use_old_scheduling: bool) -> None:
        self.text, self.steps, self.use_old_scheduling = text, steps, use_old_scheduling
        self.hopeless: set[int] = set()

    def parse(self) -> _Parts:
        parts: list[_Part] = []
        position = 0
        while position < len(self.text):
            try:
                more, position = self._part(position, 0)
                parts += more
            except _Mismatch:
                if self.text[position] not in "[]():":
                    raise
                parts.append(self.text[position])
                position += 1
        return tuple(parts)

    def _parts(self, position: int, depth: int) -> tuple[_Parts, int]:
        """As many parts as there are before one of `]):|` or the end."""
        parts: list[_Part] = []
        while position < len(self.text) and self.text[position] not in "]):|":
            more, position = self._part(position, depth)
            parts += more
        return tuple(parts), position

    def _part(self, position: int, depth: int) -> tuple[_Parts, int]:
        if plain := _PLAIN.match(self.text, position):
            return (plain[0],), plain.end()
        if self.text[position] not in "([" or position in self.hopeless or depth > _MAX_DEPTH:
            raise _Mismatch
        group = self._round if self.text[position] == "(" else self._square
        try:
            return group(position, depth + 1)
        except _Mismatch:
            self.hopeless.add(position)
            raise

    def _round(self, start: int, depth: int) -> tuple[_Parts, int]:
        parts, position = self._parts(start + 1, depth)
        if self._at(position) == ":":
            weight, position = self._parts(position + 1, depth)
            parts = (*parts, ":", *weight)
        return ("(", *parts, ")"), self._expect(")", position)

    def _square(self, start: int, depth: int) -> tuple[_Parts, int]:
        first, position = self._parts(start + 1, depth)
        if self._at(position) == "|":
            return self._alternation(first, position, depth)
        if self._at(position) != ":":
            return ("[", *first, "]"), self._expect("]", position)
        if when := _WHEN.match(self.text, position + 1):
            return self._edit((), first, when)
        second, position = self._parts(position + 1, depth)
        when = _WHEN.match(self.text, self._expect(":", position))
        if not when:
            raise _Mismatch
        return self._edit(first, second, when)

    def _alternation(self, first: _Parts, position: int, depth: int) -> tuple[_Parts, int]:
        choices = [first]
        while self._at(position) == "|":
            choice, position = self._parts(position + 1, depth)
            choices.append(choice)
        return (_Alternation(tuple(choices)),), self._expect("]", position)

    def _edit(self, before: _Parts, after: _Parts, when: re.Match[str]) -> tuple[_Parts, int]:
        value = float(when[1])
        is_fraction = value < 1 if self.use_old_scheduling else "." in when[1]
        step = int(max(-1.0, min(value * self.steps if is_fraction else value, self.steps)))
        return (_Edit(before, after, step),), when.end()

    def _at(self, position: int) -> str:
        return self.text[position : position + 1]

    def _expect(self, character: str, position: int) -> int:
        if self._at(position) != character:
            raise _Mismatch
        return position + 1


def _changes(parts: _Parts, steps: int) -> set[int]:
    """Steps after which the text may differ."""
    found: set[int] = set()
    for part in parts:
        if isinstance(part, _Edit):
            found |= {part.when} if part.when >= 1 else set()
            found |= _changes(part.before, steps) | _changes(part.after, steps)
        elif isinstance(part, _Alternation):
            found |= set(range(1, steps + 1))
    return found


def _count(parts: Iterable[_Part]) -> int:
    """Pieces, those inside others included."""
    count = 0
    for part in parts:
        if isinstance(part, _Edit):
            count += _count(part.before) + _count(part.after)
        elif isinstance(part, _Alternation):
            count += sum(_count(choice) for choice in part.choices)
        count += 1
    return count


def _text_at(parts: _Parts, step: int) -> str:
    texts: list[str] = []
    for part in parts:
        if isinstance(part, _Edit):
            texts.append(_text_at(part.before if step <= part.when else part.after, step))
        elif isinstance(part, _Alternation):
            texts.append(_text_at(part.choices[(step - 1) % len(part.choices)], step))
        else:
            texts.append(part)
    return "".join(texts)
