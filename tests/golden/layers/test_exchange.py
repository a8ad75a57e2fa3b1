"""Pictures that were taken apart go out as PSD, ZIP and OpenRaster and come back; each bar is printed with what was measured."""

from __future__ import annotations

import io
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from psd_tools import PSDImage
from skimage import data

from modules.backends.subject import SubjectNetwork
from modules.imaging.geometry import Extent
from modules.pipeline.layers.building import build
from modules.pipeline.layers.builtin.decomposer import BuiltinDecomposer
from modules.pipeline.layers.document import LayerDocument
from modules.pipeline.layers.exchange.exporting import ExportOptions, export
from modules.pipeline.layers.exchange.importing import import_layers
from modules.pipeline.layers.exchange.showing import show_document
from modules.pipeline.layers.render import render
from modules.pipeline.layers.sources import MemorySources
from tests.golden.layers.posters import make_poster
from tests.golden.layers.test_exactness import photo_document

Taken = tuple[str, NDArray[np.uint8], LayerDocument, MemorySources]


class Nobody:
    def tell(self, share: float, doing: str) -> None: ...

    def is_interrupted(self) -> bool:
        return False


@pytest.fixture(scope="module")
def taken_apart() -> list[Taken]:
    """A poster by the built-in decomposer, without the search for subjects that takes long, and photographs with layers laid over them."""
    poster = make_poster(0).picture
    picture = np.dstack([poster, np.full(poster.shape[:2], 255, np.uint8)])
    sources = MemorySources()
    decomposition = BuiltinDecomposer(SubjectNetwork(Path("none.onnx"))).decompose(picture, {"subjects": False}, Nobody())
    taken = [("poster", picture, build(decomposition, "poster", Extent(*poster.shape[1::-1]), sources), sources)]
    for name, photo in (("astronaut", data.astronaut()), ("coffee", data.coffee())):
        document, held = opaque(*photo_document(photo))
        taken.append((name, render(document, held), document, held))
    return taken


def opaque(document: LayerDocument, sources: MemorySources) -> tuple[LayerDocument, MemorySources]:
    """The same without differences of alpha, which no other program can show."""
    layers = []
    for layer in document.layers:
        if layer.difference is not None:
            values = sources.difference(layer.difference).copy()
            values[..., 3] = 0
            layer = replace(layer, difference=sources.add_difference(values))
        layers.append(layer)
    return replace(document, layers=tuple(layers)), sources


def apart(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> int:
    return int(np.abs(one.astype(np.int16) - other).max())


@pytest.mark.parametrize("kind", ["zip", "psd", "ora"])
def test_round_trips_are_exact(taken_apart: list[Taken], kind: str) -> None:
    for name, picture, document, sources in taken_apart:
        start = time.perf_counter()
        exported = export(document, sources, kind, ExportOptions(is_trimmed=True))
        wrote_s, start = time.perf_counter() - start, time.perf_counter()
        fresh = MemorySources()
        back = import_layers(exported.data, exported.file_name, fresh)
        read_s = time.perf_counter() - start
        worst = apart(render(back.document, fresh), picture)
        size = f"{len(exported.data) / 1e6:.1f} MB, {len(document.layers)} layers"
        print(f"{kind} of {name} ({size}): max difference {worst} (bar 0); written in {wrote_s:.1f} s, read in {read_s:.1f} s")
        for note in exported.notes:
            print(f"  {note['text']}")
        assert worst == 0 and back.notes == () and back.document.layers == document.layers


def test_psd_tools_reads_every_layer(taken_apart: list[Taken]) -> None:
    for name, picture, document, sources in taken_apart:
        psd = PSDImage.open(io.BytesIO(export(document, sources, "psd").data))
        merged = apart(np.asarray(psd.topil().convert("RGBA")), picture)
        leaves = [layer for layer in psd.descendants() if not layer.is_group()]
        shown = [piece for pieces in show_document(document, sources, has_residuals=True) for piece in pieces]
        worst = 0
        for leaf, piece in zip(leaves, shown, strict=True):
            assert (leaf.name, leaf.offset, leaf.opacity) == (piece.name, (piece.box.x, piece.box.y), round(255 * (piece.opacity or 0)))
            worst = max(worst, apart(np.asarray(leaf.topil()), piece.pixels))
        composed = np.abs(np.asarray(psd.composite(force=True).convert("RGBA")).astype(int) - picture)
        print(f"PSD of {name} in psd-tools: merged {merged}, {len(leaves)} layers {worst} (bars 0)")
        print(f"  its own mixing of them: at most {composed.max()}, {composed.mean():.4f} on average")
        assert merged == worst == 0 and composed.max() <= 4


def test_imagemagick_reads_the_same_pixels(taken_apart: list[Taken], tmp_path: Path) -> None:
    program = shutil.which("convert-im6.q16") or shutil.which("magick")
    if program is None:
        pytest.skip("ImageMagick is not installed (Debian: apt-get install imagemagick); psd-tools' reading is tested above")
    for name, picture, document, sources in taken_apart:
        (tmp_path / f"{name}.psd").write_bytes(export(document, sources, "psd").data)
        subprocess.run([program, f"{name}.psd", "-strip", "-depth", "8", f"{name}-%03d.png"], cwd=tmp_path, check=True, timeout=60)
        files = sorted(tmp_path.glob(f"{name}-*.png"))
        shown = [piece for pieces in show_document(document, sources, has_residuals=True) for piece in pieces]
        assert len(files) == 1 + len(shown)
        merged, worst = apart(read(files[0]), picture), 0
        for file, piece in zip(files[1:], shown, strict=True):
            pixels, covered = read(file), piece.pixels[..., 3] > 0
            worst = max(worst, apart(pixels[covered], piece.pixels[covered]))
        print(f"PSD of {name} in ImageMagick: merged {merged}, {len(shown)} layers {worst} (bars 0)")
        assert merged == worst == 0


def read(file: Path) -> NDArray[np.uint8]:
    with Image.open(file) as image:
        return np.asarray(image.convert("RGBA"))


def test_what_is_baked_is_close(taken_apart: list[Taken]) -> None:
    for name, _, document, sources in taken_apart:
        for kind in ("ora", "pptx"):
            notes = [note for note in export(document, sources, kind).notes if note["key"] == "exchange.baked"]
            for note in notes:
                print(f"{kind} of {name}: at most {note['worst']} of 255, {note['mean']} on average (bars 4, 0.2)")
                assert note["worst"] <= 4 and note["mean"] <= 0.2
