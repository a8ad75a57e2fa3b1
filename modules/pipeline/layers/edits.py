"""Edits as JSON objects: each makes a new document of an old one, and starts from the original pixels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from modules.base.errors import InvalidRequest, UnknownName
from modules.imaging.geometry import Box, Extent
from modules.imaging.layering.placement import Placement, carry_along
from modules.pipeline.layers.building import new_layer_id
from modules.pipeline.layers.checks import check_document, check_layer
from modules.pipeline.layers.document import Layer, LayerDocument, LayerKind, Source
from modules.pipeline.layers.merging import merge_layers, part_layer, renew_members, shift_layer
from modules.pipeline.layers.naming import free_name, tidy_name
from modules.pipeline.layers.render import size_of
from modules.pipeline.layers.sources import Sources
from modules.pipeline.layers.stored_form import from_plain, to_plain

CHANGEABLE = (
    "name", "kind", "placement", "opacity", "blend", "adjustments", "effects", "is_visible", "is_locked", "text", "enlarged",
)  # fmt: skip
"""Fields of a layer that `set` takes; of `placement`, `adjustments`, `effects` and `text` only what changes need be given."""
UNLOCKED = frozenset({"is_locked", "is_visible", "name"})
"""What may be changed of a locked layer."""
MORE_OF_NEW = ("source", "difference", "follows", "confidence")
DOCUMENT_FIELDS = ("name", "light", "light_from_deg", "light_height_deg", "is_canvas_locked")


def apply(document: LayerDocument, edit: Mapping[str, Any], sources: Sources) -> LayerDocument:
    """Make one edit.

    The edits, as JSON objects; `layer` is an id, sources are {"id", "extent": {"width", "height"}, "density"}:

    * {"op": "set", "layer", "values": {...}}: values of `CHANGEABLE`. Layers that follow this one repeat its move.
    * {"op": "order", "layers": [all ids, bottom first]}
    * {"op": "delete", "layer"}; {"op": "duplicate", "layer", "id"?}: the copy lies above.
    * {"op": "add", "name", "kind"?, "source" (null: only a difference), "above"?: id or "" for the bottom, "id"?, and other values of a
      layer}: on top by default.
    * {"op": "replace", "layer", "source", "fit"?, "difference"?, and values as of `set`}: `fit` is "box" (into the old box, aspect kept; it
      is no text any more) or "none" (placement and text stay).
    * {"op": "merge", "layers": [ids], "name"?, "id"?}; {"op": "part", "layer"}
    * {"op": "document", and values of `DOCUMENT_FIELDS`}
    * {"op": "resize_canvas", "box": {"x", "y", "width", "height"}}: in px of the old canvas; all layers stay on what they show.
    * {"op": "link", "layer", "follows": id or ""}

    Args:
        document: Not modified.
        edit: One of these.
        sources: Where pixels are, and where merged ones go.

    Returns:
        The new document; layers that are not concerned are the same objects.

    Raises:
        InvalidRequest: Unknown operation, id or value, a locked layer or canvas; the error names the field.
    """
    name = edit.get("op")
    operation = OPERATIONS.get(name) if isinstance(name, str) else None
    if operation is None:
        raise UnknownName("op", name, list(OPERATIONS))
    unknown = sorted(str(key) for key in edit if key != "op" and key not in operation.keys)
    if unknown:
        raise UnknownName(f"{name}", unknown[0], list(operation.keys))
    missing = [key for key in operation.needed if key not in edit]
    if missing:
        raise InvalidRequest(missing[0], None, f"a value: {name} needs it")
    changed = operation.run(document, edit, sources)
    if changed != document:
        check_document(changed)
    return changed


def find(document: LayerDocument, layer_id: object, field: str = "layer") -> Layer:
    """The layer of that id.

    Raises:
        UnknownName: There is none.
    """
    for layer in document.layers:
        if layer.id == layer_id:
            return layer
    raise UnknownName(field, layer_id, [layer.id for layer in document.layers])


def _find_free(document: LayerDocument, layer_id: object) -> Layer:
    layer = find(document, layer_id)
    if layer.is_locked:
        raise InvalidRequest("layer", layer.name, "a layer that is not locked")
    return layer


def _with(document: LayerDocument, layer: Layer) -> LayerDocument:
    """The document with this layer in its old self's place."""
    return replace(document, layers=tuple(layer if other.id == layer.id else other for other in document.layers))


