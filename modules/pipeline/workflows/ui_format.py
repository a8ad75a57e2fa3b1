"""ComfyUI's UI format as plain values: nodes with places on a canvas, links, frames, and definitions of subgraphs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modules.base.errors import InvalidRequest
from modules.pipeline.workflows.api_format import MAX_NODES
from modules.pipeline.workflows.graph import DrawnGroup

MUTED, BYPASSED = 2, 4
INPUT_PANEL, OUTPUT_PANEL = "-10", "-20"
MAX_DEFINITIONS = 1000
MAX_DEPTH = 32


@dataclass(frozen=True)
class Slot:
    """An input or output of a node or of a subgraph.

    Attributes:
        link: Of an input: id of the link that feeds it; "" = none.
        is_widget: Of an input: it has a widget too.
    """

    name: str
    type: str
    link: str = ""
    is_widget: bool = False


@dataclass(frozen=True)
class CanvasNode:
    """A node of the file.

    Attributes:
        mode: 0 = runs, `MUTED`, `BYPASSED`.
        values: `widgets_values`: a list in the widgets' order, or an object by name.
        place: x, y, width, height.
    """

    id: str
    type: str
    title: str = ""
    mode: int = 0
    inputs: tuple[Slot, ...] = ()
    outputs: tuple[Slot, ...] = ()
    values: list[Any] | dict[str, Any] = field(default_factory=list)
    properties: Mapping[str, Any] = field(default_factory=dict)
    place: tuple[float | None, float | None, float | None, float | None] = (None, None, None, None)
    color: str = ""


@dataclass(frozen=True)
class CanvasLink:
    """A line from an output (`origin`) to an input (`target`)."""

    id: str
    origin: str
    origin_slot: int
    target: str
    target_slot: int
    type: str


@dataclass(frozen=True)
class Canvas:
    """What lies on one level: on the canvas itself, or in a subgraph."""

    nodes: Mapping[str, CanvasNode]
    links: Mapping[str, CanvasLink]
    groups: tuple[DrawnGroup, ...] = ()


@dataclass(frozen=True)
class Subgraph:
    """A definition that instances refer to by its id."""

    id: str
    name: str
    canvas: Canvas
    inputs: tuple[Slot, ...] = ()
    outputs: tuple[Slot, ...] = ()


def is_ui(plain: Any) -> bool:
    """Whether a JSON value is meant as this format."""
    return isinstance(plain, dict) and isinstance(plain.get("nodes"), list)


def read_canvas(plain: Mapping[str, Any], where: str = "workflow") -> Canvas:
    """One level of a file.

    Raises:
        InvalidRequest: A node without id or type, two nodes of one id, more than `MAX_NODES`.
    """
    listed = plain.get("nodes")
    if not isinstance(listed, list):
        raise InvalidRequest(f"{where}: nodes", listed, "a list")
    if len(listed) > MAX_NODES:
        raise InvalidRequest(where, f"{len(listed)} nodes", f"at most {MAX_NODES}")
    nodes: dict[str, CanvasNode] = {}
    for index, each in enumerate(listed):
        node = _read_node(each, f"{where}: nodes[{index}]")
        if node.id in nodes:
            raise InvalidRequest(f"{where}: nodes[{index}].id", node.id, "an id that no other node has")
        nodes[node.id] = node
    links = (_read_link(each) for each in _entries(plain.get("links")))
    return Canvas(nodes, {link.id: link for link in links if link}, tuple(_read_groups(plain.get("groups"))))


def read_subgraphs(plain: Mapping[str, Any]) -> dict[str, Subgraph]:
    """All definitions of a file by id, also those that lie in others.

    Raises:
        InvalidRequest: As `read_canvas`; more than `MAX_DEFINITIONS`.
    """
    found: dict[str, Subgraph] = {}
    waiting = [(plain, 0)]
    while waiting:
        owner, depth = waiting.pop()
        definitions = owner.get("definitions")
        for each in _entries(definitions.get("subgraphs") if isinstance(definitions, dict) else None):
            if not isinstance(each, dict) or not isinstance(each.get("id"), str):
                raise InvalidRequest("workflow: definitions.subgraphs", each, "objects with an id")
            if len(found) >= MAX_DEFINITIONS or depth > MAX_DEPTH:
                raise InvalidRequest("workflow: definitions.subgraphs", f"{len(found)} or more", f"at most {MAX_DEFINITIONS}")
            name = _text(each.get("name")) or each["id"]
            canvas = read_canvas(each, f"workflow: subgraph {name}")
            found.setdefault(each["id"], Subgraph(each["id"], name, canvas, _slots(each.get("inputs")), _slots(each.get("outputs"))))
            waiting.append((each, depth + 1))
    return found


def _read_node(plain: Any, where: str) -> CanvasNode:
    if not isinstance(plain, dict):
        raise InvalidRequest(where, plain, "an object")
    node_id, kind = _key(plain.get("id")), plain.get("type")
    if not node_id:
        raise InvalidRequest(f"{where}.id", plain.get("id"), "a number or a text")
    if not isinstance(kind, str) or not kind:
        raise InvalidRequest(f"{where}.type", kind, "the name of a kind of node")
    values, properties, mode = plain.get("widgets_values"), plain.get("properties"), plain.get("mode")
    (x, y), (width, height) = _pair(plain.get("pos")), _pair(plain.get("size"))
    return CanvasNode(
        id=node_id,
        type=kind,
        title=_text(plain.get("title")),
        mode=mode if mode in (MUTED, BYPASSED) else 0,
        inputs=_slots(plain.get("inputs")),
        outputs=_slots(plain.get("outputs")),
        values=values if isinstance(values, (list, dict)) else [],
        properties=properties if isinstance(properties, dict) else {},
        place=(x, y, width, height),
        color=_text(plain.get("bgcolor")) or _text(plain.get("color")),
    )


def _slots(plain: Any) -> tuple[Slot, ...]:
    slots = []
    for each in _entries(plain):
        slot = each if isinstance(each, dict) else {}
        kind = slot.get("type")
        kind = "COMBO" if isinstance(kind, list) else str(kind if kind is not None else "*")
        slots.append(Slot(_text(slot.get("name")), kind, _key(slot.get("link")), bool(slot.get("widget"))))
    return tuple(slots)


def _read_link(plain: Any) -> CanvasLink | None:
    """A link as an array (version 0.4) or as an object (version 1); None where it is neither."""
    if isinstance(plain, dict):
        plain = [plain.get(name) for name in ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")]
    if not isinstance(plain, list) or len(plain) < 5:
        return None
    link, origin, origin_slot, target, target_slot = plain[:5]
    if not all(map(_key, (link, origin, target))) or not _is_number(origin_slot):
        return None
    kind = plain[5] if len(plain) > 5 and isinstance(plain[5], str) else "*"
    return CanvasLink(_key(link), _key(origin), int(origin_slot), _key(target), int(target_slot) if _is_number(target_slot) else 0, kind)


def _read_groups(plain: Any) -> list[DrawnGroup]:
    groups = []
    for each in _entries(plain):
        box = each.get("bounding") if isinstance(each, dict) else None
        if isinstance(box, list) and len(box) == 4 and all(map(_is_number, box)):
            x, y, width, height = map(float, box)
            groups.append(DrawnGroup(_text(each.get("title")), x, y, width, height, _text(each.get("color"))))
    return groups


def _entries(plain: Any) -> list[Any]:
    """A list, or the values of an object: some versions write links by id."""
    return plain if isinstance(plain, list) else list(plain.values()) if isinstance(plain, dict) else []


def _key(value: Any) -> str:
    """An id as text; "" = none."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and abs(value) < 1e9


def _pair(plain: Any) -> tuple[float | None, float | None]:
    """Two numbers in a list, or under "0" and "1" as older versions wrote them."""
    values = [plain.get("0"), plain.get("1")] if isinstance(plain, dict) else plain
    if isinstance(values, list) and len(values) >= 2 and _is_number(values[0]) and _is_number(values[1]):
        return float(values[0]), float(values[1])
    return None, None
