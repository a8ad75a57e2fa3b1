"""Settings of the backends that take pictures apart: one description, used for checking, for the API and for the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from modules.base.errors import InvalidRequest, UnknownName

Value = bool | int | float | str


@dataclass(frozen=True)
class Setting:
    """One setting.

    Attributes:
        default: Its type is the setting's type.
        least, most: Of a number; None = no bound.
        choices: Of a word; () = any.
    """

    name: str
    default: Value
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        kind = {bool: "bool", int: "int", float: "float", str: "str"}[type(self.default)]
        return {
            "name": self.name,
            "type": kind,
            "default": self.default,
            "least": self.least,
            "most": self.most,
            "choices": list(self.choices),
        }

    def check(self, value: object) -> Value:
        """The value as it is meant: whole numbers pass for fractions, nothing else is bent.

        Raises:
            InvalidRequest: It has another type or is out of range.
        """
        if isinstance(self.default, bool):
            if isinstance(value, bool):
                return value
            raise InvalidRequest(self.name, value, "true or false")
        if isinstance(self.default, str):
            if isinstance(value, str) and (not self.choices or value in self.choices):
                return value
            raise InvalidRequest(self.name, value, " or ".join(self.choices) or "a text")
        return self._check_number(value)

    def _check_number(self, value: object) -> int | float:
        is_whole = isinstance(self.default, int)
        is_fit = not is_whole or isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if is_fit and isinstance(value, (int, float)) and not isinstance(value, bool) and self._is_in_range(value):
            return int(value) if is_whole else float(value)
        bounds = f"{'-inf' if self.least is None else self.least} to {'inf' if self.most is None else self.most}"
        raise InvalidRequest(self.name, value, f"a {'whole ' if is_whole else ''}number, {bounds}")

    def _is_in_range(self, value: int | float) -> bool:
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


def read_settings(known: Iterable[Setting], given: Mapping[str, Any]) -> dict[str, Any]:
    """All settings by name, with defaults for what is not given.

    Raises:
        UnknownName: A setting that the backend does not have.
        InvalidRequest: A value of another type or out of range.
    """
    by_name = {setting.name: setting for setting in known}
    for name in given:
        if name not in by_name:
            raise UnknownName("settings", name, sorted(by_name))
    return {name: setting.check(given[name]) if name in given else setting.default for name, setting in by_name.items()}
