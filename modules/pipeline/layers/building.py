"""From what a decomposer found to a document; documents as JSON."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from modules.base.errors import InvalidRequest
from modules.imaging.geometry import Extent
from modules.imaging.layering.placement import Placement
from modules.pipeline.layers.checks import MAX_LAYERS, check_document
from modules.pipeline.layers.decomposing import Decomposition, Part
from modules.pipeline.layers.document import Layer, LayerDocument
from modules.pipeline.layers.naming import free_name, tidy_name
from modules.pipeline.layers.sources import Sources
from modules.pipeline.layers.stored_form import from_plain, to_plain


def new_layer_id() -> str:
    return secrets.token_hex(5)


def new_document_id() -> str:
    return secrets.token_hex(16)


def build(
    decomposition: Decomposition, name: str, extent: Extent, sources: Sources, made_by: Mapping[str, Any] | None = None
) -> LayerDocument:
    """Make a document of the parts; their pixels go to `sources`.

    Args:
        decomposition: Bottom first.
        name: Of the picture.
        extent: Of the canvas.
        sources: Takes the pixels.
        made_by: Kept with the document: {"backend": ..., "settings": ..., "notes": [...]}.

    Raises:
        InvalidRequest: A part that is no picture, or too many of them.
    """
    layers: list[Layer] = []
    for part in decomposition.parts:
        layers.append(_layer_of(part, [layer.name for layer in layers], sources))
    for place, part in enumerate(decomposition.parts):
        if part.caster is not None:
            layers[place] = replace(layers[place], follows=layers[part.caster].id)
    made = dict(made_by or {})
    name = tidy_name("name", name, "picture")
    document = LayerDocument(new_document_id(), name, extent, tuple(layers), light=decomposition.light, made_by=made)
    check_document(document)
    return document


def _layer_of(part: Part, taken: list[str], sources: Sources) -> Layer:
    for values in (part.pixels, part.difference):
        if values is not None and values.shape != (part.box.height, part.box.width, 4):
            raise InvalidRequest("part", values.shape, f"values of {part.box.width}x{part.box.height}, as its box is")
    difference = part.difference if part.difference is not None and part.difference.any() else None
    return Layer(
        id=new_layer_id(),
        name=free_name(tidy_name("name", part.name, part.kind.value), taken),
        kind=part.kind,
        source=None if part.pixels is None else sources.add_pixels(part.pixels),
        difference=None if difference is None else sources.add_difference(difference),
        placement=Placement(left=float(part.box.x), top=float(part.box.y)),
        blend=part.blend,
        text=part.text,
        confidence=part.confidence,
    )


def as_json(document: LayerDocument) -> dict[str, Any]:
    """The document as JSON values: names of fields as in `document.py`, enums as their values."""
    return dict(to_plain(document))


def from_json(plain: Any, field: str = "document") -> LayerDocument:
    """The document of JSON values.

    Raises:
        InvalidRequest: Unknown or missing fields, values of another kind or out of range; the error names the field.
    """
    listed = plain.get("layers") if isinstance(plain, Mapping) else None
    if isinstance(listed, list | tuple) and len(listed) > MAX_LAYERS:
        raise InvalidRequest(f"{field}.layers", f"{len(listed)} layers", f"at most {MAX_LAYERS}")
    document = from_plain(LayerDocument, plain, field)
    check_document(document)
    return document
