"""Workflows out of files: pictures that ComfyUI or this program made, and JSON in either of ComfyUI's formats."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from modules.base.errors import InvalidRequest
from modules.pipeline.workflows.api_format import is_api, read_api
from modules.pipeline.workflows.chunks import find_texts, is_picture
from modules.pipeline.workflows.definitions.table import DEFINITIONS
from modules.pipeline.workflows.drawing import draw_canvas, lay_out, with_values
from modules.pipeline.workflows.graph import Drawing, Graph, Link, Problem, Workflow
from modules.pipeline.workflows.subgraphs import unfold
from modules.pipeline.workflows.ui_format import is_ui, read_canvas, read_subgraphs
from modules.pipeline.workflows.wiring import to_graph

MAX_JSON_BYTES = 64 * 2**20
EXACT_INTEGERS = 2**53
"""JavaScript's numbers are whole up to here: what ComfyUI's page writes of larger seeds is rounded."""
MAX_NAMED = 12
WANTED = "a workflow of ComfyUI: a PNG or WebP that carries one, or JSON in its UI or API format"


def read_workflow(data: bytes, name: str = "") -> Workflow:
    """The workflow in a file.

    Args:
        data: A picture (PNG, WebP ...) or JSON, in UTF-8 or UTF-16.
        name: Of the file, for messages.

    Raises:
        InvalidRequest: There is none in it, or it is damaged; the error says where.
    """
    field = name or "workflow"
    if not is_picture(data):
        return read_object(parse_json(_decode(data, field), field))
    texts = find_texts(data)
    if "workflow" not in texts and "prompt" not in texts:
        only = " with A1111's infotext only" if "parameters" in texts else " without a workflow"
        raise InvalidRequest(field, "a picture" + only, WANTED)
    found: dict[str, Any] = {}
    damage: InvalidRequest | None = None
    for part in ("prompt", "workflow"):
        if part in texts:
            try:
                found[part] = parse_json(texts[part], f"{field}: {part}")
            except InvalidRequest as error:
                damage = error
    try:
        return read_object(found)
    except InvalidRequest as error:
        raise (damage or error) from None


def read_object(plain: Any) -> Workflow:
    """The workflow in a JSON value: the UI format, the API format, or an object with one of each as `workflow` and `prompt`
    (also as it is sent to ComfyUI: {"prompt", "extra_data": {"extra_pnginfo": {"workflow"}}}).

    Raises:
        InvalidRequest: It is none of these, or a node in it is malformed.
    """
    if is_ui(plain):
        return _read_ui(plain)
    if is_api(plain):
        return _read_api(plain)
    prompt, canvas = _parts(plain)
    if is_api(prompt):
        return _read_both(prompt, canvas) if is_ui(canvas) else _read_api(prompt)
    if is_ui(canvas):
        return _read_ui(canvas)
    raise InvalidRequest("workflow", plain, WANTED)


def parse_json(text: str, field: str = "workflow") -> Any:
    """JSON, NaN and Infinity included.

    Raises:
        InvalidRequest: It is none, or nested too deep.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = "nested too deep" if isinstance(error, RecursionError) else str(error)
        raise InvalidRequest(field, text[:40], f"JSON ({reason})") from None


def _decode(data: bytes, field: str) -> str:
    if len(data) > MAX_JSON_BYTES:
        raise InvalidRequest(field, f"{len(data)} bytes", f"at most {MAX_JSON_BYTES} bytes of JSON")
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise InvalidRequest(field, data[:16], WANTED) from None


def _parts(plain: Any) -> tuple[Any, Any]:
    """What stands under `prompt` and `workflow`, themselves texts of JSON in some files."""
    if not isinstance(plain, dict):
        return None, None
    sent = plain.get("extra_data")
    info = sent.get("extra_pnginfo") if isinstance(sent, dict) else None
    canvas = plain.get("workflow") or (info.get("workflow") if isinstance(info, dict) else None)
    prompt, canvas = (parse_json(part) if isinstance(part, str) else part for part in (plain.get("prompt"), canvas))
    return prompt, canvas


def _read_api(plain: Mapping[str, Any]) -> Workflow:
    graph, problems = read_api(plain)
    return Workflow(graph, lay_out(graph), "api", tuple(problems))


def _read_ui(plain: Mapping[str, Any]) -> Workflow:
    canvas, subgraphs = read_canvas(plain), read_subgraphs(plain)
    top, problems = unfold(canvas, subgraphs)
    graph, found = to_graph(top)
    if not canvas.nodes:
        raise InvalidRequest("workflow: nodes", [], "at least one node")
    drawing = with_values(draw_canvas(canvas, subgraphs), graph)
    extra = plain.get("extra")
    return Workflow(graph, drawing, "ui", (*problems, *found), extra if isinstance(extra, dict) else {})


def _read_both(prompt: Mapping[str, Any], plain: Mapping[str, Any]) -> Workflow:
    """What ran is the graph, what was on screen its drawing: nodes that only ComfyUI's page knew are wired up in the former already."""
    ran = _read_api(prompt)
    try:
        shown = _read_ui(plain)
    except InvalidRequest as error:
        return replace(ran, problems=(*ran.problems, Problem("", "", "ignored", "workflow", str(error), "prompt")))
    others = differences(ran.graph, shown.graph)
    drawn = {node.id.split(":")[0] for node in ran.graph.nodes.values()} <= {node.id for node in shown.drawing.nodes}
    drawing = with_values(_not_needed(shown.drawing, ran.graph), ran.graph) if drawn else ran.drawing
    problems = ran.problems
    if others:
        names = ", ".join(others[:MAX_NAMED] + ["..."] * (len(others) > MAX_NAMED))
        problems = (*problems, Problem("", "", "workflow_differs", "workflow", names, "prompt"))
    return replace(shown, graph=ran.graph, drawing=drawing, problems=problems)


def _not_needed(drawing: Drawing, ran: Graph) -> Drawing:
    """Nodes that were only on screen need not be known."""
    needed = {node_id.split(":")[0] for node_id in ran.nodes}
    return replace(drawing, nodes=tuple(replace(node, is_known=node.is_known or node.id not in needed) for node in drawing.nodes))


def differences(ran: Graph, shown: Graph) -> list[str]:
    """Where two graphs of one picture differ in what makes it: "8.seed", "5". Whole numbers that JavaScript rounds are the same, and so is
    what comes out of nodes that are not known."""
    found = []
    for node in ran.nodes.values():
        other = shown.nodes.get(node.id)
        if other is None or other.class_type != node.class_type:
            found.append(node.id)
            continue
        names = [*node.inputs, *(name for name in other.inputs if name not in node.inputs)]
        pairs = [(name, node.inputs.get(name), other.inputs.get(name)) for name in names]
        found += [f"{node.id}.{name}" for name, one, two in pairs if not _is_same(one, two) and not _is_unknown(two, shown)]
    return found


def _is_unknown(value: Any, shown: Graph) -> bool:
    """Whether a node gives it that only ComfyUI's page knows: what ran has its source instead."""
    return isinstance(value, Link) and value.node in shown.nodes and shown.nodes[value.node].class_type not in DEFINITIONS


def _is_same(ran: Any, shown: Any) -> bool:
    if isinstance(ran, Link) or isinstance(shown, Link):
        return isinstance(ran, Link) and isinstance(shown, Link) and ran == shown
    if isinstance(ran, int) and isinstance(shown, (int, float)) and abs(ran) > EXACT_INTEGERS:
        return float(ran) == float(shown)
    return bool(ran == shown)