def _set(document: LayerDocument, edit: Mapping[str, Any], sources: Sources) -> LayerDocument:
    values = _object("values", edit["values"])
    layer = find(document, edit["layer"])
    if layer.is_locked and not set(values) <= UNLOCKED and values.get("is_locked") is not False:
        raise InvalidRequest("layer", layer.name, "a layer that is not locked")
    changed = _change(document, layer, values, CHANGEABLE)
    if changed.placement != layer.placement and document.is_canvas_locked:
        raise InvalidRequest("values.placement", edit["values"]["placement"], "no move while the canvas is locked")
    return _lead(_with(document, changed), layer, changed)


def _change(document: LayerDocument, layer: Layer, values: Mapping[str, Any], known: tuple[str, ...]) -> Layer:
    """The layer with new values, checked."""
    unknown = sorted(str(key) for key in values if key not in known)
    if unknown:
        raise UnknownName("values", unknown[0], list(known))
    changed = from_plain(Layer, values, "values", layer)
    if "name" in values:
        taken = [other.name for other in document.layers if other.id != layer.id]
        changed = replace(changed, name=free_name(tidy_name("values.name", values["name"]), taken))
    check_layer(changed)
    return changed


def _lead(document: LayerDocument, before: Layer, after: Layer) -> LayerDocument:
    """Let the layers that follow repeat a move, and those that follow them; locked ones stay."""
    if before.placement == after.placement:
        return document
    for follower in document.layers:
        if follower.follows == after.id and not follower.is_locked:
            placement = carry_along(follower.placement, size_of(follower), before.placement, after.placement, size_of(before))
            moved = replace(follower, placement=placement)
            document = _lead(_with(document, moved), follower, moved)
    return document


def _order(document: LayerDocument, edit: Mapping[str, Any], sources: Sources) -> LayerDocument:
    by_id = {layer.id: layer for layer in document.layers}
    wanted = _ids("layers", edit["layers"])
    if sorted(wanted) != sorted(by_id):
        raise InvalidRequest("layers", wanted, f"each of the {len(by_id)} layers once, bottom first")
    return replace(document, layers=tuple(by_id[layer_id] for layer_id in wanted))


def _delete(document: LayerDocument, edit: Mapping[str, Any], sources: Sources) -> LayerDocument:
    gone = _find_free(document, edit["layer"])
    left = [layer for layer in document.layers if layer.id != gone.id]
    return replace(document, layers=tuple(replace(layer, follows="") if layer.follows == gone.id else layer for layer in left))


def _duplicate(document: LayerDocument, edit: Mapping[str, Any], sources: Sources) -> LayerDocument:
    layer = find(document, edit["layer"])
    name = free_name(f"{layer.name[:100]} copy", [other.name for other in document.layers])
    copy = replace(layer, id=_new_id(edit), name=name, is_locked=False, members=renew_members(layer.members))
    place = document.layers.index(layer) + 1
    return replace(document, layers=(*document.layers[:place], copy, *document.layers[place:]))


def _add(document: LayerDocument, edit: Mapping[str, Any], sources: Sources) -> LayerDocument:
    values = {key: value for key, value in edit.items() if key not in ("op", "above", "id")}
    start = Layer(_new_id(edit), "new", LayerKind.OTHER, None if edit["source"] is None else from_plain(Source, edit["source"], "source"))
    _check_kept(start.source, sources)
    layer = _change(document, start, values, (*CHANGEABLE, *MORE_OF_NEW))
    if layer.difference is not None:
        sources.difference(layer.difference)
    above, place = edit.get("above"), len(document.layers)
    if above == "":
        place = 0
    elif above is not None:
        place = document.layers.index(find(document, above, "above")) + 1
    return replace(document, layers=(*document.layers[:place], layer, *document.layers[place:]))


def _replace(document: LayerDocument, edit: Mapping[str, Any], sources: Sources) -> LayerDocument:
    layer = _find_free(document, edit["layer"])
    source = from_plain(Source, edit["source"], "source")
    _check_kept(source, sources)
    fit = edit.get("fit", "box")
    if fit not in ("box", "none"):
        raise UnknownName("fit", fit, ["box", "none"])
    fresh = replace(layer, source=source, difference=None, enlarged=None, members=(), merged_at=None)
    if fit == "box":
        fresh = replace(fresh, placement=fit_into(layer, source), text=None)
    elif document.is_canvas_locked and size_of(fresh) != size_of(layer) and source.extent != document.extent:
        raise InvalidRequest(
            "source", source.extent.size, "a picture of the canvas's size, or one fitted to the old box: the canvas is locked"
        )
    values = {key: value for key, value in edit.items() if key not in ("op", "layer", "source", "fit")}
    if document.is_canvas_locked and "placement" in values:
        raise InvalidRequest("placement", values["placement"], "no move while the canvas is locked")
    changed = _change(document, fresh, values, (*CHANGEABLE, "difference"))
    if changed.difference is not None:
        sources.difference(changed.difference)
    return _with(document, changed)


