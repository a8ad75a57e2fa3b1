"""Edits of documents: what they change, and what they must not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from modules.base.errors import InvalidImage, InvalidRequest
from modules.imaging.geometry import Box, Extent
from modules.imaging.layering.blend_mode import Light
from modules.pipeline.layers.building import as_json, from_json
from modules.pipeline.layers.checks import MAX_LAYERS
from modules.pipeline.layers.document import Layer, LayerDocument
from modules.pipeline.layers.edits import apply
from modules.pipeline.layers.render import extent_of, render, render_alone, thumbnail
from modules.pipeline.layers.render_cache import RenderCache
from modules.pipeline.layers.sources import MemorySources
from tests.unit.pipeline.layers.documents import random_document, random_edit

DOCUMENT, SOURCES = random_document(5)
BY_NAME = {layer.name: layer for layer in DOCUMENT.layers}


def edit(document: LayerDocument, op: str, **values: Any) -> LayerDocument:
    return apply(document, {"op": op, **values}, SOURCES)


def named(document: LayerDocument, name: str) -> Layer:
    return next(layer for layer in document.layers if layer.name == name)


def id_of(name: str) -> str:
    return BY_NAME[name].id


def place_of(name: str, **values: float) -> dict[str, Any]:
    return {"layer": id_of(name), "values": {"placement": values}}


def test_a_partial_placement_keeps_the_rest_and_the_rest_of_the_document() -> None:
    moved = edit(DOCUMENT, "set", **place_of("text", left=3, rotation_deg=15))
    assert named(moved, "text").placement == replace(BY_NAME["text"].placement, left=3.0, rotation_deg=15.0)
    assert all(named(moved, name) is BY_NAME[name] for name in BY_NAME if name != "text")


def test_a_shadow_follows_its_caster_there_and_back() -> None:
    there = edit(DOCUMENT, "set", **place_of("subject", left=30.5, top=-3, rotation_deg=40, scale_x=2, scale_y=2))
    assert named(there, "shadow").placement.rotation_deg == 40 and named(there, "shadow").placement.scale_x == 2
    old = BY_NAME["subject"].placement
    back = edit(there, "set", **place_of("subject", left=old.left, top=old.top, rotation_deg=0, scale_x=1, scale_y=1))
    assert (render(back, SOURCES) == render(DOCUMENT, SOURCES)).all()
    free = edit(DOCUMENT, "link", layer=id_of("shadow"), follows="")
    assert named(edit(free, "set", **place_of("subject", left=1)), "shadow").placement == BY_NAME["shadow"].placement
    pinned = edit(DOCUMENT, "set", layer=id_of("shadow"), values={"is_locked": True})
    assert named(edit(pinned, "set", **place_of("subject", left=1)), "shadow").placement == BY_NAME["shadow"].placement


def test_followers_in_a_circle_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="follow"):
        edit(DOCUMENT, "link", layer=id_of("subject"), follows=id_of("shadow"))
    with pytest.raises(InvalidRequest, match="follow"):
        edit(DOCUMENT, "link", layer=id_of("subject"), follows=id_of("subject"))


def test_order_delete_duplicate_and_link() -> None:
    ids = [layer.id for layer in DOCUMENT.layers]
    assert [layer.id for layer in edit(DOCUMENT, "order", layers=ids[::-1]).layers] == ids[::-1]
    gone = edit(DOCUMENT, "delete", layer=id_of("subject"))
    assert named(gone, "shadow").follows == "" and len(gone.layers) == len(ids) - 1
    copied = edit(DOCUMENT, "duplicate", layer=id_of("text"))
    copied = edit(copied, "duplicate", layer=id_of("text"), id="mine")
    assert [layer.name for layer in copied.layers][-3:] == ["text", "text copy 2", "text copy"] and copied.layers[-2].id == "mine"


def test_names_are_tidied_and_told_apart() -> None:
    def name(given: object) -> str:
        return named_layer(edit(DOCUMENT, "set", layer=id_of("text"), values={"name": given}))

    def named_layer(document: LayerDocument) -> str:
        return next(layer.name for layer in document.layers if layer.id == id_of("text"))

    assert name("  a\n\tb\u202e\x00c ") == "a bc"
    assert name("Subject") == "Subject 2" and name("../a/b") == "../a/b" and name("x" * 999) == "x" * 120
    for empty in ("", " \u200b", 5, None):
        with pytest.raises(InvalidRequest, match="name"):
            name(empty)


def test_a_replaced_picture_is_fitted_into_the_old_box() -> None:
    old = BY_NAME["subject"]
    turned = edit(DOCUMENT, "set", **place_of("subject", left=20, top=10, rotation_deg=30, scale_x=1.5, scale_y=1.5))
    source = SOURCES.add_pixels(np.full((20, 60, 4), 200, np.uint8))
    new = named(edit(turned, "replace", layer=old.id, source=as_source(source)), "subject")
    width, height = old.source.extent.size
    share = min(width / 60, height / 20)
    assert new.placement.scale_x == new.placement.scale_y == 1.5 * share and new.placement.rotation_deg == 30
    assert new.placement.middle((60, 20)) == pytest.approx(named(turned, "subject").placement.middle((width, height)))
    assert new.difference is None
    kept = edit(DOCUMENT, "replace", layer=id_of("text"), source=source, fit="none", text={"string": "NEW"}, opacity=0.5)
    assert (named(kept, "text").text.string, named(kept, "text").text.size_px, named(kept, "text").opacity) == ("NEW", 32.0, 0.5)
    assert named(kept, "text").placement == BY_NAME["text"].placement


def as_source(source: Any) -> dict[str, Any]:
    return {"id": source.id, "extent": {"width": source.extent.width, "height": source.extent.height}, "density": source.density}


def test_a_layer_is_added_where_it_is_wanted() -> None:
    source = SOURCES.add_pixels(np.full((5, 5, 4), 9, np.uint8))
    added = edit(
        DOCUMENT, "add", name="Subject", kind="subject", source=source, above=id_of("texture"), placement={"left": 4}, blend="screen"
    )
    assert added.layers[2].name == "Subject 2" and added.layers[2].placement.left == 4 and added.layers[2].confidence is None
    assert edit(DOCUMENT, "add", name="low", source=source, above="").layers[0].name == "low"
    assert edit(DOCUMENT, "add", name="high", source=source).layers[-1].name == "high"
    detail = BY_NAME["texture"].difference
    assert edit(DOCUMENT, "add", name="more", kind="texture", source=None, difference=detail).layers[-1].difference == detail
    with pytest.raises(InvalidRequest, match="pixels, or a difference"):
        edit(DOCUMENT, "add", name="none", source=None)
    with pytest.raises(InvalidImage):
        edit(DOCUMENT, "add", name="none", source={"id": "0" * 64, "extent": {"width": 5, "height": 5}})
    with pytest.raises(InvalidImage):
        edit(DOCUMENT, "add", name="none", source={**as_source(source), "extent": {"width": 6, "height": 5}})


@pytest.mark.parametrize("light", Light)
@pytest.mark.parametrize("names", [("shadow", "subject"), ("texture", "shadow", "subject", "highlight", "text"), ("background", "texture")])
def test_merging_neighbours_changes_no_pixel_and_parting_gives_them_back(names: tuple[str, ...], light: Light) -> None:
    document = replace(DOCUMENT, light=light)
    merged = edit(document, "merge", layers=[id_of(name) for name in names])
    assert len(merged.layers) == len(document.layers) - len(names) + 1
    assert (render(merged, SOURCES) == render(document, SOURCES)).all()
    whole = next(layer for layer in merged.layers if layer.members)
    assert from_json(as_json(merged)) == merged
    assert edit(merged, "part", layer=whole.id) == document
    moved = edit(merged, "set", layer=whole.id, values={"placement": {"left": whole.placement.left + 7}, "opacity": 0.5})
    parted = edit(moved, "part", layer=whole.id)
    for name in names:
        assert named(parted, name).placement.left == BY_NAME[name].placement.left + 7 and named(parted, name).opacity == 0.5
    again = edit(edit(merged, "resize_canvas", box={"x": 3, "y": 4, "width": 90, "height": 60}), "part", layer=whole.id)
    assert again.layers == edit(document, "resize_canvas", box={"x": 3, "y": 4, "width": 90, "height": 60}).layers


def test_a_merged_shadow_still_darkens_and_hides_nothing() -> None:
    sources = MemorySources()
    shade = np.zeros((40, 40, 4), np.uint8)
    shade[...] = (0, 0, 0, 100)
    thing = np.zeros((40, 40, 4), np.uint8)
    thing[10:20, 10:20] = (200, 30, 60, 255)
    document, _ = random_document(1, Extent(40, 40))
    ground = sources.add_pixels(np.full((40, 40, 4), (180, 160, 140, 255), np.uint8))
    document = replace(document, layers=())
    for name, source, blend in (
        ("g", ground, "normal"),
        ("s", sources.add_pixels(shade), "multiply"),
        ("t", sources.add_pixels(thing), "normal"),
    ):
        document = apply(document, {"op": "add", "id": name, "name": name, "source": source, "blend": blend}, sources)
    merged = apply(document, {"op": "merge", "layers": ["s", "t"], "id": "m"}, sources)
    pixels = sources.pixels(merged.layers[1].source)
    assert pixels[0, 0].tolist() == [0, 0, 0, 100] and pixels[15, 15].tolist() == [200, 30, 60, 255]
    assert merged.layers[1].difference is None or np.abs(sources.difference(merged.layers[1].difference)).max() <= 1


def test_the_canvas_changes_its_size_and_layers_stay_on_what_they_show() -> None:
    before = render(DOCUMENT, SOURCES)
    larger = edit(DOCUMENT, "resize_canvas", box={"x": -10, "y": -5, "width": 120, "height": 90})
    after = render(larger, SOURCES)
    assert after.shape == (90, 120, 4) and (after[5:77, 10:106] == before).all()
    back = edit(larger, "resize_canvas", box={"x": 10, "y": 5, "width": 96, "height": 72})
    assert back == DOCUMENT


def test_locks_hold() -> None:
    locked = edit(DOCUMENT, "set", layer=id_of("text"), values={"is_locked": True})
    text = id_of("text")
    for op, values in (("set", {"values": {"opacity": 0.1}}), ("delete", {}), ("replace", {"source": BY_NAME["subject"].source})):
        with pytest.raises(InvalidRequest, match="locked"):
            edit(locked, op, layer=text, **values)
    with pytest.raises(InvalidRequest, match="locked"):
        edit(locked, "merge", layers=[text, id_of("subject")])
    assert not named(edit(locked, "set", layer=text, values={"is_visible": False}), "text").is_visible
    assert named(edit(locked, "set", layer=text, values={"is_locked": False, "opacity": 0.3}), "text").opacity == 0.3
    fixed = edit(DOCUMENT, "document", is_canvas_locked=True, light="linear", light_from_deg=90, name="fixed")
    assert (fixed.light, fixed.light_from_deg, fixed.name) == (Light.LINEAR, 90.0, "fixed")
    with pytest.raises(InvalidRequest, match="canvas is locked"):
        edit(fixed, "set", **place_of("text", left=1))
    assert named(edit(fixed, "set", layer=text, values={"opacity": 0.3}), "text").opacity == 0.3
    with pytest.raises(InvalidRequest, match="canvas is locked"):
        edit(fixed, "replace", layer=text, source=SOURCES.add_pixels(np.zeros((3, 3, 4), np.uint8)), fit="none")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"op": "explode"}, "op"),
        ({}, "op"),
        ({"op": ["set"]}, "op"),
        ({"op": "set", "layer": "nobody", "values": {}}, "layer"),
        ({"op": "set", "layer": "T"}, "values"),
        ({"op": "set", "layer": "T", "values": 3}, "values"),
        ({"op": "set", "layer": "T", "values": {"id": "x"}}, "values"),
        ({"op": "set", "layer": "T", "values": {"source": None}}, "values"),
        ({"op": "set", "layer": "T", "values": {"opacity": 1.1}}, "layer.opacity"),
        ({"op": "set", "layer": "T", "values": {"opacity": float("nan")}}, "values.opacity"),
        ({"op": "set", "layer": "T", "values": {"opacity": True}}, "values.opacity"),
        ({"op": "set", "layer": "T", "values": {"blend": "glow"}}, "values.blend"),
        ({"op": "set", "layer": "T", "values": {"placement": {"scale_x": 0}}}, "placement.scale_x"),
        ({"op": "set", "layer": "T", "values": {"placement": {"skew": 1}}}, "values.placement"),
        ({"op": "set", "layer": "T", "values": {"placement": {"left": 10**400}}}, "values.placement.left"),
        ({"op": "set", "layer": "T", "values": {"adjustments": {"tint": "red"}}}, "adjustments.tint"),
        ({"op": "set", "layer": "T", "values": {"adjustments": {"gradient_map": [[0, "#000000"]]}}}, "adjustments.gradient_map"),
        ({"op": "set", "layer": "T", "values": {"effects": {"stroke": {"width_px": 9999}}}}, "effects.stroke.width_px"),
        ({"op": "order", "layers": ["T"]}, "layers"),
        ({"op": "order", "layers": "T"}, "layers"),
        ({"op": "merge", "layers": ["T"]}, "layers"),
        ({"op": "part", "layer": "T"}, "layer"),
        ({"op": "delete", "layer": "T", "more": 1}, "delete"),
        ({"op": "duplicate", "layer": "T", "id": "T"}, "layers"),
        ({"op": "duplicate", "layer": "T", "id": "../x"}, "layer.id"),
        ({"op": "document", "extent": {}}, "document"),
        ({"op": "document", "light": "candle"}, "light"),
        ({"op": "resize_canvas", "box": {"x": 0, "y": 0, "width": 0, "height": 5}}, "box"),
        ({"op": "resize_canvas", "box": {"x": 0, "y": 0, "width": 99999, "height": 99999}}, "extent"),
        ({"op": "link", "layer": "T", "follows": "nobody"}, "follows"),
        ({"op": "link", "layer": "T", "follows": 5}, "follows"),
    ],
)
def test_what_cannot_be_done_names_its_field(wrong: dict[str, Any], field: str) -> None:
    text = id_of("text")

    def fill(value: Any) -> Any:
        return text if value == "T" else [text if item == "T" else item for item in value] if isinstance(value, list) else value

    with pytest.raises(InvalidRequest) as caught:
        apply(DOCUMENT, {key: fill(value) if key != "op" else value for key, value in wrong.items()}, SOURCES)
    assert caught.value.field == field


def test_too_many_layers_are_refused() -> None:
    many = tuple(replace(BY_NAME["text"], id=f"n{number}") for number in range(MAX_LAYERS))
    with pytest.raises(InvalidRequest, match="1000"):
        edit(replace(DOCUMENT, layers=many), "duplicate", layer="n5")


def test_json_is_strict_and_complete() -> None:
    plain = as_json(DOCUMENT)
    assert from_json(plain) == DOCUMENT
    for key, value in (("more", 1), ("light", 3), ("layers", {}), ("extent", {"width": 5}), ("extent", {"width": 5.5, "height": 1})):
        with pytest.raises(InvalidRequest):
            from_json({**plain, key: value})
    with pytest.raises(InvalidRequest):
        from_json({key: value for key, value in plain.items() if key != "extent"})


def test_a_kept_rendering_is_the_fresh_one_after_any_edits() -> None:
    rng, cache = np.random.default_rng(11), RenderCache(max_bytes=200_000)
    document = DOCUMENT
    for _ in range(60):
        document = apply(document, random_edit(rng, document), SOURCES)
        assert (render(document, SOURCES, cache=cache) == render(document, SOURCES)).all()
        held = [values for placed in cache._placed.values() for values in (placed.pixels, placed.difference) if values is not None]
        owners = {id(values): values if values.base is None else values.base for values in held}
        assert len(cache._placed) == 1 or sum(owner.nbytes for owner in owners.values()) <= 200_000, "views keep what they are cut from"
    box = Box(13, 9, 40, 31)
    assert (render(document, SOURCES, box=box, cache=cache) == render(document, SOURCES)[9:40, 13:53]).all()


def test_layers_too_far_apart_are_not_merged() -> None:
    far = edit(DOCUMENT, "resize_canvas", box={"x": 0, "y": 0, "width": 12_000, "height": 12_000})
    for name, at in (("subject", -9000.0), ("text", 20_000.0)):
        far = edit(far, "set", **place_of(name, left=at, top=at))
    with pytest.raises(InvalidRequest, match="megapixels"):
        edit(far, "merge", layers=[id_of("subject"), id_of("text")])


def test_solo_shows_hidden_layers_and_thumbnails_are_small() -> None:
    hidden = edit(DOCUMENT, "set", layer=id_of("subject"), values={"is_visible": False})
    alone = render(hidden, SOURCES, only={id_of("subject")})
    box = extent_of(BY_NAME["subject"], DOCUMENT)
    assert alone.any() and not alone[: box.y].any() and not alone[:, : box.x].any()
    assert (render_alone(hidden, SOURCES, [id_of("subject")]) == alone).all()
    texture = render_alone(DOCUMENT, SOURCES, [id_of("texture")])
    assert (texture[..., 3] == 255).all() and np.abs(texture[..., :3].astype(int) - 128).max() == 20
    for layer in DOCUMENT.layers:
        assert max(thumbnail(layer, DOCUMENT, SOURCES, 20).shape[:2]) <= 20
