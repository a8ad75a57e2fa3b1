"""Field types that take what real clients send: numbers as strings, floats for whole numbers, "True", null for "the default".

Messages and types of refusals are those of pydantic 1, which A1111's clients read.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

TRUE_WORDS = frozenset({"1", "on", "t", "true", "y", "yes"})
FALSE_WORDS = frozenset({"0", "off", "f", "false", "n", "no", ""})


def to_float(value: object) -> float:
    """A finite float from a number or its text."""
    if not isinstance(value, int | float | str):
        raise PydanticCustomError("type_error.float", "value is not a valid float")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise PydanticCustomError("type_error.float", "value is not a valid float") from None
    if not math.isfinite(number):
        raise PydanticCustomError("value_error.number.not_finite", "value is not a finite number")
    return number


def to_int(value: object) -> int:
    """A whole number from an int, a float (cut, as pydantic 1 does) or the text of either."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            pass
    try:
        return int(to_float(value))
    except PydanticCustomError as error:
        if error.type == "value_error.number.not_finite":
            raise
        raise PydanticCustomError("type_error.integer", "value is not a valid integer") from None


def to_bool(value: object) -> bool:
    """True or False from a bool, 0 or 1, or a word."""
    if isinstance(value, bool):
        return value
    word = str(int(value)) if isinstance(value, int | float) and value in (0, 1) else str(value).strip().lower()
    if word in TRUE_WORDS or word in FALSE_WORDS:
        return word in TRUE_WORDS
    raise PydanticCustomError("type_error.bool", "value could not be parsed to a boolean")


def to_str(value: object) -> str:
    """Text from text or a number; half a surrogate pair, which no file and no tokenizer can hold, becomes "?"."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise PydanticCustomError("type_error.str", "str type expected")


def to_fill(value: object) -> int | str:
    """A fill as its number where it is one, else as a word."""
    if isinstance(value, str) and not value.strip().lstrip("-").isdigit():
        return value
    return to_int(value)


def to_list(value: object) -> list[Any]:
    """A list; one thing alone is a list of it, an empty text is an empty list."""
    if isinstance(value, list):
        return value
    if isinstance(value, tuple | set):
        return list(value)
    return [] if value == "" else [value]


def to_region(value: object) -> list[int]:
    """Four whole numbers, from a list or from text such as "40,96,352,384"."""
    edges = value.split(",") if isinstance(value, str) else value
    if not isinstance(edges, list | tuple) or len(edges) != 4:
        raise PydanticCustomError("value_error.region", "value is not a list of left, top, right, bottom")
    return [to_int(edge) for edge in edges]


def to_object(value: object) -> dict[str, Any]:
    """An object; anything empty is an empty one."""
    if isinstance(value, dict):
        return value
    if value in ("", [], False):
        return {}
    raise PydanticCustomError("type_error.dict", "value is not a valid dict")


Int = Annotated[int, BeforeValidator(to_int)]
Float = Annotated[float, BeforeValidator(to_float)]
Bool = Annotated[bool, BeforeValidator(to_bool)]
Str = Annotated[str, BeforeValidator(to_str)]
Fill = Annotated[int | str, BeforeValidator(to_fill)]
List = Annotated[list[Any], BeforeValidator(to_list)]
StrList = Annotated[list[str], BeforeValidator(to_list)]
Region = Annotated[list[int], BeforeValidator(to_region)]
Object = Annotated[dict[str, Any], BeforeValidator(to_object)]


class LenientModel(BaseModel):
    """Unknown keys are ignored, and null means that a field was left out."""

    model_config = ConfigDict(extra="ignore", protected_namespaces=())

    @model_validator(mode="before")
    @classmethod
    def _leave_out_nulls(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        return {name: value for name, value in values.items() if value is not None}
