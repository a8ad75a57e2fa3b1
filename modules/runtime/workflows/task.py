"""A workflow's graph as a job of the one queue: what it runs is plain data, so that a restart begins it again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from modules.pipeline.workflows.graph import Graph
from modules.pipeline.workflows.running import order_nodes, output_nodes, run_graph
from modules.runtime.context import JobContext
from modules.runtime.workflows.api_graph import graph_from_json
from modules.runtime.workflows.result import KeptPicture, WorkflowResult

KIND = "workflow"
SAVES = "SaveImage"
SENDS = "SaveImageWebsocket"
"""A node whose pictures are told to who listens, and not as files."""
_COSTS: Mapping[str, float] = {"VAEEncode": 1.0, "VAEDecode": 1.5, "VAEEncodeForInpaint": 1.0, "InpaintModelConditioning": 2.0}
_COST_OF_OTHERS = 0.1

Event = Callable[[str, Mapping[str, Any]], None]
"""Hears what happens: "begin", "node", "step", "preview", "done", "end", with values."""


@dataclass
class GraphOrder:
    """What a graph job is to do.

    Attributes:
        graph: In the API format.
        outputs: Ids of the output nodes that are wanted; empty = all.
        pictures: Asset ids of pictures that were handed in, by the names that the graph has for them.
        drawn: The workflow as it is drawn, for the files; None = as the graph was posted.
        name: Of the workflow's file.
        notes: What is to be said with the result.
    """

    graph: Mapping[str, Any]
    outputs: Sequence[str] = ()
    pictures: Mapping[str, str] = field(default_factory=dict)
    drawn: Any = None
    name: str = ""
    notes: Sequence[str] = ()

    def as_json(self) -> dict[str, Any]:
        """For a recipe."""
        values = {"graph": dict(self.graph), "outputs": list(self.outputs), "pictures": dict(self.pictures)}
        return values | {"drawn": self.drawn, "name": self.name, "notes": list(self.notes)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> GraphOrder:
        """What `as_json` gave; what is missing has its default."""
        graph, drawn, name = dict(values.get("graph") or {}), values.get("drawn"), str(values.get("name") or "")
        notes = tuple(map(str, values.get("notes") or ()))
        return cls(graph, tuple(values.get("outputs") or ()), dict(values.get("pictures") or {}), drawn, name, notes)


@dataclass
class GraphTask:
    """What a graph job runs (`jobs.Task`).

    Attributes:
        make_context: Gives the `GraphContext` of a run.
        user: Login of the person.
        listeners: Hear what happens, in the worker's thread.
        needed: Ids of all nodes that take part, in the order of their work.
        node: The one that works now; "" = none.
        done: Ids of nodes that are finished, in order; `reused` those of them that an earlier run had done.
        pictures: What output nodes made so far, by node.
    """

    order: GraphOrder
    make_context: Callable[[GraphTask, JobContext, Graph], Any]
    user: str | None = None
    listeners: list[Event] = field(default_factory=list)
    needed: list[str] = field(default_factory=list)
    node: str = ""
    done: list[str] = field(default_factory=list)
    reused: list[str] = field(default_factory=list)
    pictures: dict[str, list[KeptPicture]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def run(self, context: JobContext) -> WorkflowResult:
        """Do it; interrupted, what is finished stays.

        Raises:
            NodeFailed: A node could not do its work.
            InvalidRequest: The order is none, or nothing in it makes a picture.
        """
        graph = graph_from_json(self.order.graph)
        self.done, self.reused, self.pictures, self.notes = [], [], {}, list(self.order.notes)
        self._count(graph, context)
        self.tell("begin", {})
        ran = run_graph(graph, self.make_context(self, context, graph), list(self.order.outputs) or None)
        made = [picture for node in ran.pictures for picture in self.pictures.get(node, [])]
        result = WorkflowResult(made, {node: self.pictures.get(node, []) for node in ran.pictures}, list(self.notes))
        result.is_interrupted = ran.is_interrupted or context.is_interrupted()
        if not result.is_interrupted:
            self.node = ""
        return result

    def tell(self, event: str, values: Mapping[str, Any]) -> None:
        """Let the listeners hear."""
        for listener in list(self.listeners):
            listener(event, values)

    def _count(self, graph: Graph, context: JobContext) -> None:
        """Nodes are what the job counts, each by about what it costs."""
        nodes = order_nodes(graph, list(self.order.outputs) or output_nodes(graph))
        self.needed = [node.id for node in nodes]
        with context.job.changing() as job:
            job.images, job.is_counted, job.image_no = len(self.needed), True, 0
            job.weights = tuple(_cost(node.class_type, node.inputs) for node in nodes)
            job.began_s = time.time()


def _cost(class_type: str, inputs: Mapping[str, Any]) -> float:
    steps = inputs.get("steps")
    if "Sampler" in class_type and not class_type.endswith("Select"):
        return float(steps) if isinstance(steps, int) and steps > 0 else 20.0
    return _COSTS.get(class_type, _COST_OF_OTHERS)
