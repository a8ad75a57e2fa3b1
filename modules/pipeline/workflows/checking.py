"""What stands against running a graph: found before anything runs, and said with ComfyUI's words for it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from modules.pipeline.workflows.api_format import shown
from modules.pipeline.workflows.definitions.definition import Input, NodeDefinition
from modules.pipeline.workflows.definitions.table import DEFINITIONS
from modules.pipeline.workflows.graph import Graph, GraphNode, Link, Problem
from modules.pipeline.workflows.ordering import components, is_circle, shortest_circle

MODELS = ("checkpoints", "vaes", "loras", "upscalers")
FOLDERS = {" [input]": "pictures", " [output]": "results", " [temp]": "temporary"}
"""Ends of a picture's name to the list that holds it."""
MAX_NAMED = 5


def check(graph: Graph, choices: Mapping[str, Sequence[str]]) -> list[Problem]:
    """Everything that a person must know before the graph runs.

    Args:
        graph: As it was read.
        choices: What there is, by the names that `Input.choices` uses ("checkpoints", "samplers", "pictures" ...); lists that are not
            given are not checked.

    Returns:
        Problems; each names the output nodes that cannot run for it (none: only nodes that nothing waits for are concerned).
    """
    order = components(graph)
    outputs = _Affected(graph, order)
    problems = list(_check_circles(graph, order))
    users = _users(graph)
    for node in graph.nodes.values():
        definition = DEFINITIONS.get(node.class_type)
        if definition is None:
            problems.append(Problem(node.id, node.class_type, "unknown_node", got=node.class_type, wanted=_cut_off(users.get(node.id, []))))
        else:
            problems += _check_node(graph, node, definition, choices)
    problems = [replace(each, affects=outputs.by(each.node)) for each in problems]
    if not any(is_output(node) for node in graph.nodes.values()):
        problems.insert(0, Problem("", "", "prompt_no_outputs", got=f"{len(graph.nodes)} nodes", wanted="SaveImage, PreviewImage ..."))
    return problems


def runnable_outputs(graph: Graph, problems: Sequence[Problem]) -> list[str]:
    """Ids of the output nodes that no problem stops, in order."""
    stopped = {node for problem in problems for node in problem.affects}
    return [node.id for node in graph.nodes.values() if is_output(node) and node.id not in stopped]


def is_output(node: GraphNode) -> bool:
    """Whether a node's work is wanted for itself, and can be done."""
    definition = DEFINITIONS.get(node.class_type)
    return definition is not None and definition.is_output


class _Affected:
    """Output nodes that wait for a node, itself included.

    Nodes of unknown kind that are given something and give nothing to others count as outputs: what they would have made is missing.
    """

    def __init__(self, graph: Graph, order: list[list[str]]) -> None:
        used = {link.node for node in graph.nodes.values() for link in node.links.values()}
        self._ends = [
            node.id
            for node in graph.nodes.values()
            if is_output(node) or (node.class_type not in DEFINITIONS and node.links and node.id not in used)
        ]
        # One bit an output: sets of thousands of nodes would take minutes.
        self._bits = dict.fromkeys(graph.nodes, 0)
        for place, node_id in enumerate(self._ends):
            self._bits[node_id] = 1 << place
        for component in reversed(order):
            self._hand_on(graph, component)
        self._named: dict[int, tuple[str, ...]] = {}

    def _hand_on(self, graph: Graph, component: list[str]) -> None:
        shared = 0
        for node_id in component:
            shared |= self._bits[node_id]
        for node_id in component:
            self._bits[node_id] = shared
            for link in graph.nodes[node_id].links.values():
                if link.node in self._bits:
                    self._bits[link.node] |= shared

    def by(self, node_id: str) -> tuple[str, ...]:
        bits = self._bits[node_id]
        if bits not in self._named:
            self._named[bits] = tuple(self._ends[place] for place, bit in enumerate(reversed(bin(bits)[2:])) if bit == "1")
        return self._named[bits]


def settle(graph: Graph) -> Graph:
    """The graph as its nodes are called: values in their inputs' types, defaults where an input may be left out and was.

    Values that no type can be made of stay as they are: `check` names them.
    """
    return Graph({node.id: _settle(node) for node in graph.nodes.values()})


def _settle(node: GraphNode) -> GraphNode:
    definition = DEFINITIONS.get(node.class_type)
    if definition is None:
        return node
    inputs = dict(node.inputs)
    for each in definition.widgets:
        if each.name not in inputs:
            if each.is_optional:
                inputs[each.name] = each.default
        elif not isinstance(inputs[each.name], Link):
            try:
                inputs[each.name] = convert(each, inputs[each.name])
            except (TypeError, ValueError, OverflowError):
                continue
    return replace(node, inputs=inputs)


