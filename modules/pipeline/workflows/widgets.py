"""What stands in a node's widgets: the UI format keeps values by position, with some more between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from modules.pipeline.workflows.api_format import BUTTONS, shown
from modules.pipeline.workflows.definitions.definition import NodeDefinition
from modules.pipeline.workflows.graph import Problem
from modules.pipeline.workflows.ui_format import CanvasNode

CONTROLS = ("fixed", "increment", "decrement", "randomize")
SEEDS = ("seed", "noise_seed")


def widget_values(node: CanvasNode, definition: NodeDefinition | None) -> tuple[dict[str, Any], list[Problem]]:
    """Values by name, and what could not be told apart.

    What the file does not say has its default. Of a kind that is not known, only what the file itself names can be told apart.
    """
    if definition is None:
        return _values_of_unknown(node), []
    if isinstance(node.values, dict):
        named = node.values
        return {each.name: named.get(each.name, each.default) for each in definition.widgets if _has_value(each, named)}, []
    names = [(each.name, each.has_seed_control) for each in definition.widgets]
    values, rest = take_in_order(names, node.values)
    for each in definition.widgets:
        if each.name not in values and each.default is not None:
            values[each.name] = each.default
    if any(each.is_upload for each in definition.inputs):
        rest = []
    strange = [value for value in rest if value is not None]
    problems = [Problem(node.id, node.type, "ignored", "widgets_values", shown(strange), f"{len(names)} values")] if strange else []
    return values, problems


def _has_value(each: Any, named: dict[str, Any]) -> bool:
    return each.name in named or each.default is not None


def take_in_order(names: Iterable[tuple[str, bool]], values: Sequence[Any]) -> tuple[dict[str, Any], list[Any]]:
    """Give names to values.

    Args:
        names: Of the widgets in order, with whether what becomes of the value after a run may follow it: a word of `CONTROLS`,
            or, in the oldest files, true or false.
        values: As the file has them; may be too few.

    Returns:
        Values by name; those left over.
    """
    found: dict[str, Any] = {}
    at = 0
    for name, has_control in names:
        if at >= len(values):
            break
        found[name] = values[at]
        at += 1
        if has_control and at < len(values) and is_control(values[at]):
            at += 1
    return found, list(values[at:])


def is_control(value: Any) -> bool:
    return isinstance(value, bool) or value in CONTROLS


def _values_of_unknown(node: CanvasNode) -> dict[str, Any]:
    if isinstance(node.values, dict):
        return dict(node.values)
    names = [(slot.name, slot.name in SEEDS) for slot in node.inputs if slot.is_widget and slot.name not in BUTTONS]
    values, rest = take_in_order(names, node.values)
    return values if len(values) == len(names) and rest in ([], ["image"]) else {}
