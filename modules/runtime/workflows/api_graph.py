"""Graphs as JSON in ComfyUI's API format: what is kept of a run, and what goes into its pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from modules.base.errors import InvalidRequest, UnknownName
from modules.pipeline.workflows.api_format import write_value
from modules.pipeline.workflows.definitions.table import DEFINITIONS
from modules.pipeline.workflows.graph import Graph, GraphNode, Link

VALUE = "__value__"
_KINDS: Mapping[str, tuple[type, ...]] = {"INT": (int,), "FLOAT": (int, float), "STRING": (str,), "BOOLEAN": (bool,)}


def graph_json(graph: Graph) -> dict[str, Any]:
    """The API format."""
    return {node.id: _node_json(node) for node in graph.nodes.values()}


def graph_from_json(values: Mapping[str, Any]) -> Graph:
    """What `graph_json` gave.

    Raises:
        InvalidRequest: It is something else.
    """
    try:
        return Graph({str(node_id): _node_of(str(node_id), entry) for node_id, entry in values.items()})
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InvalidRequest("graph", str(values)[:80], "nodes by id, each with class_type and inputs") from error


def change_inputs(graph: Graph, changes: Mapping[str, Any]) -> Graph:
    """A graph with other values in some widgets.

    Args:
        changes: By "NODE.INPUT": "3.seed", "10:6.text".

    Raises:
        UnknownName: There is no such node or input.
        InvalidRequest: A value is of another kind.
    """
    nodes = dict(graph.nodes)
    for place, value in changes.items():
        node_id, _, name = place.partition(".")
        node = nodes.get(node_id)
        if node is None:
            raise UnknownName("set", place, [f"{known}.INPUT" for known in list(nodes)[:20]])
        known = DEFINITIONS[node.class_type].input(name) if node.class_type in DEFINITIONS else None
        if known is None or not known.is_widget:
            widgets = DEFINITIONS[node.class_type].widgets if node.class_type in DEFINITIONS else ()
            raise UnknownName("set", place, [f"{node_id}.{each.name}" for each in widgets])
        kinds = _KINDS.get(known.type)
        if kinds and (not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)):
            raise InvalidRequest(f"set[{place!r}]", value, known.type)
        nodes[node_id] = replace(node, inputs={**node.inputs, name: value})
    return Graph(nodes)


def needed_by(graph: Graph, outputs: Iterable[str]) -> set[str]:
    """Ids of these nodes and of all that they are given something by, however far away."""
    pending, found = [each for each in outputs if each in graph.nodes], set[str]()
    while pending:
        node_id = pending.pop()
        if node_id not in found and node_id in graph.nodes:
            found.add(node_id)
            pending += [link.node for link in graph.nodes[node_id].links.values()]
    return found


def _node_json(node: GraphNode) -> dict[str, Any]:
    inputs = {name: write_value(value) for name, value in node.inputs.items()}
    values: dict[str, Any] = {"inputs": inputs, "class_type": node.class_type}
    return values | ({"_meta": {"title": node.title}} if node.title else {})


def _node_of(node_id: str, entry: Mapping[str, Any]) -> GraphNode:
    inputs = {str(name): _value_of(value) for name, value in entry["inputs"].items()}
    return GraphNode(node_id, str(entry["class_type"]), inputs, str((entry.get("_meta") or {}).get("title") or ""))


def _value_of(value: Any) -> Any:
    if isinstance(value, list):
        node_id, output = value
        return Link(str(node_id), int(output))
    return list(value[VALUE]) if isinstance(value, dict) and VALUE in value else value
