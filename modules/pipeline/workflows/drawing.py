"""What a person sees of a workflow: as the file lays it out, or laid out here where it does not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from modules.pipeline.workflows.definitions.table import DEFINITIONS, VIRTUAL
from modules.pipeline.workflows.graph import Drawing, DrawnLink, DrawnNode, Graph, GraphNode, Link
from modules.pipeline.workflows.ordering import components
from modules.pipeline.workflows.subgraphs import promoted_values, proxy_widgets
from modules.pipeline.workflows.ui_format import BYPASSED, MUTED, Canvas, CanvasNode, Subgraph
from modules.pipeline.workflows.widgets import widget_values

MODES = {MUTED: "muted", BYPASSED: "bypassed"}
LEFT, TOP, GAP_X, GAP_Y = 100.0, 130.0, 80.0, 50.0
WIDTH, TEXT_WIDTH = 270.0, 400.0
TITLE, ROW, WIDGET, TEXT_HEIGHT, PICTURE_HEIGHT = 36.0, 20.0, 24.0, 130.0, 220.0
MAX_TEXT = 20_000
"""Of a widget's value, characters: a drawing is looked at, not kept."""


def draw_canvas(canvas: Canvas, subgraphs: Mapping[str, Subgraph]) -> Drawing:
    """The canvas as it was on screen; an instance of a subgraph is one node, with what it shows of its inner ones."""
    nodes = [_drawn(node, subgraphs) for node in canvas.nodes.values()]
    slots = {(node.id, slot.link): place for node in canvas.nodes.values() for place, slot in enumerate(node.inputs) if slot.link}
    links = [
        DrawnLink(link.origin, link.origin_slot, link.target, slots[link.target, link.id], link.type)
        for link in canvas.links.values()
        if link.origin in canvas.nodes and (link.target, link.id) in slots
    ]
    return Drawing(tuple(_spread(nodes)), tuple(links), canvas.groups)


def with_values(drawing: Drawing, graph: Graph) -> Drawing:
    """The drawing, showing the values that run."""
    return replace(
        drawing,
        nodes=tuple(
            replace(node, texts=_texts(graph.nodes[node.id])) if node.id in graph.nodes and node.class_type in DEFINITIONS else node
            for node in drawing.nodes
        ),
    )


def lay_out(graph: Graph) -> Drawing:
    """Places for all nodes, in columns: each right of all that it is given, near their height."""
    order = components(graph)
    depth: dict[str, int] = {}
    for component in order:
        given = [link.node for node_id in component for link in graph.nodes[node_id].links.values() if link.node in depth]
        depth.update(dict.fromkeys(component, 1 + max((depth[node] for node in given), default=-1)))
    columns: dict[int, list[DrawnNode]] = defaultdict(list)
    used = _used_outputs(graph)
    for node in graph.nodes.values():
        columns[depth[node.id]].append(_laid(node, used[node.id]))
    placed: dict[str, DrawnNode] = {}
    x = LEFT
    for column in sorted(columns):
        y = TOP
        for drawn in sorted(columns[column], key=lambda each: _wanted_height(graph.nodes[each.id], placed)):
            placed[drawn.id] = replace(drawn, x=x, y=y)
            y += drawn.height + GAP_Y
        x += max(drawn.width for drawn in columns[column]) + GAP_X
    links = [_line(placed, user, place, link) for user in graph.nodes.values() for place, link in enumerate(user.links.values())]
    return Drawing(tuple(placed[node_id] for node_id in graph.nodes), tuple(line for line in links if line))


def _drawn(node: CanvasNode, subgraphs: Mapping[str, Subgraph]) -> DrawnNode:
    definition, subgraph = DEFINITIONS.get(node.type), subgraphs.get(node.type)
    texts = _shown_values(node, subgraph, subgraphs) if subgraph else _own_values(node)
    inputs = tuple((slot.name, slot.type) for slot in node.inputs)
    x, y, width, height = node.place
    return DrawnNode(
        id=node.id,
        class_type=node.type,
        title=node.title or (definition.title if definition else subgraph.name if subgraph else node.type),
        x=LEFT if x is None else x,
        y=TOP if y is None else y,
        width=width or WIDTH,
        height=height or _height(node.type, len(inputs), len(node.outputs), len(texts)),
        inputs=inputs,
        outputs=tuple((slot.name or slot.type, slot.type) for slot in node.outputs),
        texts=texts,
        mode=MODES.get(node.mode, ""),
        is_known=bool(definition or subgraph) or node.type in VIRTUAL,
        color=node.color,
    )


