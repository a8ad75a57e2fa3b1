"""Taking one layer apart into further layers, in its place, while the picture stays as it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from modules.base.errors import InvalidRequest
from modules.imaging.geometry import Box, Extent
from modules.imaging.layering.blend_mode import BlendMode
from modules.imaging.layering.placement import Placement, carry_along
from modules.pipeline.layers.building import build
from modules.pipeline.layers.decomposing import Decomposition, Part, Pixels
from modules.pipeline.layers.document import Adjustments, Effects, Layer, LayerDocument
from modules.pipeline.layers.edits import find
from modules.pipeline.layers.naming import free_name
from modules.pipeline.layers.render import render, size_of
from modules.pipeline.layers.sources import Sources


def picture_to_split(document: LayerDocument, layer_id: str, sources: Sources) -> Pixels:
    """What a decomposer gets of a layer: (H, W, 4) uint8, its source.

    Raises:
        UnknownName: There is no such layer.
        InvalidRequest: It is locked, shows no pixels, or is laid down in a way that several layers in its place cannot repeat.
    """
    layer = find(document, layer_id)
    if layer.is_locked:
        raise InvalidRequest("layer", layer.name, "a layer that is not locked")
    if layer.source is None:
        raise InvalidRequest("layer", layer.name, "a layer with pixels: this one has only differences")
    odd = {
        "opacity": layer.opacity != 1,
        "blend": layer.blend is not BlendMode.NORMAL,
        "adjustments": layer.adjustments != Adjustments(),
        "effects": layer.effects != Effects(),
    }
    if any(odd.values()):
        named = ", ".join(name for name, is_odd in odd.items() if is_odd)
        raise InvalidRequest("layer", f"{layer.name} with {named} of its own", "a layer without; give them to the new layers afterwards")
    return sources.pixels(layer.source)


def split(document: LayerDocument, layer_id: str, decomposition: Decomposition, sources: Sources) -> tuple[LayerDocument, int]:
    """Put the parts of a layer into its place.

    A layer that lies on the canvas pixel by pixel leaves the picture as it was: what 8-bit steps between the new layers change, the
    topmost of them puts right. One that is scaled or turned is resampled part by part, which may change it a little.

    Args:
        document: Not modified.
        decomposition: Of `picture_to_split`.

    Returns:
        The new document, and by how much the picture changed at most, of 255.

    Raises:
        InvalidRequest: As `picture_to_split`; or the layer is one piece.
    """
    layer = find(document, layer_id)
    before = picture_to_split(document, layer_id, sources)
    if not decomposition.comes_apart or len(decomposition.parts) < 2:
        raise InvalidRequest("layer", layer.name, "a layer that comes apart: this one is one piece")
    place = document.layers.index(layer)
    whole = Box(0, 0, before.shape[1], before.shape[0])
    parts = (*decomposition.parts[:-1], _spread(decomposition.parts[-1], whole))
    built = build(replace(decomposition, parts=parts), layer.name, Extent(whole.width, whole.height), sources)
    others = [other.name for other in document.layers if other is not layer]
    new = [_move_to(part, layer, others) for part in built.layers]
    new[0] = replace(new[0], follows=layer.follows)
    rest = [replace(other, follows=new[-1].id) if other.follows == layer.id else other for other in document.layers]
    result = replace(document, layers=(*rest[:place], *new, *rest[place + 1 :]))
    prefix = {other.id for other in document.layers[:place] if other.is_visible}
    if layer.placement.keeps_pixels and layer.source is not None and layer.source.density == 1:
        result = _put_right(document, result, place, len(new), prefix, sources)
    ids = {layer.id, *(one.id for one in new)}
    off = render(document, sources, only=prefix | ids).astype(np.int16) - render(result, sources, only=prefix | ids)
    return result, int(np.abs(off).max(initial=0))


def _move_to(part: Layer, layer: Layer, taken: list[str]) -> Layer:
    """A part, built as if the layer were the canvas, where the layer lies."""
    density = layer.source.density if layer.source is not None else 1.0
    own = Placement(left=part.placement.left / density, top=part.placement.top / density)
    sized = replace(
        part,
        source=part.source and replace(part.source, density=density),
        difference=part.difference and replace(part.difference, density=density),
        placement=own,
        is_visible=layer.is_visible,
    )
    placed = carry_along(own, size_of(sized), Placement(), layer.placement, size_of(layer))
    name = free_name(sized.name, taken)
    taken.append(name)
    return replace(sized, placement=placed, name=name)


def _spread(part: Part, box: Box) -> Part:
    """The same part over the whole layer, so that it can put right every pixel of it."""
    if part.box == box:
        return part
    left, top = part.box.x - box.x, part.box.y - box.y

    def widen(values: np.ndarray | None) -> np.ndarray | None:
        if values is None:
            return None
        wide = np.zeros((box.height, box.width, 4), values.dtype)
        wide[top : top + part.box.height, left : left + part.box.width] = values
        return wide

    return replace(part, box=box, pixels=widen(part.pixels), difference=widen(part.difference))


def _put_right(document: LayerDocument, result: LayerDocument, place: int, count: int, prefix: set[str], sources: Sources) -> LayerDocument:
    """Give the topmost new layer the difference that makes the stack up to it what it was."""
    layer, new = document.layers[place], result.layers[place : place + count]
    wanted = render(document, sources, only=prefix | {layer.id})
    top = new[-1]
    plain = replace(result, layers=tuple(replace(one, difference=None) if one.id == top.id else one for one in result.layers))
    off = wanted.astype(np.int16) - render(plain, sources, only=prefix | {one.id for one in new})
    left, up = int(layer.placement.left), int(layer.placement.top)
    size = layer.source.extent if layer.source is not None else document.extent
    own = np.zeros((size.height, size.width, 4), np.int16)
    x, y = max(left, 0), max(up, 0)
    right, bottom = min(left + size.width, document.extent.width), min(up + size.height, document.extent.height)
    own[y - up : bottom - up, x - left : right - left] = off[y:bottom, x:right]
    if layer.placement.is_flipped_x:
        own = own[:, ::-1]
    if layer.placement.is_flipped_y:
        own = own[::-1]
    mended = replace(top, difference=sources.add_difference(np.ascontiguousarray(own)) if own.any() else None)
    return replace(result, layers=tuple(mended if one.id == top.id else one for one in result.layers))
