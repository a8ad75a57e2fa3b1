"""Documents go out to other programs and come back: what nobody touched is the same to the bit."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pptx import Presentation
from psd_tools import PSDImage

from modules.imaging.geometry import Box
from modules.imaging.layering.blend_mode import BlendMode, Light
from modules.imaging.layering.placement import Placement
from modules.imaging.picture import open_picture
from modules.pipeline.layers.document import Adjustments, DropShadow, Effects, LayerDocument, LayerKind
from modules.pipeline.layers.exchange.exporting import KINDS, ExportOptions, export, export_folder
from modules.pipeline.layers.exchange.importing import Imported, import_layers
from modules.pipeline.layers.exchange.pieces import spread
from modules.pipeline.layers.render import render
from modules.pipeline.layers.sources import MemorySources
from tests.unit.pipeline.layers.exchange_data import EXTENT, NAMES, draw_document, layer_of

ROUND = ("zip", "psd", "ora")


@pytest.fixture
def sources() -> MemorySources:
    return MemorySources()


@pytest.fixture
def document(sources: MemorySources) -> LayerDocument:
    return draw_document(sources)


def apart(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> int:
    return int(np.abs(one.astype(np.int16) - other).max())


def come_back(data: bytes, name: str = "back.file") -> tuple[Imported, MemorySources]:
    fresh = MemorySources()
    return import_layers(data, name, fresh), fresh


def keys(imported: Imported) -> list[str]:
    return [note["key"].removeprefix("exchange.") for note in imported.notes]


def edited_zip(data: bytes, change: Any) -> bytes:
    """The archive with its {name: bytes} changed in place."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def png(pixels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def moved_about(document: LayerDocument) -> LayerDocument:
    """The same layers turned, faded, decorated, half off the canvas and out of it."""
    background, texture, shadow, subject, highlight, text = document.layers
    return replace(
        document,
        layers=(
            background,
            replace(texture, opacity=0.5),
            replace(shadow, placement=replace(shadow.placement, left=-15.0), is_visible=False),
            replace(subject, placement=Placement(30.5, 12.25, 0.7, 0.7, 33.0), adjustments=Adjustments(hue_deg=40)),
            replace(highlight, effects=Effects(drop_shadow=DropShadow()), blend=BlendMode.SUBTRACT, opacity=0.25, is_locked=True),
            replace(text, placement=Placement(500.0, 500.0)),
        ),
    )


@pytest.mark.parametrize("kind", ROUND)
@pytest.mark.parametrize("light", Light)
@pytest.mark.parametrize("is_moved", [False, True])
def test_a_document_comes_back_the_same(document: LayerDocument, sources: MemorySources, kind: str, light: Light, is_moved: bool) -> None:
    sent = replace(moved_about(document) if is_moved else document, light=light)
    back, fresh = come_back(export(sent, sources, kind).data)
    assert back.notes == ()
    assert back.came_from == sent.id != back.document.id
    assert replace(back.document, id=sent.id) == sent
    assert apart(render(back.document, fresh), render(sent, sources)) == 0


def test_folders_come_back_the_same_full_size_and_trimmed(document: LayerDocument, sources: MemorySources, tmp_path: Path) -> None:
    for name, is_trimmed in (("full", False), ("trimmed", True)):
        folder = tmp_path / name
        notes = export_folder(document, sources, folder, ExportOptions(is_trimmed=is_trimmed))
        assert [note["key"] for note in notes] == ["exchange.differences_apart"]
        there = {path.name for path in folder.iterdir()}
        assert {"background.png", "主体 subject.png", "texture +.png", "texture -.png", "layers.json"} < there, "a slash is no folder"
        size = open_picture(folder / "text SALE.png").image.size
        assert size == ((20, 10) if is_trimmed else EXTENT.size)
        fresh = MemorySources()
        back = import_layers(folder, name, fresh)
        assert back.notes == ()
        assert replace(back.document, id=document.id) == document
        assert np.array_equal(np.asarray(open_picture(folder / "picture.png").image.convert("RGBA")), render(document, sources))