def convert(wanted: Input, value: Any) -> Any:
    """A value as its input takes it; numbers in texts are numbers, as in ComfyUI.

    Raises:
        TypeError, ValueError, OverflowError: It is nothing of that type.
    """
    if value is None or isinstance(value, (list, dict)):
        raise TypeError(f"no {wanted.type}")
    if wanted.type == "INT":
        return int(value)
    if wanted.type == "FLOAT":
        number = float(value)
        if math.isnan(number):
            raise ValueError("not a number")
        return number
    if wanted.type == "STRING":
        return str(value)
    return bool(value) if wanted.type == "BOOLEAN" else value


def find_choice(value: Any, known: Sequence[Any]) -> Any:
    """The entry of a list that a value means: the same, or the same file with the other kind of slash; None = none."""
    if value in known:
        return value
    if isinstance(value, str):
        plain = value.replace("\\", "/")
        return next((each for each in known if isinstance(each, str) and each.replace("\\", "/") == plain), None)
    return None


def _check_circles(graph: Graph, order: list[list[str]]) -> Iterator[Problem]:
    for component in order:
        if is_circle(graph, component):
            way = shortest_circle(graph, component)
            names = " → ".join(way if len(way) <= 12 else [*way[:6], "...", *way[-5:]])
            node = graph.nodes[component[0]]
            yield Problem(node.id, node.class_type, "dependency_cycle", got=names, wanted="nodes that do not wait for each other")


def _users(graph: Graph) -> dict[str, list[str]]:
    """Who is given something by each node: "8 KSampler (model)"."""
    users: dict[str, list[str]] = {}
    for node in graph.nodes.values():
        for name, link in node.links.items():
            users.setdefault(link.node, []).append(f"{node.id} {node.class_type} ({name})")
    return users


def _cut_off(users: list[str]) -> str:
    return ", ".join(users[:MAX_NAMED] + ["..."] * (len(users) > MAX_NAMED))


def _check_node(graph: Graph, node: GraphNode, definition: NodeDefinition, choices: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    for wanted in definition.inputs:
        if wanted.name not in node.inputs:
            if not wanted.is_optional:
                yield _problem(node, "required_input_missing", wanted, None, wanted.type)
            continue
        value = node.inputs[wanted.name]
        if isinstance(value, Link):
            yield from _check_link(graph, node, wanted, value)
        elif wanted.is_widget:
            yield from _check_value(node, wanted, value, choices)
        else:
            yield _problem(node, "bad_linked_input", wanted, value, f"a link to {wanted.type}")


def _check_link(graph: Graph, node: GraphNode, wanted: Input, link: Link) -> Iterator[Problem]:
    source = graph.nodes.get(link.node)
    if source is None:
        yield _problem(node, "bad_linked_input", wanted, link, f"a node that exists, giving {wanted.type}")
        return
    definition = DEFINITIONS.get(source.class_type)
    if definition is None:
        return
    if not 0 <= link.output < len(definition.outputs):
        yield _problem(node, "bad_linked_input", wanted, link, f"output 0 to {len(definition.outputs) - 1} of {source.class_type}")
    elif definition.outputs[link.output][1] != wanted.type:
        yield _problem(node, "return_type_mismatch", wanted, definition.outputs[link.output][1], wanted.type)


def _check_value(node: GraphNode, wanted: Input, value: Any, choices: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    try:
        converted = convert(wanted, value)
    except (TypeError, ValueError, OverflowError):
        yield _problem(node, "invalid_input_type", wanted, value, wanted.type)
        return
    if wanted.type == "COMBO":
        yield from _check_choice(node, wanted, converted, choices)
    elif wanted.low is not None and converted < wanted.low:
        yield _problem(node, "value_smaller_than_min", wanted, value, str(wanted.low))
    elif wanted.high is not None and converted > wanted.high:
        yield _problem(node, "value_bigger_than_max", wanted, value, str(wanted.high))


def _check_choice(node: GraphNode, wanted: Input, value: Any, choices: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    if isinstance(wanted.choices, tuple):
        if value not in wanted.choices:
            yield _problem(node, "value_not_in_list", wanted, value, ", ".join(map(str, wanted.choices)))
        return
    kind, name = wanted.choices, value
    if kind in ("pictures", "results") and isinstance(value, str):
        end = next((end for end in FOLDERS if value.endswith(end)), "")
        kind, name = FOLDERS.get(end, kind), value.removesuffix(end)
    if kind not in choices or find_choice(name, choices[kind]) is not None:
        return
    if wanted.choices in MODELS:
        yield _problem(node, "missing_model", wanted, value, wanted.choices)
    elif wanted.choices in ("pictures", "results"):
        yield _problem(node, "missing_picture", wanted, value, kind)
    else:
        known = list(map(str, choices[kind]))
        yield _problem(node, "value_not_in_list", wanted, value, ", ".join(known[:60] + ["..."] * (len(known) > 60)))


def _problem(node: GraphNode, kind: str, wanted: Input, got: Any, want: str) -> Problem:
    text = "" if got is None and kind == "required_input_missing" else shown(got)
    # Names of files are asked for: they must be whole.
    text = got if kind in ("missing_model", "missing_picture") and isinstance(got, str) else text
    return Problem(node.id, node.class_type, kind, wanted.name, text, want)
