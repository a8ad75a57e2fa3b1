"""Running a graph: from what is wanted backwards, each node once, and only those whose inputs changed since an earlier run."""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from modules.base.errors import InvalidRequest, PentimentoError
from modules.base.registry import load_dotted
from modules.pipeline.workflows.context import GraphContext, GraphInterrupted, NodeRun, SavedPicture, Work
from modules.pipeline.workflows.definitions.definition import Input, NodeDefinition
from modules.pipeline.workflows.definitions.table import DEFINITIONS
from modules.pipeline.workflows.graph import Graph, GraphNode, Link
from modules.pipeline.workflows.results import measure_bytes

log = logging.getLogger(__name__)
FILES = ("checkpoints", "vaes", "loras", "upscalers", "pictures", "results")
"""Lists of choices that are lists of files."""
EMBEDDING_MARK = "embedding:"
MAX_BYTES = 3 << 30
"""Of all that one node gives: some more than `limits.MAX_PIXELS` in four channels."""
_MAKERS: Mapping[str, type] = {"INT": int, "FLOAT": float, "STRING": str, "BOOLEAN": bool}


class NodeFailed(PentimentoError):
    """A node could not do its work; `__cause__` is why.

    Args:
        node: What failed.
        reason: Why, in words.
        field: The input it is about; "" = none in particular.
    """

    def __init__(self, node: GraphNode, reason: str, field: str = "") -> None:
        self.node, self.class_type, self.field, self.reason = node.id, node.class_type, field, reason
        title = f" {node.title!r}" if node.title and node.title != node.class_type else ""
        super().__init__(f"node {node.id} ({node.class_type}{title}): {reason}")


@dataclass
class GraphResult:
    """What came of a run.

    Attributes:
        pictures: Files by id of the output node that made them, in the order they were made.
        ran: Ids of nodes that worked.
        reused: Ids of nodes whose values were there from an earlier run.
        is_interrupted: Whether it was cut short; `pictures` has what was made before.
    """

    pictures: dict[str, list[SavedPicture]] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    reused: list[str] = field(default_factory=list)
    is_interrupted: bool = False


def output_nodes(graph: Graph) -> list[str]:
    """Ids of nodes whose work is wanted for itself, in the order of the file."""
    return [node.id for node in graph.nodes.values() if (known := DEFINITIONS.get(node.class_type)) is not None and known.is_output]


def run_graph(graph: Graph, context: GraphContext, outputs: Collection[str] | None = None) -> GraphResult:
    """Run what the output nodes need, and them.

    Args:
        graph: Checked (`checking.check`) for a clear message; what it would have found fails here at the node in question.
        context: Gives files, takes results, is told of progress.
        outputs: Ids of the output nodes that are wanted; None = all.

    Raises:
        NodeFailed: A node is unknown, lacks an input, hangs in a circle, or could not do its work.
        InvalidRequest: There is no output node.
    """
    wanted = output_nodes(graph) if outputs is None else [node for node in graph.nodes if node in outputs]
    if not wanted:
        raise InvalidRequest("prompt", f"{len(graph.nodes)} nodes", "a node whose result is kept, such as SaveImage or PreviewImage")
    return _Run(graph, context, order_nodes(graph, wanted)).go()


def order_nodes(graph: Graph, wanted: Sequence[str]) -> list[GraphNode]:
    """All nodes that `wanted` need, and these, each after what it needs; without recursion, as graphs may be thousands deep.

    Raises:
        NodeFailed: A link leads nowhere, or back to where it came from.
    """
    order: dict[str, GraphNode] = {}
    opened: set[str] = set()
    for start in wanted:
        pending = [start]
        while pending:
            node = graph.nodes[pending[-1]]
            if node.id in order:
                pending.pop()
                continue
            opened.add(node.id)
            needed = [(name, link.node) for name, link in _links(node).items() if link.node not in order]
            for name, source in needed:
                if source not in graph.nodes:
                    raise NodeFailed(node, f"{name} comes from node {source}, which is not there", name)
                if source in opened:
                    raise NodeFailed(node, f"{name} depends on the node itself: the links form a circle", name)
            if needed:
                pending.append(needed[0][1])
            else:
                order[node.id] = node
                opened.discard(pending.pop())
    return list(order.values())


