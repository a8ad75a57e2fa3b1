"""Files in ComfyUI's UI format for tests, written down shortly."""

from __future__ import annotations

from typing import Any

TYPES = {"images": "IMAGE", "pixels": "IMAGE", "samples": "LATENT", "latent_image": "LATENT", "positive": "CONDITIONING"}
TYPES |= {"negative": "CONDITIONING", "vae": "VAE", "model": "MODEL", "clip": "CLIP", "mask": "MASK", "image": "IMAGE", "": "*"}


def node(node_id: int | str, kind: str, *values: Any, inputs: dict[str, int | None] | None = None, **more: Any) -> dict[str, Any]:
    """A node; `inputs` by name to the id of the link, a name with "*" is a widget's."""
    slots = []
    for name, link in (inputs or {}).items():
        bare = name.removeprefix("*")
        slot: dict[str, Any] = {"name": bare, "type": "COMBO" if bare != name else TYPES.get(bare, "*"), "link": link}
        slots.append(slot | ({"widget": {"name": bare}} if bare != name else {}))
    outputs = [{"name": each, "type": each, "links": []} for each in more.pop("outputs", ())]
    return {"id": node_id, "type": kind, "mode": 0, "inputs": slots, "outputs": outputs, "widgets_values": list(values), **more}


def links(*rows: tuple[Any, ...], as_objects: bool = False) -> list[Any]:
    """(id, from, slot, to, slot, type) ..."""
    names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    return [dict(zip(names, row, strict=True)) if as_objects else list(row) for row in rows]


def canvas(nodes: list[dict[str, Any]], wires: list[Any], *subgraphs: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"version": 0.4, "nodes": nodes, "links": wires, "definitions": {"subgraphs": list(subgraphs)}, **more}


def subgraph(key: str, nodes: list[dict[str, Any]], wires: list[Any], inputs: list[tuple[str, str]], outputs: list[tuple[str, str]]) -> Any:
    return {
        "id": key,
        "name": f"sub {key[:4]}",
        "nodes": nodes,
        "links": wires,
        "inputs": [{"id": name, "name": name, "type": kind} for name, kind in inputs],
        "outputs": [{"id": name, "name": name, "type": kind} for name, kind in outputs],
    }
