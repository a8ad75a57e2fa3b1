"""ComfyUI's API format: node ids to `class_type` and `inputs`. It is what runs, and what its pictures carry as `prompt`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules.base.errors import InvalidRequest
from modules.pipeline.workflows.definitions.table import DEFINITIONS
from modules.pipeline.workflows.graph import Graph, GraphNode, Link, Problem

MAX_NODES = 20_000
BUTTONS = frozenset({"upload", "choose file to upload"})
"""Inputs that the page of ComfyUI writes for its buttons; they mean nothing."""


def is_api(plain: Any) -> bool:
    """Whether a JSON value is meant as this format: an object in which something has a `class_type`."""
    return isinstance(plain, dict) and any(isinstance(node, dict) and isinstance(node.get("class_type"), str) for node in plain.values())


def read_api(plain: Mapping[str, Any]) -> tuple[Graph, list[Problem]]:
    """The graph of a file.

    Args:
        plain: JSON of which `is_api` is true.

    Returns:
        The graph; inputs that its nodes do not have (and that are therefore left out).

    Raises:
        InvalidRequest: A node without `class_type` or with other than an object for `inputs`; more than `MAX_NODES`.
    """
    if len(plain) > MAX_NODES:
        raise InvalidRequest("workflow", f"{len(plain)} nodes", f"at most {MAX_NODES}")
    nodes: dict[str, GraphNode] = {}
    problems: list[Problem] = []
    for node_id, node in plain.items():
        class_type = node.get("class_type") if isinstance(node, dict) else None
        if not isinstance(class_type, str) or not class_type:
            raise InvalidRequest(f"workflow: node {node_id}", node, "an object with a class_type")
        inputs, meta = node.get("inputs", {}), node.get("_meta")
        if not isinstance(inputs, dict):
            raise InvalidRequest(f"workflow: node {node_id} ({class_type})", inputs, "inputs as an object")
        title = meta.get("title") if isinstance(meta, dict) else ""
        read = {str(name): read_value(value) for name, value in inputs.items()}
        kept, left_out = keep_known(str(node_id), class_type, read)
        problems += left_out
        nodes[str(node_id)] = GraphNode(str(node_id), class_type, kept, title if isinstance(title, str) else "")
    return Graph(nodes), problems


def read_value(value: Any) -> Any:
    """A `Link` for [id, output]; what `__value__` holds; any other value as it is."""
    if isinstance(value, list) and len(value) == 2 and _is_whole(value[1]) and (isinstance(value[0], str) or _is_whole(value[0])):
        return Link(str(value[0]), int(value[1]))
    if isinstance(value, dict) and set(value) == {"__value__"}:
        return value["__value__"]
    return value


def _is_whole(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= MAX_NODES and value == int(value)


def write_value(value: Any) -> Any:
    """The JSON of an input: `read_value`'s other way."""
    if isinstance(value, Link):
        return [value.node, value.output]
    return {"__value__": list(value)} if isinstance(value, list | tuple) else value


def write_api(graph: Graph) -> dict[str, Any]:
    """A graph in this format, as ComfyUI puts it into pictures."""
    return {
        node.id: {
            "inputs": {name: write_value(value) for name, value in node.inputs.items()},
            "class_type": node.class_type,
            "_meta": {"title": node.title or _title(node.class_type)},
        }
        for node in graph.nodes.values()
    }


def _title(class_type: str) -> str:
    return DEFINITIONS[class_type].title if class_type in DEFINITIONS else class_type


def keep_known(node_id: str, class_type: str, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """The inputs that a node has; of unknown nodes all."""
    definition = DEFINITIONS.get(class_type)
    if definition is None:
        return dict(inputs), []
    names = {each.name for each in definition.inputs}
    strange = [name for name in inputs if name not in names and name not in BUTTONS]
    problems = [Problem(node_id, class_type, "ignored", name, shown(inputs[name]), ", ".join(sorted(names))) for name in strange]
    return {name: value for name, value in inputs.items() if name in names}, problems


def shown(value: Any) -> str:
    """A value for a message, shortened."""
    text = f"[{value.node}, {value.output}]" if isinstance(value, Link) else value if isinstance(value, str) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
