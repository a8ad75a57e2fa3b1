"""Values of scripts' controls out of an infotext, as each script's `infotext_fields` say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules.plugins.runner import ScriptRunner
from modules.plugins.script import Script


def fill_from_infotext(runner: ScriptRunner, values: Mapping[str, Any]) -> dict[int, Any]:
    """What an infotext says of scripts' controls.

    Args:
        runner: Its scripts have pairs of a control and a key of the infotext, or a function of all its values that gives the control's
            value (None = it stays as it is). Fields of other components are left aside, and so is what cannot be read.
        values: As `parse_infotext` gives them.

    Returns:
        Place in `script_args` to value.
    """
    found: dict[int, Any] = {}
    for script in runner.scripts:
        places = {id(control): script.args_from + number for number, control in enumerate(script.controls or ())}
        for field in _fields(script):
            place = places.get(id(field[0]))
            if place is None:
                continue
            with runner.watching(script, "infotext_fields"):
                value = field[1](dict(values)) if callable(field[1]) else values.get(field[1])
                if isinstance(value, dict) and value.get("__type__") == "update":
                    value = value.get("value")
                if value is not None:
                    found[place] = _like(field[0].value, value)
    return found


def _fields(script: Script) -> list[Any]:
    fields = script.infotext_fields
    return [field for field in fields if isinstance(field, tuple | list) and len(field) > 1] if isinstance(fields, list | tuple) else []


def _like(start: Any, value: Any) -> Any:
    """`value` in the type that a control starts with; texts of an infotext are all there is for numbers."""
    if isinstance(start, bool):
        return value != "False" and bool(value)
    if isinstance(start, int | float):
        number = float(value)
        return int(number) if isinstance(start, int) and number.is_integer() else number
    return str(value) if isinstance(start, str) else value
