"""What an edit leaves alone, to the bit; each bar is printed with what was measured."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from skimage import data

from modules.imaging.geometry import Box, Extent
from modules.imaging.layering.blend_mode import BlendMode, Light
from modules.pipeline.layers import file
from modules.pipeline.layers.building import build
from modules.pipeline.layers.decomposing import Decomposition, Part
from modules.pipeline.layers.document import Layer, LayerDocument, LayerKind
from modules.pipeline.layers.edits import apply
from modules.pipeline.layers.history import History
from modules.pipeline.layers.render import extent_of, render
from modules.pipeline.layers.render_cache import RenderCache
from modules.pipeline.layers.sources import MemorySources
from tests.unit.pipeline.layers.documents import random_document, random_edit

PHOTOS: dict[str, Callable[[], np.ndarray]] = {
    "astronaut": data.astronaut,
    "cat": data.chelsea,
    "coffee": data.coffee,
    "rocket": data.rocket,
}
SCALES = (1.2, 0.8, 1.5, 0.33, 2.7, 1.01, 0.5, 1.9, 0.07, 1.3)


def photo_document(photo: np.ndarray) -> tuple[LayerDocument, MemorySources]:
    """A photo with its middle lifted out softly, a shadow below that, a gleam, and a line of text, all with what makes them exact."""
    sources, height, width = MemorySources(), *photo.shape[:2]
    ground = np.dstack([photo, np.full((height, width), 255, np.uint8)])
    y, x = np.mgrid[: height // 2, : width // 2]
    ring = 1 - np.hypot((y - height / 4) / (height / 4), (x - width / 4) / (width / 4))
    thing = np.roll(ground, 40, axis=1)[height // 4 :, width // 4 :][: height // 2, : width // 2].copy()
    thing[..., 3] = np.clip(ring * 12 * 255, 0, 255)
    shade = np.zeros_like(thing)
    shade[..., 3] = np.clip(ring * 200, 0, 140)
    gleam = np.full_like(thing, 255)
    gleam[..., 3] = np.clip((ring - 0.7) * 500, 0, 120)
    detail = (ground.astype(np.int16) - np.roll(ground, 1, axis=1)) // 8
    box = Box(width // 4, height // 4, width // 2, height // 2)
    residual = np.where(thing[..., 3:] > 0, np.random.default_rng(1).integers(-2, 3, thing.shape), 0).astype(np.int16)
    parts = (
        Part(LayerKind.BACKGROUND, "background", Box(0, 0, width, height), ground),
        Part(LayerKind.TEXTURE, "texture", Box(0, 0, width, height), None, detail),
        Part(LayerKind.SHADOW, "shadow", Box(box.x + 12, box.y + 20, box.width, box.height), shade, blend=BlendMode.MULTIPLY, caster=3),
        Part(LayerKind.SUBJECT, "subject", box, thing, residual),
        Part(LayerKind.HIGHLIGHT, "gleam", box, gleam, blend=BlendMode.SCREEN),
        Part(LayerKind.TEXT, "text", Box(20, 30, 200, 60), text_pixels()),
    )
    return build(Decomposition(parts), "photo", Extent(width, height), sources), sources


def text_pixels() -> np.ndarray:
    image = Image.new("L", (200, 60))
    ImageDraw.Draw(image).text((8, 4), "SALE 50%", fill=255, font=ImageFont.load_default(42))
    pixels = np.empty((60, 200, 4), np.uint8)
    pixels[...] = (200, 20, 40, 0)
    pixels[..., 3] = np.asarray(image)
    return pixels


def layer_named(document: LayerDocument, name: str) -> Layer:
    return next(layer for layer in document.layers if layer.name == name)


def touched(before: LayerDocument, after: LayerDocument) -> list[Box]:
    """The extents, old and new, of every layer that an edit changed."""
    old, new = ({layer.id: layer for layer in document.layers} for document in (before, after))
    changed = [name for name in {*old, *new} if old.get(name) != new.get(name)]
    return [extent_of(side[name], document) for name in changed for side, document in ((old, before), (new, after)) if name in side]


def difference_outside(before: LayerDocument, after: LayerDocument, old: np.ndarray, new: np.ndarray) -> int:
    """The largest difference of the two pictures away from what the edit changed."""
    is_outside = np.ones(before.extent.shape, bool)
    for box in touched(before, after):
        is_outside[box.y : box.y + box.height, box.x : box.x + box.width] = False
    delta = np.abs(new.astype(int) - old)
    return int(delta[is_outside].max(initial=0))


def test_random_edits_change_nothing_outside_the_old_and_the_new_extent() -> None:
    edits, worst, shown = 0, 0, 0
    for seed in range(25):
        rng = np.random.default_rng(seed)
        document, sources = random_document(seed, Extent(160, 120))
        document = replace(document, light=list(Light)[seed % 2])
        old = render(document, sources)
        for _ in range(12):
            changed = apply(document, random_edit(rng, document), sources)
            new = render(changed, sources)
            worst, edits = max(worst, difference_outside(document, changed, old, new)), edits + 1
            shown += bool((old != new).any())
            document, old = changed, new
    print(f"\n{edits} random edits, {shown} of them seen: largest difference outside the old and new extent {worst}, limit 0", end="")
    assert worst == 0 and shown > edits / 2


@pytest.mark.parametrize("name", PHOTOS)
def test_edits_of_a_photo_change_nothing_elsewhere(name: str) -> None:
    document, sources = photo_document(PHOTOS[name]())
    worst, old = 0, render(document, sources)
    moves: list[dict[str, Any]] = [
        {"placement": {"left": 200, "top": 11}},
        {"placement": {"scale_x": 1.4, "scale_y": 0.7, "rotation_deg": 20}},
        {"adjustments": {"hue_deg": 120}},
        {"effects": {"drop_shadow": {}}},
        {"is_visible": False},
    ]
    for layer in (layer for layer in document.layers if layer.kind not in (LayerKind.BACKGROUND, LayerKind.TEXTURE)):
        for values in moves:
            changed = apply(document, {"op": "set", "layer": layer.id, "values": values}, sources)
            worst = max(worst, difference_outside(document, changed, old, render(changed, sources)))
    print(f"\n{name}: largest difference outside the old and new extent {worst}, limit 0", end="")
    assert worst == 0


@pytest.mark.parametrize("light", Light)
def test_ten_scalings_and_back_give_the_first_picture(light: Light) -> None:
    document, sources = photo_document(data.chelsea())
    document = replace(document, light=light)
    text, subject = (layer_named(document, name) for name in ("text", "subject"))
    first = render(document, sources)
    edges = []
    for scale in SCALES:
        for layer in (text, subject):
            values = {"placement": {"scale_x": scale, "scale_y": scale, "rotation_deg": 17 * scale}}
            document = apply(document, {"op": "set", "layer": layer.id, "values": values}, sources)
        edges.append(render(document, sources))
    for layer in (text, subject):
        values = {"placement": {"scale_x": 1, "scale_y": 1, "rotation_deg": 0}}
        document = apply(document, {"op": "set", "layer": layer.id, "values": values}, sources)
    last = render(document, sources)
    assert all((edge != first).any() for edge in edges)
    edge = first[30:90, 20:220][(text_pixels()[..., 3] > 0) & (text_pixels()[..., 3] < 255)]
    back = last[30:90, 20:220][(text_pixels()[..., 3] > 0) & (text_pixels()[..., 3] < 255)]
    print(f"\n{light.value}: ten scalings of text and subject (with its shadow) and back: {len(edge)} px of the text's edge, ", end="")
    print(
        f"largest difference there {np.abs(edge.astype(int) - back).max()}, anywhere {np.abs(first.astype(int) - last).max()}, limit 0",
        end="",
    )
    assert len(edge) > 200 and (edge == back).all() and (first == last).all()


def test_ten_edits_cost_next_to_no_room(tmp_path: Path) -> None:
    document, sources = photo_document(data.astronaut())
    history, path = History(document), tmp_path / "poster.layers"
    file.save(path, history, sources)
    before, first = path.stat().st_size, render(document, sources)
    ids = {layer.name: layer.id for layer in document.layers}
    for number, scale in enumerate(SCALES):
        values = {"placement": {"scale_x": scale, "scale_y": scale, "left": 10.0 * number}, "opacity": 1 - number / 20}
        history.push(apply(history.document, {"op": "set", "layer": ids["text" if number % 2 else "subject"], "values": values}, sources))
        file.save(path, history, sources, picture=first)  # the same merged picture each time, to see what edits alone take
    grown = path.stat().st_size / before - 1
    print(f"\nfile: {before / 1e6:.2f} MB, after ten edits, with all of them to be undone, {grown:+.3%}, limit +0.5 %", end="")
    assert grown < 0.005
    opened = file.open(path).history
    for _ in SCALES:
        opened.undo()
    assert (render(opened.document, sources) == first).all()


def test_one_move_is_rendered_faster_than_the_whole() -> None:
    photo = np.asarray(Image.fromarray(data.astronaut()).resize((1024, 1024)))
    document, sources = photo_document(photo)
    for name in ("subject", "text"):
        document = apply(document, {"op": "duplicate", "layer": layer_named(document, name).id}, sources)
    cache = RenderCache()
    render(document, sources, cache=cache)
    text, took = layer_named(document, "text").id, {"whole": [], "one move": []}
    for step in range(5):
        document = apply(document, {"op": "set", "layer": text, "values": {"placement": {"left": 40 + 9 * step}}}, sources)
        for what, kept in (("one move", cache), ("whole", None)):
            start = time.process_time()
            picture = render(document, sources, cache=kept)
            took[what].append(time.process_time() - start)
    assert (picture == render(document, sources, cache=cache)).all()
    moved, whole = (sorted(took[what])[2] for what in ("one move", "whole"))
    print(f"\n1024 x 1024, {len(document.layers)} layers: rendered in {whole * 1e3:.0f} ms, after one move in {moved * 1e3:.0f} ms", end="")
    assert moved < 0.7 * whole