def test_a_locked_canvas_is_written_in_full_size(document: LayerDocument, sources: MemorySources) -> None:
    data = export(replace(document, is_canvas_locked=True), sources, "zip", ExportOptions(is_trimmed=True)).data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert Image.open(archive.open("highlight.png")).size == EXTENT.size


def test_a_folder_in_a_folder_and_a_mac_s_extra_files_do_not_matter(document: LayerDocument, sources: MemorySources) -> None:
    def wrap(files: dict[str, bytes]) -> None:
        inner = dict(files)
        files.clear()
        files.update({f"poster/{name}": content for name, content in inner.items()})
        files.update({"__MACOSX/poster/._text SALE.png": b"x", "poster/.DS_Store": b"y", "poster/read me.txt": b"z"})

    back, _ = come_back(edited_zip(export(document, sources, "zip").data, wrap))
    assert back.notes == ()
    assert replace(back.document, id=document.id) == document


def test_psd_tools_reads_what_was_written(document: LayerDocument, sources: MemorySources) -> None:
    sent = moved_about(document)
    picture = render(sent, sources)
    exported = export(sent, sources, "psd")
    assert {note["key"] for note in exported.notes} == {"exchange.add_and_subtract"}
    psd = PSDImage.open(io.BytesIO(exported.data))
    assert apart(np.asarray(psd.topil().convert("RGBA")), picture) == 0
    layers = {layer.name: layer for layer in reversed(list(psd.descendants()))}
    assert [layer.name for layer in psd] == list(NAMES), "bottom first, one group for a layer and its difference"
    background = sent.layers[0].source
    assert background is not None and apart(np.asarray(layers["background"].topil()), sources.pixels(background)) == 0
    assert not layers["shadow"].is_visible() and layers["highlight +"].locks is not None
    inner = {layer.name: layer for layer in layers["highlight"].descendants()}
    assert inner["highlight"].blend_mode.name == "SUBTRACT" and inner["highlight"].opacity == 64
    assert inner["highlight +"].blend_mode.name == "LINEAR_DODGE" and inner["highlight -"].blend_mode.name == "SUBTRACT"
    subject = next(layer for layer in layers["主体/subject"].descendants() if layer.name == "主体/subject")
    alone = render(sent, sources, only={sent.layers[3].id})
    laid = spread(np.asarray(subject.topil()), Box(*subject.offset, *subject.size), Box(0, 0, *EXTENT.size))
    assert np.abs(laid[..., 3].astype(int) - alone[..., 3]).max() == 0


def test_another_program_s_mixing_of_the_psd_is_close(document: LayerDocument, sources: MemorySources) -> None:
    composed = np.asarray(PSDImage.open(io.BytesIO(export(document, sources, "psd").data)).composite(force=True).convert("RGBA"))
    difference = np.abs(composed.astype(int) - render(document, sources))
    print(f"psd-tools' own composite: {difference.max()} of 255 at most, {difference.mean():.3f} on average (it does not round per layer)")
    assert difference.max() <= 2


def test_a_transparent_picture_keeps_its_alpha(document: LayerDocument, sources: MemorySources) -> None:
    sent = replace(document, layers=document.layers[3:4])
    psd = PSDImage.open(io.BytesIO(export(sent, sources, "psd").data))
    assert apart(np.asarray(psd.topil())[..., 3], render(sent, sources)[..., 3]) == 0
    back, fresh = come_back(export(sent, sources, "psd").data)
    assert apart(render(back.document, fresh), render(sent, sources)) == 0


def test_ora_has_what_its_readers_ask_for(document: LayerDocument, sources: MemorySources) -> None:
    sent = replace(document, layers=(*document.layers[:-1], replace(document.layers[-1], blend=BlendMode.EXCLUSION, is_locked=True)))
    exported = export(sent, sources, "ora")
    baked = next(note for note in exported.notes if note["key"] == "exchange.baked")
    print(f"ORA: {baked['text']}")
    assert baked["worst"] <= 8
    with zipfile.ZipFile(io.BytesIO(exported.data)) as archive:
        first = archive.infolist()[0]
        assert (first.filename, archive.read(first), first.compress_type) == ("mimetype", b"image/openraster", zipfile.ZIP_STORED)
        assert apart(np.asarray(Image.open(archive.open("mergedimage.png"))), render(sent, sources)) == 0
        layers = ElementTree.fromstring(archive.read("stack.xml")).findall("stack/layer")
    assert [layer.get("name") for layer in layers] == [name for name in reversed(NAMES) if name != "texture"], "texture is in background"
    operators = {layer.get("name"): layer.get("composite-op") for layer in layers}
    assert operators["shadow"] == "svg:multiply" and operators["highlight"] == "svg:screen" and operators["text: SALE"] == "svg:src-over"
    assert layers[0].get("edit-locked") == "true"


