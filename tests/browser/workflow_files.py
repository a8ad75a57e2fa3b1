"""Workflow files for the page's tests, and dropping them on it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from playwright.sync_api import Page

DROP = """([place, data, name, type]) => {
  const files = new DataTransfer();
  files.items.add(new File([Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))], name, { type }));
  const element = document.querySelector(place);
  for (const kind of ["dragenter", "dragover", "drop"]) {
    element.dispatchEvent(new DragEvent(kind, { dataTransfer: files, bubbles: true, cancelable: true }));
  }
}"""


def drop(page: Page, place: str, data: bytes, name: str) -> None:
    """Drop a file on the element that a selector finds."""
    kind = "application/json" if name.endswith(".json") else "image/png"
    page.evaluate(DROP, [place, base64.b64encode(data).decode(), name, kind])


def _node(number: int, kind: str, at: tuple[float, float], values: list[Any], inputs: Mapping[str, tuple[str, int]] | None = None) -> Any:
    return {
        "id": number, "type": kind, "pos": list(at), "size": [260, 180], "flags": {}, "order": number, "mode": 0, "properties": {},
        "inputs": [{"name": name, "type": of, "link": link} for name, (of, link) in (inputs or {}).items()],
        "outputs": [], "widgets_values": values,
    }  # fmt: skip


def broken() -> bytes:
    """A picture inverted by a node that nobody knows, saved; another inverted by ours, shown; and a note."""
    stranger = _node(2, "ChromaDreamer", (420, 100), [0.5], {"image": ("IMAGE", 1)})
    nodes = [
        _node(1, "LoadImage", (100, 100), ["no such <b>picture</b>.png", "image"]),
        stranger,
        _node(3, "SaveImage", (760, 100), ["dream"], {"images": ("IMAGE", 2)}),
        _node(4, "ImageInvert", (420, 400), [], {"image": ("IMAGE", 3)}),
        _node(5, "PreviewImage", (760, 400), [], {"images": ("IMAGE", 4)}),
        _node(6, "Note", (100, 400), ["Give it a picture of a cat."]),
    ]
    nodes[0]["outputs"] = [{"name": "IMAGE", "type": "IMAGE", "links": [1, 3]}, {"name": "MASK", "type": "MASK", "links": None}]
    for place in (1, 3):
        nodes[place]["outputs"] = [{"name": "IMAGE", "type": "IMAGE", "links": [place + 1]}]
    links = [[1, 1, 0, 2, 0, "IMAGE"], [2, 2, 0, 3, 0, "IMAGE"], [3, 1, 0, 4, 0, "IMAGE"], [4, 4, 0, 5, 0, "IMAGE"]]
    groups = [{"title": "What ends here", "bounding": [400, 60, 640, 260], "color": "#3f789e"}]
    return json.dumps({"nodes": nodes, "links": links, "groups": groups, "version": 0.4, "config": {}, "extra": {}}).encode()


def many(count: int) -> bytes:
    """A chain of so many nodes, in rows, that ends in a picture saved."""
    nodes, links = [_node(1, "LoadImage", (0, 0), ["cat.png", "image"])], []
    for number in range(2, count + 1):
        kind, name = ("SaveImage", "images") if number == count else ("ImageInvert", "image")
        nodes.append(_node(number, kind, (number % 32 * 340, number // 32 * 300), [], {name: ("IMAGE", number)}))
        links.append([number, number - 1, 0, number, 0, "IMAGE"])
        nodes[-2]["outputs"] = [{"name": "IMAGE", "type": "IMAGE", "links": [number]}]
    return json.dumps({"nodes": nodes, "links": links, "groups": [], "version": 0.4}).encode()