class _Run:
    def __init__(self, graph: Graph, context: GraphContext, order: Sequence[GraphNode]) -> None:
        self._graph, self._context, self._order = graph, context, order
        self._keys: dict[str, str] = {}
        self._values: dict[str, tuple[Any, ...]] = {}
        self._users: Counter[str] = Counter()
        self._result = GraphResult()

    def go(self) -> GraphResult:
        try:
            for node in self._plan():
                if self._context.is_interrupted():
                    raise GraphInterrupted
                self._go_through(node)
        except GraphInterrupted:
            self._result.is_interrupted = True
        return self._result

    def _plan(self) -> list[GraphNode]:
        """What has to be gone through: neither what only nodes need whose values are known, nor, again, these; those are taken here."""
        for node in self._order:
            self._keys[node.id] = self._key(node, _definition(node))
        given = {link.node for node in self._order for link in _links(node).values()}
        needed = {node.id for node in self._order if node.id not in given or _definition(node).is_output}
        for node in reversed(self._order):
            if node.id not in needed:
                continue
            known = None if _definition(node).is_output else self._context.results.find(self._keys[node.id])
            if known is None:
                needed.update(link.node for link in _links(node).values())
                self._users.update(link.node for link in _links(node).values())
            else:
                self._values[node.id] = known
        return [node for node in self._order if node.id in needed]

    def _go_through(self, node: GraphNode) -> None:
        if node.id in self._values:
            self._result.reused.append(node.id)
            self._context.on_done(node.id, (), is_reused=True)
            return
        self._context.on_node(node.id)
        run, definition = NodeRun(self._context, node.id), _definition(node)
        values = self._values[node.id] = self._work(node, definition, run)
        self._result.ran.append(node.id)
        if definition.is_output:
            self._result.pictures[node.id] = list(run.saved)
        else:
            self._context.results.keep(self._keys[node.id], values)
        self._let_go(node)
        self._context.on_done(node.id, run.saved, is_reused=False)

    def _let_go(self, node: GraphNode) -> None:
        """Drop values that no node waits for any more."""
        for link in _links(node).values():
            self._users[link.node] -= 1
            if not self._users[link.node]:
                self._values.pop(link.node, None)

    def _key(self, node: GraphNode, definition: NodeDefinition) -> str:
        """Equal only where a node would give equal values."""
        parts: list[Any] = [node.class_type]
        for known in definition.inputs:
            name, value = known.name, node.inputs.get(known.name)
            if isinstance(value, Link):
                parts.append((name, self._keys[value.node], value.output))
                continue
            kind = known.choices if known.choices in FILES else ""
            if isinstance(value, str) and EMBEDDING_MARK in value:
                kind = "embeddings"
            stamp = self._context.stamp(kind, "" if kind == "embeddings" else str(value)) if kind else None
            parts.append((name, value, repr(stamp)))
        return hashlib.sha256(json.dumps(parts, default=repr).encode()).hexdigest()

    def _work(self, node: GraphNode, definition: NodeDefinition, run: NodeRun) -> tuple[Any, ...]:
        try:
            inputs = dict(self._inputs(node, definition))
            work: Work = load_dotted(definition.work)  # type: ignore[assignment]
            values = work(run, **inputs)
        except (GraphInterrupted, NodeFailed):
            raise
        except PentimentoError as error:
            raise NodeFailed(node, str(error), getattr(error, "field", "")) from error
        except Exception as error:  # torch says in many ways that tensors do not fit
            log.exception("node %s (%s) failed", node.id, node.class_type)
            raise NodeFailed(node, f"{type(error).__name__}: {error}") from error
        if (size := measure_bytes(values)) > MAX_BYTES:
            raise NodeFailed(node, f"it gives {size >> 20} MiB, at most {MAX_BYTES >> 20} MiB are taken")
        return values

    def _inputs(self, node: GraphNode, definition: NodeDefinition) -> Iterator[tuple[str, Any]]:
        for known in definition.inputs:
            if known.name not in node.inputs:
                if not known.is_optional:
                    raise NodeFailed(node, f"{known.name} is missing", known.name)
                if known.is_widget:
                    yield known.name, known.default
                continue
            value = node.inputs[known.name]
            if isinstance(value, Link):
                source = self._values[value.node]
                if value.output >= len(source):
                    raise NodeFailed(node, f"{known.name}: node {value.node} has no output {value.output}", known.name)
                value = source[value.output]
            elif not known.is_widget:
                raise NodeFailed(node, f"{known.name}: got {value!r:.80}, wanted a link that gives {known.type}", known.name)
            yield known.name, _fit(value, known)


def _definition(node: GraphNode) -> NodeDefinition:
    definition = DEFINITIONS.get(node.class_type)
    if definition is None:
        raise NodeFailed(node, "this kind of node is not known here")
    return definition


def _links(node: GraphNode) -> dict[str, Link]:
    """Those inputs from other nodes that this kind of node has."""
    definition = _definition(node)
    return {name: link for name, link in node.links.items() if definition.input(name) is not None}


def _fit(value: Any, known: Input) -> Any:
    """A widget's value as the kind that its node takes; "7" is a number, 7 a FLOAT."""
    make = _MAKERS.get(known.type)
    if make is None:
        return value
    try:
        return make(value)
    except (TypeError, ValueError, OverflowError):
        raise InvalidRequest(known.name, value, known.type) from None
