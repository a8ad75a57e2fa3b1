"""Values of widgets in a workflow as it is drawn: changed where they stand, so that the drawing is what runs."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from modules.base.errors import InvalidRequest, UnknownName
from modules.pipeline.workflows.definitions.table import DEFINITIONS
from modules.pipeline.workflows.reading import read_object
from modules.pipeline.workflows.widgets import is_control
from modules.runtime.workflows.api_graph import change_inputs


def redraw(drawn: Any, changes: Mapping[str, Any]) -> Any:
    """The UI format with other values.

    Args:
        drawn: As the file has it; stays as it is.
        changes: By "NODE.INPUT", as `change_inputs` takes them.

    Returns:
        None where a value does not stand in the node itself (a PrimitiveNode or a subgraph's instance holds it), or there is no drawing.
    """
    if drawn is None or not changes:
        return drawn
    redrawn = copy.deepcopy(drawn)
    try:
        for place, value in changes.items():
            node_id, _, name = place.partition(".")
            _write(_find(redrawn, node_id), name, value)
        wanted = change_inputs(read_object(drawn).graph, changes)
        return redrawn if read_object(redrawn).graph == wanted else None
    except (InvalidRequest, UnknownName, LookupError, TypeError, StopIteration):
        return None


def _find(drawn: Mapping[str, Any], node_id: str) -> dict[str, Any]:
    """The node "6", or "10:6" inside a subgraph.

    Raises:
        StopIteration, LookupError, TypeError: There is none.
    """
    *outer, last = node_id.split(":")
    subgraphs = {each["id"]: each for each in (drawn.get("definitions") or {}).get("subgraphs") or []}
    place: Mapping[str, Any] = drawn
    for instance in outer:
        place = subgraphs[next(node for node in place["nodes"] if str(node["id"]) == instance)["type"]]
    found: dict[str, Any] = next(node for node in place["nodes"] if str(node["id"]) == last)
    return found


def _write(node: dict[str, Any], name: str, value: Any) -> None:
    """Put a value where `widgets.widget_values` reads it.

    Raises:
        LookupError: It has no place there, or the file has too few.
    """
    values = node["widgets_values"]
    if isinstance(values, dict):
        values[name] = value
        return
    at = 0
    for each in DEFINITIONS[node["type"]].widgets:
        if each.name == name:
            values[at] = value
            return
        has_control = each.has_seed_control and at + 1 < len(values) and is_control(values[at + 1])
        at += 2 if has_control else 1
    raise KeyError(name)