def test_slides_hold_pictures_or_text(document: LayerDocument, sources: MemorySources) -> None:
    sent = replace(document, layers=(*document.layers[:2], replace(document.layers[2], is_visible=False), *document.layers[3:]))
    for has_text_boxes in (False, True):
        exported = export(sent, sources, "pptx", ExportOptions(has_text_boxes=has_text_boxes))
        deck = Presentation(io.BytesIO(exported.data))
        assert deck.slide_width / deck.slide_height == pytest.approx(EXTENT.aspect, rel=1e-6)
        shapes = list(deck.slides[0].shapes)
        assert [shape.name for shape in shapes] == [name for name in NAMES if name != "texture"]
        assert [shape._element.xpath(".//p:cNvPr")[0].get("hidden") for shape in shapes] == [None, "1", None, None, None]
        scale = deck.slide_width / EXTENT.width
        assert shapes[2].left == pytest.approx(5 * scale, abs=2) and shapes[2].width == pytest.approx(30 * scale, abs=2)
        if has_text_boxes:
            assert shapes[-1].text_frame.text == "SALE\n优惠" and shapes[-1].rotation == pytest.approx(10)
            run = shapes[-1].text_frame.paragraphs[0].runs[0]
            assert run.font.name == "Noto Sans SC" and run.font._element.xpath("a:ea")[0].get("typeface") == "Noto Sans SC"
        else:
            shown, alpha = np.asarray(Image.open(io.BytesIO(shapes[-1].image.blob)))[..., 3], layer_alpha(sent, sources)
            assert (shown >= alpha).all() and ((shown > 0) == (alpha > 0)).all() and np.mean(shown == alpha) > 0.9


def layer_alpha(document: LayerDocument, sources: MemorySources) -> NDArray[np.uint8]:
    source = document.layers[-1].source
    assert source is not None
    return sources.pixels(source)[..., 3]


def test_every_kind_is_written_under_a_safe_name(document: LayerDocument, sources: MemorySources) -> None:
    for kind, media_type in KINDS.items():
        exported = export(document, sources, kind)
        assert exported.file_name == f"Poster_ 一.{kind}" and exported.media_type == media_type and len(exported.data) > 1000
    assert json.dumps([dict(note) for note in exported.notes])
    assert apart(np.asarray(Image.open(io.BytesIO(export(document, sources, "png").data)).convert("RGBA")), render(document, sources)) == 0


def test_linear_light_is_worked_into_soft_edges(document: LayerDocument, sources: MemorySources) -> None:
    linear = replace(document, light=Light.LINEAR, layers=(document.layers[0], replace(document.layers[3], difference=None)))
    note = export(linear, sources, "ora").notes[0]
    as_it_was = np.abs(render(replace(linear, light=Light.SRGB), sources).astype(int) - render(linear, sources)).mean()
    print(
        f"linear light in ORA: {note['mean']:.3f} of 255 on average, {as_it_was:.3f} if nothing were done (noise of every colour and alpha)"
    )
    assert note["layers"] == [NAMES[3]] and note["mean"] < as_it_was / 5
    assert "linear" in export(linear, sources, "psd").notes[-1]["key"]


def test_kinds_are_known_after_they_came_back(document: LayerDocument, sources: MemorySources) -> None:
    back, _ = come_back(export(document, sources, "psd").data)
    assert layer_of(back.document, "shadow").follows == layer_of(back.document, NAMES[3]).id
    assert layer_of(back.document, "text: SALE").kind is LayerKind.TEXT
