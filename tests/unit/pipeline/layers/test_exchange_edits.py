"""A client changes a file of layers in another program and sends it back: what changed is taken, the rest stays to the bit."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from psd_tools import PSDImage
from psd_tools.constants import BlendMode as PsdBlend

from modules.imaging.layering.blend_mode import BlendMode
from modules.pipeline.layers.document import LayerDocument, LayerKind
from modules.pipeline.layers.exchange.exporting import export, export_folder
from modules.pipeline.layers.exchange.importing import Imported, import_layers
from modules.pipeline.layers.render import render
from modules.pipeline.layers.sources import MemorySources
from tests.unit.pipeline.layers.exchange_data import NAMES, draw_document, layer_of
from tests.unit.pipeline.layers.test_exchange import apart, come_back, edited_zip, keys, png

SUBJECT = NAMES[3]
SPOT = slice(10, 14), slice(8, 20)
"""Rows and columns of the canvas that are painted over."""


@pytest.fixture
def sources() -> MemorySources:
    return MemorySources()


@pytest.fixture
def document(sources: MemorySources) -> LayerDocument:
    return draw_document(sources)


def edited_psd(data: bytes, change: Callable[[PSDImage], None]) -> bytes:
    psd = PSDImage.open(io.BytesIO(data))
    change(psd)
    buffer = io.BytesIO()
    psd.save(buffer)
    return buffer.getvalue()


def find(psd: PSDImage, name: str) -> Any:
    return next(layer for layer in psd.descendants() if layer.name == name and not layer.is_group())


def put(layer: Any, pixels: NDArray[np.uint8], left: int, top: int) -> None:
    """Give a layer other pixels, as a program does that saves what was painted."""
    height, width = pixels.shape[:2]
    for info, data in zip(layer._record.channel_info, layer._channels, strict=True):
        data.set_data(np.ascontiguousarray(pixels[..., 3 if info.id == -1 else info.id]).tobytes(), width, height, 8)
    record = layer._record
    record.left, record.top, record.right, record.bottom = left, top, left + width, top + height


def outside_spot(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rest = picture.copy()
    rest[SPOT] = 0
    return rest


def check_painted(back: Imported, fresh: MemorySources, document: LayerDocument, sources: MemorySources, name: str) -> None:
    """Everything but the spot is the same, the spot is red, and the other layers are the same values."""
    now, before = render(back.document, fresh), render(document, sources)
    assert apart(outside_spot(now), outside_spot(before)) == 0
    for layer in document.layers:
        if layer.name != name:
            assert layer in back.document.layers
    alone = render(back.document, fresh, only={layer_of(back.document, name).id})
    assert (alone[SPOT] == (255, 0, 0, 255)).all()
    assert [note["layer"] for note in back.notes if note["key"] == "exchange.repainted"] == [name]


@pytest.mark.parametrize("kind", ["zip", "ora", "folder"])
@pytest.mark.parametrize("name", ["background", SUBJECT])
def test_one_png_was_painted_on(document: LayerDocument, sources: MemorySources, kind: str, name: str, tmp_path: Path) -> None:
    def paint(files: dict[str, bytes]) -> None:
        entry = name.replace("/", " ") + ".png"
        entry = {"background": "data/layer000.png", SUBJECT: "data/layer002.png"}[name] if kind == "ora" else entry
        pixels = np.array(Image.open(io.BytesIO(files[entry])).convert("RGBA"))
        rows, columns = SPOT
        left, top = (5, 7) if kind == "ora" and name == SUBJECT else (0, 0)
        pixels[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = (255, 0, 0, 255)
        files[entry] = png(pixels)

    if kind == "folder":
        export_folder(document, sources, tmp_path)
        files = {path.name: path.read_bytes() for path in tmp_path.glob("*.png")}
        paint(files)
        for entry, content in files.items():
            (tmp_path / entry).write_bytes(content)
        fresh = MemorySources()
        back = import_layers(tmp_path, "folder", fresh)
    else:
        back, fresh = come_back(edited_zip(export(document, sources, kind).data, paint))
    if kind == "ora" and name == "background":
        assert keys(back) == ["repainted"]
        assert apart(outside_spot(render(back.document, fresh)), outside_spot(render(document, sources))) == 0
        texture = layer_of(back.document, "texture").difference
        assert texture is not None and not fresh.difference(texture)[SPOT].any(), "the texture was in what was painted over"
        return
    check_painted(back, fresh, document, sources, name)


def test_a_layer_of_the_psd_was_painted_on(document: LayerDocument, sources: MemorySources) -> None:
    def paint(psd: PSDImage) -> None:
        pixels = np.array(find(psd, SUBJECT).topil())
        pixels[3:7, 3:15] = (255, 0, 0, 255)
        put(find(psd, SUBJECT), pixels, 5, 7)

    back, fresh = come_back(edited_psd(export(document, sources, "psd").data, paint))
    check_painted(back, fresh, document, sources, SUBJECT)


def test_layers_of_the_psd_were_moved_set_and_renamed(document: LayerDocument, sources: MemorySources) -> None:
    def change(psd: PSDImage) -> None:
        for name in (SUBJECT, f"{SUBJECT} +", f"{SUBJECT} -"):
            layer = find(psd, name)
            layer.left, layer.top = layer.left + 11, layer.top - 3
        find(psd, "shadow").opacity = 100
        find(psd, "highlight").blend_mode = PsdBlend.OVERLAY
        find(psd, "text: SALE").name = "新文字"
        next(layer for layer in psd if layer.name == "texture").visible = False

    back, fresh = come_back(edited_psd(export(document, sources, "psd").data, change))
    assert sorted(keys(back)) == ["moved", "set", "set", "set", "set"]
    subject = layer_of(back.document, SUBJECT)
    assert (subject.placement.left, subject.placement.top) == (16.0, 4.0)
    assert subject.difference == layer_of(document, SUBJECT).difference, "its difference travels with it"
    assert layer_of(back.document, "shadow").opacity == pytest.approx(100 / 255)
    assert layer_of(back.document, "highlight").blend is BlendMode.OVERLAY
    assert not layer_of(back.document, "texture").is_visible
    text, before = layer_of(back.document, "新文字"), layer_of(document, "text: SALE")
    assert (text.id, text.source, text.text) == (before.id, before.source, before.text)
    assert render(back.document, fresh).shape == render(document, sources).shape


def test_layers_of_the_psd_were_removed_reordered_and_added(document: LayerDocument, sources: MemorySources) -> None:
    def change(psd: PSDImage) -> None:
        groups = {layer.name: layer for layer in psd}
        psd.remove(groups["highlight"])
        psd.remove(groups["text: SALE"])
        psd.insert(1, groups["text: SALE"])
        psd.create_pixel_layer(Image.new("RGBA", (5, 4), (1, 2, 3, 255)), name="sticker", top=2, left=70)

    back, fresh = come_back(edited_psd(export(document, sources, "psd").data, change))
    assert [layer.name for layer in back.document.layers] == ["background", "text: SALE", "texture", "shadow", SUBJECT, "sticker"]
    assert sorted(keys(back)) == ["added", "mask", "removed"], "psd-tools writes transparency of a new layer as a mask"
    assert (render(back.document, fresh)[2:6, 70:75] == (1, 2, 3, 255)).all()


def test_margins_that_another_program_cuts_off_do_not_count(document: LayerDocument, sources: MemorySources) -> None:
    """Photoshop keeps no transparent margins, and no colours below them."""
    subject = layer_of(document, SUBJECT)
    assert subject.source is not None
    pixels = sources.pixels(subject.source).copy()
    pixels[:4], pixels[:, -6:] = (9, 9, 9, 0), (8, 8, 8, 0)
    from_margins = draw_with(document, sources, pixels)

    def cut(psd: PSDImage) -> None:
        whole = np.array(find(psd, SUBJECT).topil())
        put(find(psd, SUBJECT), whole[4:, :24], 5, 11)

    back, _ = come_back(edited_psd(export(from_margins, sources, "psd").data, cut))
    assert back.notes == ()
    assert back.document.layers == from_margins.layers


def draw_with(document: LayerDocument, sources: MemorySources, pixels: NDArray[np.uint8]) -> LayerDocument:
    new = sources.add_pixels(pixels)
    return replace(document, layers=tuple(replace(layer, source=new) if layer.name == SUBJECT else layer for layer in document.layers))


def test_a_texture_was_softened_outside(document: LayerDocument, sources: MemorySources) -> None:
    def soften(files: dict[str, bytes]) -> None:
        pixels = np.array(Image.open(io.BytesIO(files["texture +.png"])))
        pixels[..., :3] //= 2
        files["texture +.png"] = png(pixels)
        del files["texture -.png"]

    back, fresh = come_back(edited_zip(export(document, sources, "zip").data, soften))
    assert keys(back) == ["difference"]
    before, now = layer_of(document, "texture").difference, layer_of(back.document, "texture").difference
    assert before is not None and now is not None
    assert (fresh.difference(now)[..., :3] == np.clip(sources.difference(before)[..., :3], 0, None) // 2).all()


def test_pngs_were_removed_and_added(document: LayerDocument, sources: MemorySources) -> None:
    def change(files: dict[str, bytes]) -> None:
        del files[f"{SUBJECT.replace('/', ' ')}.png"]
        files["shadow of a logo.png"] = png(np.full((7, 9, 4), 200, np.uint8))

    back, _ = come_back(edited_zip(export(document, sources, "zip").data, change))
    assert sorted(keys(back)) == ["added", "removed"]
    left = [name for name in NAMES if name != SUBJECT]
    assert [layer.name for layer in back.document.layers] == [*left, "shadow of a logo"]
    assert layer_of(back.document, "shadow").follows == "", "nobody follows a layer that is gone"
    assert layer_of(back.document, "shadow of a logo").kind is LayerKind.SHADOW
