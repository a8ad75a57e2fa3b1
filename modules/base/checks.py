"""Values that came from outside, brought to the type and range that is needed or refused with words."""

from __future__ import annotations

import math
from collections.abc import Sequence

from modules.base.errors import InvalidRequest


def to_number(field: str, value: object, low: float = -math.inf, high: float = math.inf) -> float:
    """`value` (a number, which stays as it is, or its text) from `low` to `high`.

    Raises:
        InvalidRequest: It is none; the message names `field`.
    """
    wanted = f"a number{_range(low, high)}"
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise InvalidRequest(field, value, wanted)
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise InvalidRequest(field, value, wanted) from None
    if not math.isfinite(number) or not low <= number <= high:
        raise InvalidRequest(field, value, wanted)
    return number if isinstance(value, str) else value


def to_whole(field: str, value: object, low: float = -math.inf, high: float = math.inf) -> int:
    """`value` as an int from `low` to `high`; errors as `to_number`."""
    number = to_number(field, value, low, high)
    if number != int(number):
        raise InvalidRequest(field, value, f"a whole number{_range(low, high)}")
    return int(number)


def to_choice(field: str, value: object, choices: Sequence[str]) -> str:
    """The entry of `choices` that `value` names (without case) or counts (0 = the first).

    Raises:
        InvalidRequest: It is neither.
    """
    names = {choice.casefold(): choice for choice in choices}
    if isinstance(value, str) and value.strip().casefold() in names:
        return names[value.strip().casefold()]
    if isinstance(value, int | float) and not isinstance(value, bool) and value in range(len(choices)):
        return choices[int(value)]
    raise InvalidRequest(field, value, "one of " + ", ".join(choices))


def to_choices(field: str, value: object, choices: Sequence[str]) -> list[str]:
    """Which of `choices` a list names, in their own order; errors as `to_choice`."""
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, Sequence):
        raise InvalidRequest(field, value, "a list of " + ", ".join(choices))
    found = {to_choice(field, item, choices) for item in given}
    return [choice for choice in choices if choice in found]


def _range(low: float, high: float) -> str:
    return ("" if low == -math.inf else f" from {low:g}") + ("" if high == math.inf else f" up to {high:g}")
