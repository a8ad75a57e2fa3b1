"""Documents go out to other programs and come back: what nobody touched is the same to the bit."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from modules.imaging.layering.blend_mode import BlendMode, Light
from modules.imaging.layering.placement import Placement
from modules.pipeline.layers.document import Adjustments, DropShadow, Effects, LayerDocument
from modules.pipeline.layers.exchange.exporting import export
from modules.pipeline.layers.exchange.importing import Imported, import_layers
from modules.pipeline.layers.render import render
from modules.pipeline.layers.sources import MemorySources
from tests.unit.pipeline.layers.exchange_data import draw_document

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
