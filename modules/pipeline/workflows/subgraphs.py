"""Instances of subgraphs, unfolded: one level for the canvas and one for each instance, instances in instances too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from modules.base.errors import InvalidRequest
from modules.pipeline.workflows.api_format import MAX_NODES
from modules.pipeline.workflows.definitions.definition import WIDGET_TYPES
from modules.pipeline.workflows.graph import Problem
from modules.pipeline.workflows.ui_format import MAX_DEPTH, Canvas, CanvasNode, Slot, Subgraph
from modules.pipeline.workflows.widgets import take_in_order

ITSELF = "-1"
"""In `proxyWidgets`: a widget of the instance's own input."""


@dataclass(frozen=True)
class Level:
    """The canvas, or the inside of one instance.

    Attributes:
        prefix: Before the ids of its nodes: "", "10:", "10:4:".
        outside: The level that the instance lies on; None for the canvas.
        instance, subgraph: What is unfolded here; None for the canvas.
        inner: Levels of the instances on this one, by their id here.
        ancestors: Ids of the definitions that this level lies in.
    """

    prefix: str
    canvas: Canvas
    outside: Level | None = None
    instance: CanvasNode | None = None
    subgraph: Subgraph | None = None
    inner: dict[str, Level] = field(default_factory=dict)
    ancestors: tuple[str, ...] = ()


def unfold(canvas: Canvas, subgraphs: Mapping[str, Subgraph]) -> tuple[Level, list[Problem]]:
    """All levels below a canvas. Muted and bypassed instances stay folded: nothing in them runs.

    Returns:
        The canvas's level; instances that hold themselves, which stay folded too.

    Raises:
        InvalidRequest: More than `MAX_NODES` nodes once unfolded, or deeper than `MAX_DEPTH`.
    """
    top = Level("", canvas)
    problems: list[Problem] = []
    waiting, count = [top], len(canvas.nodes)
    while waiting:
        level = waiting.pop()
        for node in level.canvas.nodes.values():
            subgraph = subgraphs.get(node.type)
            if subgraph is None or node.mode:
                continue
            if subgraph.id in level.ancestors:
                problems.append(
                    Problem(level.prefix + node.id, node.type, "dependency_cycle", "", subgraph.name, "a subgraph not in itself")
                )
                continue
            count += len(subgraph.canvas.nodes)
            if count > MAX_NODES or len(level.ancestors) >= MAX_DEPTH:
                raise InvalidRequest(
                    "workflow: subgraphs", f"{count} nodes, {len(level.ancestors)} deep", f"at most {MAX_NODES}, {MAX_DEPTH}"
                )
            inside = (*level.ancestors, subgraph.id)
            inner = Level(f"{level.prefix}{node.id}:", subgraph.canvas, level, node, subgraph, ancestors=inside)
            level.inner[node.id] = inner
            waiting.append(inner)
    return top, problems


def levels(top: Level) -> Iterator[Level]:
    """All levels, outer ones first."""
    waiting = [top]
    while waiting:
        level = waiting.pop()
        yield level
        waiting += reversed(level.inner.values())


def outer_slot(level: Level, index: int) -> tuple[Slot | None, Any]:
    """What the instance is given for input `index` of its subgraph.

    Returns:
        The instance's slot, whose link counts if it has one, or None; else the value of the widget that was drawn out to the instance, or
        None where it keeps none and the inner one counts.
    """
    instance, subgraph = level.instance, level.subgraph
    if instance is None or subgraph is None or not 0 <= index < len(subgraph.inputs):
        return None, None
    slot = _slot_for(instance, subgraph, index)
    return slot, promoted_values(instance, subgraph).get(subgraph.inputs[index].name)


def _slot_for(instance: CanvasNode, subgraph: Subgraph, index: int) -> Slot | None:
    wanted = subgraph.inputs[index]
    named = next((slot for slot in instance.inputs if slot.name == wanted.name), None)
    if named is not None or index >= len(instance.inputs):
        return named
    names = {each.name for each in subgraph.inputs}
    there = instance.inputs[index]
    return there if there.name not in names and there.type == wanted.type else None


def promoted_values(instance: CanvasNode, subgraph: Subgraph) -> dict[str, Any]:
    """Values of the instance's own widgets, by the name of the subgraph's input. Those of `proxyWidgets` stay in the inner nodes."""
    if isinstance(instance.values, dict):
        return dict(instance.values)
    by_type = {slot.name: slot.type for slot in subgraph.inputs}
    proxies = proxy_widgets(instance)
    if any(node == ITSELF for node, _ in proxies):
        order = [(name if node == ITSELF else "", name) for node, name in proxies]
    else:
        order = [(slot.name, slot.name) for slot in subgraph.inputs if _is_widget(instance, slot)]
    # Two entries may not share a name: those of inner widgets are counted, and then left out.
    # What becomes of a seed has an entry only where there are more entries than widgets; elsewhere, true is a widget's own.
    has_more = len(instance.values) > len(order)
    kinds = [by_type.get(own, "INT" if "seed" in name else "") for own, name in order]
    numbered = [(str(place), has_more and kind == "INT") for place, kind in enumerate(kinds)]
    values, _ = take_in_order(numbered, instance.values)
    return {own: values[str(place)] for place, (own, _) in enumerate(order) if own and str(place) in values}


def _is_widget(instance: CanvasNode, wanted: Slot) -> bool:
    slot = next((each for each in instance.inputs if each.name == wanted.name), None)
    return slot.is_widget if slot is not None else wanted.type in WIDGET_TYPES


def proxy_widgets(instance: CanvasNode) -> list[tuple[str, str]]:
    """(inner node, widget) of what an instance shows of its inner nodes."""
    listed = instance.properties.get("proxyWidgets")
    pairs = listed if isinstance(listed, list) else []
    return [(str(each[0]), str(each[1])) for each in pairs if isinstance(each, list) and len(each) >= 2]
