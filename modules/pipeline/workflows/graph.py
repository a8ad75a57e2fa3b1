"""A workflow that can run: nodes by id, what each is given, and who gives it (ComfyUI's API format, read)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Link(NamedTuple):
    """What another node gives.

    Attributes:
        node: Its id.
        output: Which of its outputs, from 0.
    """

    node: str
    output: int


@dataclass(frozen=True)
class GraphNode:
    """One node.

    Attributes:
        id: "6", or "10:6" for node 6 inside subgraph instance 10.
        class_type: What it does; a name in `definitions.table.DEFINITIONS`, or one that is not known here.
        inputs: By name: a `Link`, or a JSON value.
        title: What the drawing calls it; "" = its type.
    """

    id: str
    class_type: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""

    @property
    def links(self) -> dict[str, Link]:
        """The inputs that other nodes give."""
        return {name: value for name, value in self.inputs.items() if isinstance(value, Link)}


@dataclass(frozen=True)
class Graph:
    """All nodes that could run; virtual, muted and bypassed ones are gone.

    Attributes:
        nodes: By id, in the order of the file.
    """

    nodes: Mapping[str, GraphNode]

    def of_type(self, *class_types: str) -> Iterator[GraphNode]:
        """The nodes of these types, in order."""
        return (node for node in self.nodes.values() if node.class_type in class_types)

    def users(self, node_id: str) -> list[tuple[GraphNode, str]]:
        """Who is given an output of a node, and as which input."""
        return [(node, name) for node in self.nodes.values() for name, link in node.links.items() if link.node == node_id]


@dataclass(frozen=True)
class Problem:
    """What a person must know of a node, before anything runs.

    Attributes:
        node: Its id; "" = the workflow as a whole.
        class_type: Its type.
        kind: ComfyUI's word: "required_input_missing", "value_not_in_list", "value_smaller_than_min", "value_bigger_than_max",
            "return_type_mismatch", "bad_linked_input", "invalid_input_type", "custom_validation_failed", "prompt_no_outputs",
            "dependency_cycle"; and ours: "unknown_node" (`wanted`: who is given something by it), "missing_model" and "missing_picture"
            (`got`: the whole name, `wanted`: the list it is not in), "ignored" (an input or value that the node does not have),
            "other_model" (`got` is not here, and `wanted` is taken for it),
            "workflow_differs" (what was on screen is not what ran; `got`: where; the latter runs).
        field: The input in question; "".
        got, wanted: What came, what was wanted.
        affects: Ids of output nodes that cannot run for it; empty = it can be lived with.
    """

    node: str
    class_type: str
    kind: str
    field: str = ""
    got: str = ""
    wanted: str = ""
    affects: tuple[str, ...] = ()


@dataclass(frozen=True)
class DrawnNode:
    """A node as the drawing shows it; positions in the file's own units (px at zoom 1).

    Attributes:
        id: As in the graph, also of nodes that are not in it (notes, reroutes, muted ones).
        texts: (name, value) of its widgets, as text.
        inputs, outputs: (name, type) in order.
        mode: "", "muted" or "bypassed".
        is_known: Whether the program can run it, or need not (Note, Reroute).
    """

    id: str
    class_type: str
    title: str
    x: float
    y: float
    width: float
    height: float
    inputs: tuple[tuple[str, str], ...] = ()
    outputs: tuple[tuple[str, str], ...] = ()
    texts: tuple[tuple[str, str], ...] = ()
    mode: str = ""
    is_known: bool = True
    color: str = ""


@dataclass(frozen=True)
class DrawnLink:
    """A line from an output to an input, by index."""

    from_node: str
    from_slot: int
    to_node: str
    to_slot: int
    type: str


@dataclass(frozen=True)
class DrawnGroup:
    """A titled frame."""

    title: str
    x: float
    y: float
    width: float
    height: float
    color: str = ""


@dataclass(frozen=True)
class Drawing:
    """What a person sees of a workflow."""

    nodes: tuple[DrawnNode, ...] = ()
    links: tuple[DrawnLink, ...] = ()
    groups: tuple[DrawnGroup, ...] = ()


@dataclass(frozen=True)
class Workflow:
    """A file that was read.

    Attributes:
        graph: What runs.
        drawing: What is shown.
        source: "ui" or "api": which of the two formats it was read from.
        problems: What the reading itself found (nodes not known, widgets that could not be told apart ...).
        extra: The file's `extra`, or {}.
    """

    graph: Graph
    drawing: Drawing
    source: str
    problems: tuple[Problem, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
