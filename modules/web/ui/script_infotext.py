"""What an infotext says of scripts, put into their controls by their `infotext_fields`, as A1111 does."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import gradio as gr

from modules.plugins.runner import ScriptRunner
from modules.plugins.script import Script
from modules.runtime.session import Session

logger = logging.getLogger(__name__)

Updates = dict[Any, Any]


class ScriptPaste(Protocol):
    """Brings an infotext's values to the controls of scripts."""

    def outputs(self) -> list[Any]:
        """What `updates` may change."""

    def updates(self, values: Mapping[str, Any]) -> Updates:
        """Changes, from an infotext's keys and texts; controls that it says nothing of keep what they have."""


class PasteIntoWish:
    """For controls that are built for each visitor: they are built anew, with these values.

    Args:
        wish: The state of `script_args` to show.
    """

    def __init__(self, session: Session, wish: Any) -> None:
        self._session, self._wish = session, wish

    def outputs(self) -> list[Any]:
        return [self._wish]

    def updates(self, values: Mapping[str, Any]) -> Updates:
        args = wished_args(self._session.scripts, values)
        return {} if args is None else {self._wish: args}


class PasteIntoPage:
    """For controls that are part of the page.

    Args:
        page: The `gr.Blocks` that they are part of.
    """

    def __init__(self, page: gr.Blocks, runner: ScriptRunner) -> None:
        fields = [(script, *field) for script in runner.scripts for field in fields_of(script)]
        self._fields = [field for field in fields if getattr(field[1], "_id", None) in page.blocks]

    def outputs(self) -> list[Any]:
        return list(dict.fromkeys(component for _, component, _ in self._fields))

    def updates(self, values: Mapping[str, Any]) -> Updates:
        found = ((component, read_field(script, component, key, values)) for script, component, key in self._fields)
        return {component: update for component, update in found if update is not None}


def wished_args(runner: ScriptRunner, values: Mapping[str, Any]) -> list[Any] | None:
    """`script_args` as an infotext states them, what it leaves out as scripts start; None when it speaks of no script."""
    args, is_stated = runner.default_args(), False
    for script in runner.scripts:
        controls = list(script.controls or ())
        for component, key in fields_of(script):
            place = next((place for place, control in enumerate(controls) if control is component), None)
            update = None if place is None else read_field(script, component, key, values)
            if place is None or update is None or "value" not in update:
                continue
            value, choices = update["value"], [choice[1] for choice in getattr(component, "choices", None) or ()]
            if getattr(component, "type", None) == "index":
                value = choices.index(value) if value in choices else args[script.args_from + place]
            args[script.args_from + place], is_stated = value, True
    return args if is_stated else None


def fields_of(script: Script) -> Iterable[tuple[Any, Any]]:
    """A script's pairs of a component and what fills it: an infotext key, or a function of all values."""
    for field in script.infotext_fields or ():
        try:
            component, key = field[0], field[1]
        except (TypeError, IndexError, KeyError):
            logger.warning("script %r has an infotext field that is no pair: %r", script.name, field)
            continue
        yield component, key


def read_field(script: Script, component: Any, key: Any, values: Mapping[str, Any]) -> dict[str, Any] | None:
    """The change that an infotext asks of a component; None where it says nothing, or what it says does not fit."""
    try:
        stated = key(dict(values)) if callable(key) else values.get(key)
        if stated is None:
            return None
        if isinstance(stated, dict) and stated.get("__type__") == "update":
            return stated
        return gr.update(value=stated if callable(key) and not isinstance(stated, str) else _typed(stated, component.value))
    except Exception as error:
        logger.warning("script %r: infotext field %r cannot be read: %s", script.name, key, error)
        return None


def _typed(stated: Any, value: Any) -> Any:
    """A text as a value of the type of `value`.

    Raises:
        ValueError: It cannot be one.
    """
    if isinstance(value, bool):
        if str(stated) not in ("True", "False"):
            raise ValueError(f"{stated!r} is neither True nor False")
        return str(stated) == "True"
    if isinstance(value, int | float):
        number = float(stated)
        return int(number) if isinstance(value, int) and number.is_integer() else number
    return stated if value is None or not isinstance(value, str) else str(stated)
