"""A document as PNGs with names that a person reads, in a folder or a ZIP file; and such files of anybody."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from modules.base.errors import InvalidRequest
from modules.imaging.geometry import Box, Extent
from modules.imaging.naming import sanitize_part
from modules.imaging.picture import open_picture, picture_size
from modules.pipeline.layers.document import LayerDocument
from modules.pipeline.layers.exchange.archives import Files
from modules.pipeline.layers.exchange.carrying import Carried
from modules.pipeline.layers.exchange.pieces import Note, Piece, PixelBudget, note, spread
from modules.pipeline.layers.exchange.pngs import encode_rgba
from modules.pipeline.layers.exchange.showing import show_document
from modules.pipeline.layers.naming import free_name
from modules.pipeline.layers.sources import Sources

MERGED_STEM = "picture"
"""Of the file that holds the whole picture; no layer's."""
PICTURE_ENDINGS = (".png", ".webp", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp", ".gif")
OWN_SOURCE = re.compile(r"(^|/)sources/[0-9a-f]{64}\.png$")
"""What our files carry beside the layers' pictures."""
MAX_STEM_CHARS = 80


@dataclass(frozen=True)
class Pictures:
    """PNGs of a folder or ZIP: bottom first where a layers.json of ours tells; marks are the names of the files."""

    extent: Extent
    pieces: tuple[Piece, ...]
    notes: tuple[Note, ...]


def show_files(document: LayerDocument, sources: Sources, *, is_trimmed: bool) -> list[Piece]:
    """The document's layers as pieces that are written as files; their marks are the files' names.

    Args:
        document: What to show.
        sources: Its pixels.
        is_trimmed: Whether a file holds the layer's own box only; else the whole canvas.
    """
    pieces: list[Piece] = []
    stems = [MERGED_STEM]
    canvas = Box(0, 0, *document.extent.size)
    for shown in show_document(document, sources, has_residuals=False):
        for piece in shown:
            stem = free_name(_stem(piece.name), stems)
            stems.append(stem)
            if not is_trimmed:
                piece = replace(piece, pixels=spread(piece.pixels, piece.box, canvas), box=canvas)
            pieces.append(replace(piece, mark=f"{stem}.png"))
    return pieces


def _stem(name: str) -> str:
    """A file name without ending, safe on every system: `text: SALE` becomes `text SALE`."""
    words = [word for word in re.sub(r"[:/\\|]+", " ", name).split() if word.strip(".")]
    return sanitize_part(" ".join(words), limit=MAX_STEM_CHARS) or "layer"


def write_files(pieces: Sequence[Piece]) -> dict[str, bytes]:
    """The files by name."""
    return {piece.mark: encode_rgba(piece.pixels) for piece in pieces}


def write_zip(files: Mapping[str, bytes]) -> bytes:
    """A ZIP file; PNGs are packed already and stored as they are."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            packing = zipfile.ZIP_DEFLATED if name.endswith(".json") else zipfile.ZIP_STORED
            archive.writestr(name, data, compress_type=packing)
    return buffer.getvalue()


def read_own(files: Files, prefix: str, carried: Carried, file_name: str) -> Pictures:
    """The files that layers.json names, and pictures that were added beside them, which come on top.

    Raises:
        InvalidRequest: A picture that cannot be read, or of another size than it had.
    """
    marks = [piece.mark for piece in carried.pieces]
    there = {name.removeprefix(prefix) for name in files.names if name.startswith(prefix)}
    added = [mark for mark in sorted(there - set(marks)) if _is_layer_file(mark)]
    budget, notes, pieces = PixelBudget(file_name), list[Note](), list[Piece]()
    budget.count_layers(len(marks) + len(added))
    boxes = {piece.mark: piece for piece in carried.pieces}
    for mark in [mark for mark in marks if mark in there] + added:
        data = files.read(prefix + mark)
        extent = Extent(*picture_size(data, mark))
        budget.take(extent, mark)
        known = boxes.get(mark)
        box = Box(0, 0, *extent.size) if known is None else known.file_box
        if extent != box.extent:
            raise InvalidRequest(mark, f"{extent.width}x{extent.height} px", f"{box.width}x{box.height} px, as layers.json says")
        pieces.append(_read(data, mark, _name_of(mark) if known is None else known.name, box, notes))
    return Pictures(carried.document.extent, tuple(pieces), tuple(notes))


def read_foreign(files: Files, file_name: str) -> Pictures:
    """All pictures of a folder or ZIP, in no order; the largest says how large the canvas is.

    Raises:
        InvalidRequest: None at all, one that cannot be read, too many or too large ones.
    """
    names = [name for name in files.names if _is_picture(name)]
    layers = [name for name in names if _is_layer_file(posixpath.basename(name))] or names
    budget, notes = PixelBudget(file_name), list[Note]()
    budget.count_layers(len(layers))
    extents = {name: Extent(*picture_size(files.read(name), name)) for name in layers}
    for name, extent in extents.items():
        budget.take(extent, name)
    if not extents:
        raise InvalidRequest(file_name, "a file without pictures", "PNG files of layers")
    canvas = Extent(max(extent.width for extent in extents.values()), max(extent.height for extent in extents.values()))
    budget.take(canvas, file_name)
    pieces = []
    for name in layers:
        if extents[name] != canvas:
            words = f"{name}: {extents[name].width}x{extents[name].height} px, smaller than the canvas; it lies in the top left corner"
            notes.append(note("smaller", words, layer=name))
        pieces.append(_read(files.read(name), name, _name_of(posixpath.basename(name)), Box(0, 0, *extents[name].size), notes))
    return Pictures(canvas, tuple(pieces), tuple(notes))


def _read(data: bytes, mark: str, name: str, box: Box, notes: list[Note]) -> Piece:
    picture = open_picture(data, mark)
    notes += [note("converted", f"{mark}: {words}", layer=name) for words in picture.notes]
    pixels = np.asarray(picture.image.convert("RGBA"))
    return Piece(name, Box(box.x, box.y, pixels.shape[1], pixels.shape[0]), pixels, mark=mark)


def _name_of(mark: str) -> str:
    return posixpath.splitext(mark)[0]


def _is_picture(name: str) -> bool:
    parts = name.split("/")
    is_hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
    is_source = OWN_SOURCE.search(name) is not None  # it shows what a layer's own file shows, without the layer's place and colours
    return not is_hidden and not is_source and parts[-1].casefold().endswith(PICTURE_ENDINGS)


def _is_layer_file(name: str) -> bool:
    """Pictures directly in the folder, but the merged one."""
    return "/" not in name and _is_picture(name) and _name_of(name).casefold() != MERGED_STEM
