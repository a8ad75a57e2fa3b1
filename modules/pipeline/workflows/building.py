"""A graph under construction: nodes numbered from 1, equal ones made once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from modules.pipeline.workflows.api_format import write_value
from modules.pipeline.workflows.definitions.definition import Input, NodeDefinition
from modules.pipeline.workflows.definitions.table import DEFINITIONS
from modules.pipeline.workflows.drawing import lay_out
from modules.pipeline.workflows.graph import Drawing, Graph, GraphNode, Link

VERSION = 0.4
NOTE_WIDTH, NOTE_LINE, NOTE_GAP = 420.0, 20.0, 40.0


class GraphBuilder:
    """Adds nodes to a graph."""

    def __init__(self) -> None:
        self.nodes: dict[str, GraphNode] = {}
        self._same: dict[tuple[Any, ...], str] = {}

    def add(self, class_type: str, /, **inputs: Any) -> str:
        """A node's id; widgets that are not given get their defaults. One that is there already is not made again."""
        definition = DEFINITIONS[class_type]
        given = {each.name: inputs.get(each.name, each.default) for each in definition.inputs if each.is_widget or each.name in inputs}
        key = (class_type, *sorted((name, repr(value)) for name, value in given.items()))
        if key not in self._same:
            self._same[key] = str(len(self.nodes) + 1)
            self.nodes[self._same[key]] = GraphNode(self._same[key], class_type, given)
        return self._same[key]

    def first(self, class_type: str, /, **inputs: Any) -> Link:
        """The first output of a node."""
        return Link(self.add(class_type, **inputs), 0)

    def name(self, link: Link, title: str) -> None:
        """Call a node something."""
        self.nodes[link.node] = dataclasses.replace(self.nodes[link.node], title=title)

    def graph(self) -> Graph:
        return Graph(dict(self.nodes))


def draw_workflow(graph: Graph, note: str, extra: Mapping[str, Any]) -> dict[str, Any]:
    """A graph in ComfyUI's UI format, laid out from left to right.

    Args:
        note: Text of a Note node; "" = none.
        extra: The file's `extra`.
    """
    drawing = lay_out(graph)
    lines = [(user, name, link) for user in graph.nodes.values() for name, link in user.links.items()]
    numbers = {(user.id, name): number for number, (user, name, _) in enumerate(lines, 1)}
    nodes = [_draw_node(node, order, drawing, numbers, lines) for order, node in enumerate(graph.nodes.values())]
    last = max((node["id"] for node in nodes), default=0)
    if note:
        last += 1
        nodes.append(_draw_note(last, note, len(nodes), drawing))
    return {
        "revision": 0,
        "last_node_id": last,
        "last_link_id": len(lines),
        "nodes": nodes,
        "links": [_draw_line(graph, numbers[user.id, name], user, name, link) for user, name, link in lines],
        "groups": [],
        "config": {},
        "extra": dict(extra),
        "version": VERSION,
    }


def _draw_node(
    node: GraphNode, order: int, drawing: Drawing, numbers: Mapping[tuple[str, str], int], lines: Sequence[tuple[GraphNode, str, Link]]
) -> dict[str, Any]:
    definition, drawn = DEFINITIONS[node.class_type], next(each for each in drawing.nodes if each.id == node.id)
    outputs = []
    for slot, (name, kind) in enumerate(definition.outputs):
        used = [numbers[user.id, field] for user, field, link in lines if link == Link(node.id, slot)]
        outputs.append({"name": name, "type": kind, "slot_index": slot, "links": used or None})
    sockets = [each for each in definition.inputs if not each.is_widget]
    made = {
        "id": int(node.id),
        "type": node.class_type,
        "pos": [drawn.x, drawn.y],
        "size": [drawn.width, drawn.height],
        "flags": {},
        "order": order,
        "mode": 0,
        "inputs": [{"name": each.name, "type": each.type, "link": numbers.get((node.id, each.name))} for each in sockets],
        "outputs": outputs,
        "properties": {"Node name for S&R": node.class_type},
        "widgets_values": _list_widgets(node, definition),
    }
    return made | ({"title": node.title} if node.title else {})


def _list_widgets(node: GraphNode, definition: NodeDefinition) -> list[Any]:
    """Values by position, with what the front end adds behind seeds and uploads."""
    values: list[Any] = []
    for each in definition.widgets:
        values.append(_plain(each, node.inputs.get(each.name, each.default)))
        if each.has_seed_control:
            values.append("fixed")
    return values + (["image"] if any(each.is_upload for each in definition.widgets) else [])


def _plain(wanted: Input, value: Any) -> Any:
    """As JavaScript writes numbers: whole ones without a point."""
    is_whole = wanted.type == "FLOAT" and isinstance(value, float) and value.is_integer()
    return int(value) if is_whole else value


def _draw_line(graph: Graph, number: int, user: GraphNode, name: str, link: Link) -> list[Any]:
    definition = DEFINITIONS[user.class_type]
    sockets = [each.name for each in definition.inputs if not each.is_widget]
    kind = DEFINITIONS[graph.nodes[link.node].class_type].outputs[link.output][1]
    return [number, int(link.node), link.output, int(user.id), sockets.index(name), kind]


def _draw_note(number: int, text: str, order: int, drawing: Drawing) -> dict[str, Any]:
    """Above the nodes."""
    left = min((node.x for node in drawing.nodes), default=0.0)
    top = min((node.y for node in drawing.nodes), default=0.0)
    height = 80.0 + NOTE_LINE * sum(1 + len(line) // 50 for line in text.split("\n"))
    return {
        "id": number,
        "type": "Note",
        "pos": [left, top - height - NOTE_GAP],
        "size": [NOTE_WIDTH, height],
        "flags": {},
        "order": order,
        "mode": 0,
        "inputs": [],
        "outputs": [],
        "title": "Pentimento",
        "properties": {"text": ""},
        "widgets_values": [text],
        "color": "#432",
        "bgcolor": "#653",
    }
