"""The values of a plot's axis, from what a person wrote: "1, 5, 9", "1-5", "1-5 (+2)", "0-1 [5]"; quoted parts may hold commas."""

from __future__ import annotations

import csv
import io
import itertools
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from modules.base.errors import InvalidRequest

MAX_VALUES = 1000
_NUMBER = r"([+-]?\s*(?:\d+\.?\d*|\.\d+))"
_RANGE = re.compile(rf"\s*{_NUMBER}\s*-\s*{_NUMBER}\s*(?:\(\s*{_NUMBER}\s*\)|\[\s*(\d+)\s*\])?\s*")
_DIGITS = 10


def split_list(text: str) -> list[str]:
    """Parts between commas and line ends, without the blanks around them; of quoted parts the inside."""
    rows = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True)
    return [part.strip() for row in rows for part in row]


def join_list(parts: Sequence[Any]) -> str:
    """What `split_list` takes apart again."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(parts)
    return line.getvalue()


def str_permutations(part: Any) -> Any:
    """The type of axes whose values are all orders of the parts; leaves what it gets as it is."""
    return part


def read_values(field: str, parts: Sequence[Any], kind: Callable[[Any], Any]) -> list[Any]:
    """The values that `parts` stand for.

    Args:
        field: For messages.
        parts: As `split_list` gives them.
        kind: `int` and `float` read ranges; `str_permutations` gives all orders; others are called with each part.

    Raises:
        InvalidRequest: A part is no such value, or there are more than `MAX_VALUES`.
    """
    if kind is str_permutations:
        if math.factorial(min(len(parts), 9)) > MAX_VALUES:
            raise InvalidRequest(field, f"{len(parts)} parts", f"at most 6 parts: they have {math.factorial(6)} orders")
        return list(itertools.permutations(parts))
    values: list[Any] = []
    for part in parts:
        found = _RANGE.fullmatch(part) if isinstance(part, str) and kind in (int, float) else None
        values += _read_range(field, part, found, is_whole=kind is int) if found else [_read(field, part, kind)]
        if len(values) > MAX_VALUES:
            raise InvalidRequest(field, f"more than {MAX_VALUES} values", f"at most {MAX_VALUES}")
    return values


def _read(field: str, part: Any, kind: Callable[[Any], Any]) -> Any:
    wanted = {int: "whole numbers, or a range such as 1-5, 1-9 (+2), 1-9 [3]", float: "numbers, or a range such as 0-1 (+0.25), 0-1 [5]"}
    try:
        return kind(part)
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidRequest(field, part, wanted.get(kind, f"values of another kind ({error})")) from None  # type: ignore[call-overload]


def _read_range(field: str, part: str, found: re.Match[str], *, is_whole: bool) -> list[Any]:
    first, last, step, count = (None if group is None else group.replace(" ", "") for group in found.groups())
    if is_whole and any(number is not None and "." in number for number in (first, last, step)):
        raise InvalidRequest(field, part, "whole numbers")
    start, end = float(str(first)), float(str(last))
    if count is not None:
        places = _spread(field, part, start, end, int(count))
    else:
        stride = float(step) if step is not None else math.copysign(1, end - start)
        number = math.floor((end - start) / stride + 1e-9) + 1 if stride else 0
        if not 0 < number <= MAX_VALUES:
            raise InvalidRequest(field, part, f"a range with a step that leads from its start to its end, in at most {MAX_VALUES} values")
        places = [start + stride * place for place in range(number)]
    return [int(place) if is_whole else round(place, _DIGITS) for place in places]


def _spread(field: str, part: str, start: float, end: float, count: int) -> list[float]:
    if not 0 < count <= MAX_VALUES:
        raise InvalidRequest(field, part, f"1 to {MAX_VALUES} values")
    return [start + (end - start) * place / max(count - 1, 1) for place in range(count)]