def fit_into(layer: Layer, source: Source) -> Placement:
    """Where a new source lies to fill the old one's box as far as its aspect allows, about the same middle."""
    width, height = size_of(layer)
    new_width, new_height = source.extent.width / source.density, source.extent.height / source.density
    share = min(width / new_width, height / new_height)
    x, y = layer.placement.middle((width, height))
    scale_x, scale_y = layer.placement.scale_x * share, layer.placement.scale_y * share
    left, top = x - new_width / 2, y - new_height / 2
    if share == 1 and scale_x == scale_y == 1 and layer.placement.keeps_pixels:
        left, top = float(round(left)), float(round(top))
    return replace(layer.placement, left=left, top=top, scale_x=scale_x, scale_y=scale_y)


def _merge(document: LayerDocument, edit: Mapping[str, Any], sources: Sources) -> LayerDocument:
    wanted = _ids("layers", edit["layers"])
    if len(set(wanted)) < 2 or len(set(wanted)) != len(wanted):
        raise InvalidRequest("layers", wanted, "at least two layers, each once")
    for layer_id in wanted:
        _find_free(document, layer_id)
    name = tidy_name("name", edit["name"]) if "name" in edit else ""
    return merge_layers(document, wanted, _new_id(edit), name, sources)


def _part(document: LayerDocument, edit: Mapping[str, Any], sources: Sources) -> LayerDocument:
    layer = _find_free(document, edit["layer"])
    if not layer.members:
        raise InvalidRequest("layer", layer.name, "a layer that was merged from others")
    return part_layer(document, layer)


def _change_document(document: LayerDocument, edit: Mapping[str, Any], sources: Sources) -> LayerDocument:
    values = {key: value for key, value in edit.items() if key != "op"}
    changed = from_plain(LayerDocument, values, "", document)
    return replace(changed, name=tidy_name("name", values["name"])) if "name" in values else changed


def _resize_canvas(document: LayerDocument, edit: Mapping[str, Any], sources: Sources) -> LayerDocument:
    box = from_plain(Box, edit["box"], "box")
    if box.width < 1 or box.height < 1:
        raise InvalidRequest("box", to_plain(box), "a box of at least 1x1 px")
    return replace(
        document, extent=Extent(box.width, box.height), layers=tuple(shift_layer(layer, -box.x, -box.y) for layer in document.layers)
    )


def _link(document: LayerDocument, edit: Mapping[str, Any], sources: Sources) -> LayerDocument:
    layer, follows = _find_free(document, edit["layer"]), edit["follows"]
    if follows != "":
        find(document, follows, "follows")
    return _with(document, replace(layer, follows=follows))


def _new_id(edit: Mapping[str, Any]) -> str:
    """The id that the edit asks for, else a new one; whether it is free is checked with the document."""
    asked = edit.get("id", "")
    if not isinstance(asked, str):
        raise InvalidRequest("id", asked, "a text")
    return asked or new_layer_id()


def _check_kept(source: Source | None, sources: Sources) -> None:
    if source is not None:
        sources.pixels(source)


def _object(field: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidRequest(field, value, "an object")
    return value


def _ids(field: str, value: object) -> list[str]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise InvalidRequest(field, value, "a list of ids")
    return list(value)


@dataclass(frozen=True)
class Operation:
    """One kind of edit: what makes it, and the keys that it needs and may have."""

    run: Callable[[LayerDocument, Mapping[str, Any], Sources], LayerDocument]
    needed: tuple[str, ...]
    more: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        return (*self.needed, *self.more)


OPERATIONS = {
    "set": Operation(_set, ("layer", "values")),
    "order": Operation(_order, ("layers",)),
    "delete": Operation(_delete, ("layer",)),
    "duplicate": Operation(_duplicate, ("layer",), ("id",)),
    "add": Operation(
        _add, ("name", "source"), ("above", "id", *(name for name in (*CHANGEABLE, *MORE_OF_NEW) if name not in ("name", "source")))
    ),
    "replace": Operation(_replace, ("layer", "source"), ("fit", "difference", *CHANGEABLE)),
    "merge": Operation(_merge, ("layers",), ("name", "id")),
    "part": Operation(_part, ("layer",)),
    "document": Operation(_change_document, (), DOCUMENT_FIELDS),
    "resize_canvas": Operation(_resize_canvas, ("box",)),
    "link": Operation(_link, ("layer", "follows")),
}
