"""How one option is described: the settings page, validation, API and documentation read this."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from modules.base.errors import InvalidRequest

TRUE_WORDS = frozenset({"true", "1", "yes", "on"})
FALSE_WORDS = frozenset({"false", "0", "no", "off"})


@dataclass(frozen=True)
class OptionField:
    """One option.

    Attributes:
        name: A1111's spelling where A1111 has the option.
        default: Its type is the option's type.
        section: Heading on the settings page.
        minimum: Lowest number accepted; None = no limit.
        choices: Accepted values; empty = any.
    """

    name: str
    default: Any
    section: str
    label: str
    help: str
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]

    def coerce(self, value: object) -> Any:
        """Bring `value` (perhaps a string from JSON or a form) to this option's type.

        A whole number that was given as one stays so where the option is a float: infotext tells it as it came, as A1111 does.

        Raises:
            InvalidRequest: Wrong type, out of range, or not among the choices.
        """
        kind = type(self.default)
        if value is None:
            return self.default
        if kind is bool:
            return self._to_bool(value)
        if kind in (int, float):
            return self._to_number(value, kind)
        if kind is tuple:
            if not isinstance(value, list | tuple):
                raise InvalidRequest(self.name, value, "a list of strings")
            return tuple(str(item) for item in value)
        if not isinstance(value, str):
            raise InvalidRequest(self.name, value, "a string")
        if self.choices and value not in self.choices:
            raise InvalidRequest(self.name, value, "one of " + ", ".join(self.choices))
        return value

    def _to_bool(self, value: object) -> bool:
        if isinstance(value, bool):
            return value
        word = str(value).strip().casefold()
        if word in TRUE_WORDS | FALSE_WORDS:
            return word in TRUE_WORDS
        raise InvalidRequest(self.name, value, "true or false")

    def _to_number(self, value: object, kind: type) -> int | float:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise InvalidRequest(self.name, value, self._range())
        try:
            number = float(value)
        except (ValueError, OverflowError):
            raise InvalidRequest(self.name, value, self._range()) from None
        too_low = self.minimum is not None and number < self.minimum
        too_high = self.maximum is not None and number > self.maximum
        if not math.isfinite(number) or too_low or too_high or (kind is int and number != int(number)):
            raise InvalidRequest(self.name, value, self._range())
        return int(number) if kind is int else value if isinstance(value, int) else number

    def _range(self) -> str:
        noun = "a whole number" if type(self.default) is int else "a number"
        low = "" if self.minimum is None else f" from {self.minimum:g}"
        high = "" if self.maximum is None else f" up to {self.maximum:g}"
        return noun + low + high


def option(
    default: Any,
    label: str,
    *,
    section: str,
    help: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """Declare a field of `Options`."""
    described = {"section": section, "label": label, "help": help, "minimum": minimum, "maximum": maximum, "choices": choices}
    return dataclasses.field(default=default, metadata=described)
