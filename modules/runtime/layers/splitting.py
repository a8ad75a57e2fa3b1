"""One layer taken apart once more: its parts take its place, and the picture stays what it is to the bit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from modules.base.errors import InvalidRequest
from modules.base.registry import load_dotted
from modules.imaging.layering.blend_mode import BlendMode
from modules.imaging.layering.placement import Placement, carry_along
from modules.pipeline.layers.document import Effects, Layer, LayerDocument, LayerKind
from modules.runtime.layers.opened import find_layer


def splittable(document: LayerDocument, layer_id: str) -> Layer:
    """The layer, if it can be taken apart.

    Raises:
        InvalidRequest: No such layer, locked, without pixels, or mixed in another way than normally.
    """
    layer = find_layer(document, layer_id)
    if layer.is_locked:
        raise InvalidRequest("layer", layer.name, "a layer that is not locked")
    if layer.source is None or layer.blend is not BlendMode.NORMAL or layer.effects != Effects():
        raise InvalidRequest("layer", layer.name, "a layer with pixels that is mixed normally and has no effects")
    return layer


def split(document: LayerDocument, layer_id: str, parts: LayerDocument, sources: Any) -> LayerDocument:
    """Put the parts in the place of a layer.

    The bottom one keeps the layer's id, so that what follows it still does. What the parts differ from the layer, seen on what lies
    below, becomes a residual of its own that follows them.

    Args:
        parts: The layer's source taken apart: a canvas of its extent.
        sources: Have both documents' pixels.

    Raises:
        InvalidRequest: As `splittable`.
    """
    layer = splittable(document, layer_id)
    place = document.layers.index(layer)
    ids = {part.id: layer.id if number == 0 else part.id for number, part in enumerate(parts.layers)}
    placed = [_place(part, layer, number, ids) for number, part in enumerate(parts.layers)]
    named: list[Layer] = []
    free_name: Any = load_dotted("modules.pipeline.layers.naming:free_name")
    others = [other.name for other in document.layers if other.id != layer.id]
    for number, part in enumerate(placed):
        wish = layer.name if number == 0 else f"{layer.name}: {part.name}"[:100]
        named.append(replace(part, name=free_name(wish, [*others, *(one.name for one in named)])))
    below, seen = document.layers[:place], replace(layer, is_visible=True)
    rest = _residual(document, (*below, seen), (*below, *named), sources)
    new = [*named, *([rest] if rest is not None else [])]
    if not layer.is_visible:
        new = [replace(part, is_visible=False) for part in new]
    return replace(document, layers=(*below, *new, *document.layers[place + 1 :]))


def _place(part: Layer, layer: Layer, number: int, ids: dict[str, str]) -> Layer:
    """A part where it lies in the layer, as if both were drawn on one sheet."""
    assert layer.source is not None
    size_of: Any = load_dotted("modules.pipeline.layers.render:size_of")
    density = layer.source.density
    dense = {name: replace(source, density=density) for name in ("source", "difference") if (source := getattr(part, name)) is not None}
    at = replace(part.placement, left=part.placement.left / density, top=part.placement.top / density)
    part = replace(part, **dense, placement=at)
    placement = carry_along(part.placement, size_of(part), Placement(), layer.placement, size_of(layer))
    first: dict[str, Any] = {"kind": layer.kind, "follows": layer.follows, "text": layer.text} if number == 0 else {}
    follows = ids.get(part.follows, "")
    changed = replace(part, id=ids[part.id], placement=placement, opacity=layer.opacity, adjustments=layer.adjustments, follows=follows)
    return replace(changed, **first)


def _residual(document: LayerDocument, before: tuple[Layer, ...], after: tuple[Layer, ...], sources: Any) -> Layer | None:
    """What is still to be added to `after` so that it looks as `before`; None = nothing."""
    render: Any = load_dotted("modules.pipeline.layers.render:render")
    old, new = (render(replace(document, layers=layers), sources).astype(np.int16) for layers in (before, after))
    difference = old - new
    rows, columns = np.flatnonzero(difference.any(axis=(1, 2))), np.flatnonzero(difference.any(axis=(0, 2)))
    if not len(rows):
        return None
    top, left = int(rows[0]), int(columns[0])
    source = sources.add_difference(np.ascontiguousarray(difference[top : rows[-1] + 1, left : columns[-1] + 1]))
    make_id: Any = load_dotted("modules.pipeline.layers.building:new_layer_id")
    free_name: Any = load_dotted("modules.pipeline.layers.naming:free_name")
    name = free_name(f"{before[-1].name}: rest"[:100], [layer.name for layer in (*document.layers, *after)])
    placement = Placement(left=float(left), top=float(top))
    return Layer(make_id(), name, LayerKind.RESIDUAL, None, source, placement=placement, follows=after[-1].id)