def _own_values(node: CanvasNode) -> tuple[tuple[str, str], ...]:
    values, _ = widget_values(node, DEFINITIONS.get(node.type))
    if values or node.type in DEFINITIONS:
        return tuple((name, _text(value)) for name, value in values.items())
    listed = node.values.items() if isinstance(node.values, dict) else (("", value) for value in node.values)
    return tuple((name, _text(value)) for name, value in listed)


def _shown_values(node: CanvasNode, subgraph: Subgraph, subgraphs: Mapping[str, Subgraph]) -> tuple[tuple[str, str], ...]:
    shown: dict[str, Any] = dict(promoted_values(node, subgraph))
    for inner_id, name in proxy_widgets(node):
        inner = subgraph.canvas.nodes.get(inner_id)
        if inner is not None and name not in shown:
            values = (
                promoted_values(inner, subgraphs[inner.type])
                if inner.type in subgraphs
                else widget_values(inner, DEFINITIONS.get(inner.type))[0]
            )
            if name in values:
                shown[name] = values[name]
    return tuple((name, _text(value)) for name, value in shown.items())


def _texts(node: GraphNode) -> tuple[tuple[str, str], ...]:
    return tuple((name, _text(value)) for name, value in node.inputs.items() if not isinstance(value, Link))


def _text(value: Any) -> str:
    return (value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value))[:MAX_TEXT]


def _height(kind: str, inputs: int, outputs: int, values: int) -> float:
    definition = DEFINITIONS.get(kind)
    widgets = definition.widgets if definition else ()
    extra = sum(TEXT_HEIGHT for each in widgets if each.is_multiline) + sum(PICTURE_HEIGHT for each in widgets if each.is_upload)
    return TITLE + ROW * max(inputs, outputs) + WIDGET * values + extra


def _spread(nodes: list[DrawnNode]) -> list[DrawnNode]:
    """Nodes that the file has no place for do not lie on each other."""
    taken: set[tuple[float, float]] = set()
    result = []
    for node in nodes:
        while (node.x, node.y) in taken:
            node = replace(node, x=node.x + ROW, y=node.y + ROW)
        taken.add((node.x, node.y))
        result.append(node)
    return result


def _laid(node: GraphNode, used: int) -> DrawnNode:
    definition = DEFINITIONS.get(node.class_type)
    types = {each.name: each.type for each in definition.inputs} if definition else {}
    inputs = tuple((name, types.get(name, "*")) for name in node.links)
    outputs = definition.outputs if definition else tuple((str(place), "*") for place in range(used))
    texts = _texts(node)
    is_long = any(each.is_multiline for each in definition.widgets) if definition else False
    return DrawnNode(
        id=node.id,
        class_type=node.class_type,
        title=node.title or (definition.title if definition else node.class_type),
        x=LEFT,
        y=TOP,
        width=TEXT_WIDTH if is_long else WIDTH,
        height=_height(node.class_type, len(inputs), len(outputs), len(texts)),
        inputs=inputs,
        outputs=outputs,
        texts=texts,
        is_known=definition is not None,
    )


def _used_outputs(graph: Graph) -> dict[str, int]:
    used = dict.fromkeys(graph.nodes, 0)
    for node in graph.nodes.values():
        for link in node.links.values():
            if link.node in used and 0 <= link.output < 100:
                used[link.node] = max(used[link.node], link.output + 1)
    return used


def _wanted_height(node: GraphNode, placed: Mapping[str, DrawnNode]) -> float:
    heights = [placed[link.node].y for link in node.links.values() if link.node in placed]
    return sum(heights) / len(heights) if heights else 0.0


def _line(placed: Mapping[str, DrawnNode], user: GraphNode, slot: int, link: Link) -> DrawnLink | None:
    source = placed.get(link.node)
    if source is None or not 0 <= link.output < len(source.outputs):
        return None
    return DrawnLink(link.node, link.output, user.id, slot, source.outputs[link.output][1])
