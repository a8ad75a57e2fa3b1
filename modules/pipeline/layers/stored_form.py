"""Documents as JSON values and back, read strictly: unknown keys, wrong kinds and missing values are errors that name the field."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from modules.base.errors import InvalidRequest, UnknownName

Value = TypeVar("Value")
MAX_DEPTH = 200
"""Merged layers are two levels deeper each time: `checks.MAX_MERGES` of them, and what is below."""
MAX_NUMBER = 1e15


def to_plain(value: Any) -> Any:
    """A value of the document's classes as dicts, lists, strings and numbers; fields in order of their definition."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    return value


def from_plain(kind: type[Value], plain: Any, field: str, base: Value | None = None) -> Value:
    """Read a value of one of the document's classes.

    Args:
        kind: The class.
        plain: What `to_plain` gave, or a person wrote. Keys left out keep the value in `base`, or their default.
        field: Where it stands, for errors.
        base: Values of what is changed only in part.

    Raises:
        InvalidRequest: Not of that form; the error names the field.
    """
    return _read(kind, plain, field, base, 0)


def _read(kind: Any, plain: Any, field: str, base: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise InvalidRequest(field, "...", f"at most {MAX_DEPTH} levels")
    if is_dataclass(kind):
        return _read_object(kind, plain, field, base, depth)
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        if plain is None:
            return None
        inner = next(option for option in get_args(kind) if option is not types.NoneType)
        return _read(inner, plain, field, base, depth)
    if origin is tuple:
        return _read_list(get_args(kind), plain, field, depth)
    if origin is dict:
        if not isinstance(plain, Mapping):
            raise InvalidRequest(field, plain, "an object")
        return dict(plain)
    return _read_scalar(kind, plain, field)


def _read_object(kind: Any, plain: Any, field: str, base: Any, depth: int) -> Any:
    if isinstance(plain, kind):
        return plain
    if not isinstance(plain, Mapping):
        raise InvalidRequest(field, plain, "an object")
    hints, known = _fields_of(kind)
    unknown = sorted(str(key) for key in plain if key not in known)
    if unknown:
        raise UnknownName(field, unknown[0], list(known))
    values = {}
    for name, entry in known.items():
        at = f"{field}.{name}" if field else name
        old = getattr(base, name) if base is not None else None
        if name in plain:
            values[name] = _read(hints[name], plain[name], at, old, depth + 1)
        elif base is not None:
            values[name] = old
        elif entry.default is MISSING and entry.default_factory is MISSING:
            raise InvalidRequest(at, None, "a value")
    return kind(**values)


@cache
def _fields_of(kind: Any) -> tuple[dict[str, Any], dict[str, Field[Any]]]:
    """Kinds of values, and fields, by name."""
    return get_type_hints(kind), {entry.name: entry for entry in fields(kind)}


def _read_list(options: tuple[Any, ...], plain: Any, field: str, depth: int) -> Any:
    if not isinstance(plain, list | tuple):
        raise InvalidRequest(field, plain, "a list")
    if len(options) == 2 and options[1] is Ellipsis:
        return tuple(_read(options[0], item, f"{field}[{place}]", None, depth + 1) for place, item in enumerate(plain))
    if len(plain) != len(options):
        raise InvalidRequest(field, plain, f"{len(options)} values")
    return tuple(_read(option, item, field, None, depth + 1) for option, item in zip(options, plain, strict=True))


def _read_scalar(kind: Any, plain: Any, field: str) -> Any:
    if isinstance(kind, type) and issubclass(kind, Enum):
        if isinstance(plain, kind):
            return plain
        known = [option.value for option in kind]
        if plain not in known:
            raise UnknownName(field, plain, known)
        return kind(plain)
    is_number = isinstance(plain, int | float) and not isinstance(plain, bool) and abs(plain) < MAX_NUMBER
    if kind is float and is_number:
        return float(plain)
    if kind is int and is_number and plain == int(plain):
        return int(plain)
    if kind in (str, bool) and isinstance(plain, kind):
        return plain
    raise InvalidRequest(field, plain, {float: "a number", int: "a whole number", str: "a text", bool: "true or false"}[kind])
