"""Named things with aliases; heavy ones are given as dotted names and imported on first use."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Generic, TypeVar

from modules.base.errors import UnknownName

T = TypeVar("T")


def load_dotted(dotted: str) -> object:
    """Import `package.module:attribute` and return the attribute."""
    module, _, attribute = dotted.partition(":")
    return getattr(import_module(module), attribute)


class Registry(Generic[T]):
    """Names (matched without case) to values, in order of registration.

    Args:
        field: The request field that picks from this registry; named in errors.
    """

    def __init__(self, field: str) -> None:
        self.field = field
        self._values: dict[str, T] = {}
        self._names: dict[str, str] = {}

    def add(self, name: str, value: T, aliases: tuple[str, ...] = ()) -> None:
        self._values[name] = value
        for key in (name, *aliases):
            self._names[key.casefold()] = name

    def resolve(self, name: str) -> str:
        """The registered spelling of `name` or of an alias.

        Raises:
            UnknownName: Nothing matches.
        """
        try:
            return self._names[name.strip().casefold()]
        except KeyError:
            raise UnknownName(self.field, name, list(self._values)) from None

    def get(self, name: str) -> T:
        """The value under `name`; raises `UnknownName` as `resolve` does."""
        return self._values[self.resolve(name)]

    def __contains__(self, name: str) -> bool:
        return name.strip().casefold() in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def items(self) -> Iterator[tuple[str, T]]:
        return iter(self._values.items())
