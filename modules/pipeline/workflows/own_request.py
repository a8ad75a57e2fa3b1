"""A request of ours that travels in a workflow's `extra`, so that our own pictures open as exactly what they were made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modules.pipeline.workflows.graph import Graph, Link
from modules.settings.options import option_fields
from modules.settings.unsupported import WITHOUT_EFFECT

KEY, VERSION = "pentimento", 1
PICTURE_SECTIONS = ("Model", "img2img", "Sampling", "Guidance", "Compatibility")
"""Of the options: those that show in a picture."""
OF_THE_MACHINE = frozenset({"pentimento_precision", "persistent_cond_cache"})
"""How exactly and how quickly a model computes, which is nothing that a file says."""


@dataclass(frozen=True)
class OwnRequest:
    """What a picture was made from.

    Attributes:
        request: Fields as `/sdapi/v1/img2img` names them, pictures left out.
        pictures: `FormPicture`'s values of its start picture and mask.
        recipe: Further values of a studio's recipe: scripts, and what transparency meant.
    """

    request: Mapping[str, Any]
    pictures: tuple[Mapping[str, str], ...] = ()
    recipe: Mapping[str, Any] | None = None


def digest(graph: Graph) -> str:
    """SHA-256 of what the nodes do: types, links and values; not how they are drawn or in which order they stand."""
    plain = {
        node.id: [node.class_type, {name: _plain(value) for name, value in sorted(node.inputs.items())}] for node in graph.nodes.values()
    }
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def write_own(own: OwnRequest, graph: Graph) -> dict[str, Any]:
    """The entry for `extra`, as plain JSON values."""
    return {
        KEY: {
            "version": VERSION,
            "digest": digest(graph),
            "request": dict(own.request),
            "pictures": [dict(each) for each in own.pictures],
            "recipe": None if own.recipe is None else dict(own.recipe),
        }
    }


def find_own(graph: Graph, extra: Mapping[str, Any] | None) -> OwnRequest | None:
    """The request that a file of ours holds; None where there is none, or the nodes say something else by now."""
    kept = (extra or {}).get(KEY)
    if not isinstance(kept, dict) or kept.get("version") != VERSION or kept.get("digest") != digest(graph):
        return None
    request, pictures, recipe = kept.get("request"), kept.get("pictures"), kept.get("recipe")
    if not isinstance(request, dict) or not isinstance(pictures, list) or not isinstance(recipe, dict | None):
        return None
    names = {"role", "name", "channel", "node"}
    is_sound = all(
        isinstance(each, dict) and each.keys() <= names and all(isinstance(text, str) for text in each.values()) for each in pictures
    )
    if not is_sound or not all({"role", "name"} <= each.keys() for each in pictures):
        return None
    stated = request.get("override_settings")
    settings = _first_settings() | (stated if isinstance(stated, dict) else {})
    return OwnRequest({**request, "override_settings": settings}, tuple(pictures), recipe)


def _first_settings() -> dict[str, Any]:
    """What a file leaves out: options that were as they are at first."""
    fields = option_fields()
    return {
        name: field.default
        for name, field in fields.items()
        if field.section in PICTURE_SECTIONS and name not in OF_THE_MACHINE | WITHOUT_EFFECT
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Link):
        return ["link", value.node, value.output]
    is_whole = isinstance(value, float) and value == int(value) if value == value and value not in (float("inf"), float("-inf")) else False
    return int(value) if is_whole else value
