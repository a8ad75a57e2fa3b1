"""From a canvas to what runs: links are followed through everything that is only drawn."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from modules.pipeline.workflows.api_format import keep_known
from modules.pipeline.workflows.definitions.table import DEFINITIONS, VIRTUAL
from modules.pipeline.workflows.graph import Graph, GraphNode, Link, Problem
from modules.pipeline.workflows.subgraphs import Level, levels, outer_slot
from modules.pipeline.workflows.ui_format import BYPASSED, INPUT_PANEL, MUTED, OUTPUT_PANEL, CanvasNode
from modules.pipeline.workflows.widgets import widget_values


class Constant(NamedTuple):
    """A value that a link brings: of a PrimitiveNode, or of a widget outside a subgraph."""

    value: Any


class Hop(NamedTuple):
    """Another link, which brings the same."""

    level: Level
    link: str


Source = Link | Constant | None


@dataclass
class Wiring:
    """Who gives what.

    Attributes:
        problems: Links that lead nowhere, or in circles.
    """

    problems: list[Problem] = field(default_factory=list)
    _known: dict[tuple[str, str], Source] = field(default_factory=dict)

    def source(self, level: Level, link: str, user: CanvasNode) -> Source:
        """What a link brings: a node that runs, a value, or nothing.

        Args:
            level: Where the link lies.
            link: Its id.
            user: Who is fed by it: named in problems.
        """
        passed: dict[tuple[str, str], None] = {}
        at: Source | Hop = Hop(level, link)
        while isinstance(at, Hop):
            key = (at.level.prefix, at.link)
            if key in self._known:
                at = self._known[key]
            elif key in passed:
                self._report(level, user, "dependency_cycle", f"link {at.link}", "links that end at a node")
                at = None
            else:
                passed[key] = None
                at = self._next(at, level, user)
        self._known.update(dict.fromkeys(passed, at))
        return at

    def _next(self, at: Hop, user_level: Level, user: CanvasNode) -> Source | Hop:
        level = at.level
        link = level.canvas.links.get(at.link)
        if link is not None and link.origin == INPUT_PANEL and level.outside is not None:
            slot, value = outer_slot(level, link.origin_slot)
            if slot is not None and slot.link:
                return Hop(level.outside, slot.link)
            return None if value is None else Constant(value)
        node = level.canvas.nodes.get(link.origin) if link is not None else None
        if link is None or node is None:
            self._report(user_level, user, "bad_linked_input", f"link {at.link}", "a link from a node of the file")
            return None
        if node.type == "PrimitiveNode":
            return Constant(node.values[0]) if isinstance(node.values, list) and node.values else None
        if node.mode == MUTED:
            return None
        if node.type == "Reroute":
            return Hop(level, node.inputs[0].link) if node.inputs and node.inputs[0].link else None
        if node.mode == BYPASSED:
            replacement = stand_in(node, link.origin_slot)
            return Hop(level, replacement) if replacement else None
        inner = level.inner.get(node.id)
        if inner is None:
            return Link(level.prefix + node.id, link.origin_slot)
        return next(
            (
                Hop(inner, each.id)
                for each in inner.canvas.links.values()
                if each.target == OUTPUT_PANEL and each.target_slot == link.origin_slot
            ),
            None,
        )

    def _report(self, level: Level, node: CanvasNode, kind: str, got: str, wanted: str) -> None:
        self.problems.append(Problem(level.prefix + node.id, node.type, kind, "", got, wanted))


def stand_in(node: CanvasNode, output: int) -> str:
    """Which link takes the place of a bypassed node's output: that of the input in the same place if it has the same type, else of the
    first input of that type; "" = none."""
    if not 0 <= output < len(node.outputs):
        return ""
    kind = node.outputs[output].type
    same_place = node.inputs[output : output + 1]
    return next((slot.link for slot in (*same_place, *node.inputs) if slot.type == kind), "")


def to_graph(top: Level) -> tuple[Graph, list[Problem]]:
    """What runs of an unfolded canvas: notes, reroutes, primitives, muted and bypassed nodes are gone.

    Returns:
        The graph, in the file's order; links that lead nowhere, values that could not be told apart.
    """
    wiring = Wiring()
    nodes: dict[str, GraphNode] = {}
    problems: list[Problem] = []
    for level in levels(top):
        for node in level.canvas.nodes.values():
            if node.mode or node.type in VIRTUAL or node.id in level.inner:
                continue
            node_id = level.prefix + node.id
            inputs, found = _inputs(wiring, level, node)
            kept, left_out = keep_known(node_id, node.type, inputs)
            problems += [*found, *left_out]
            nodes[node_id] = GraphNode(node_id, node.type, kept, node.title)
    return Graph(nodes), problems + wiring.problems


def _inputs(wiring: Wiring, level: Level, node: CanvasNode) -> tuple[dict[str, Any], list[Problem]]:
    values, found = widget_values(node, DEFINITIONS.get(node.type))
    problems = [replace(each, node=level.prefix + node.id) for each in found]
    for slot in node.inputs:
        source = wiring.source(level, slot.link, node) if slot.link else None
        if isinstance(source, Constant):
            values[slot.name] = source.value
        elif source is not None:
            values[slot.name] = source
    return values, problems
