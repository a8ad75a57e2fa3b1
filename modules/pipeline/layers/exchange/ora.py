"""OpenRaster files (the Free Desktop's draft 0.0.6), written and read."""

from __future__ import annotations

import io
import posixpath
import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from modules.base.errors import InvalidRequest
from modules.imaging.geometry import Box, Extent
from modules.imaging.layering.blend_mode import BlendMode
from modules.imaging.picture import open_picture, picture_size
from modules.pipeline.layers.exchange.archives import MAX_TEXT_BYTES, Files
from modules.pipeline.layers.exchange.pieces import Note, Piece, PixelBudget, Pixels, note
from modules.pipeline.layers.exchange.pngs import encode_rgba

MIME_TYPE = "image/openraster"
VERSION = "0.0.6"
THUMBNAIL_PX = 256
MAX_DEPTH = 64
OPERATORS = {
    BlendMode.NORMAL: "svg:src-over",
    BlendMode.MULTIPLY: "svg:multiply",
    BlendMode.SCREEN: "svg:screen",
    BlendMode.OVERLAY: "svg:overlay",
    BlendMode.DARKEN: "svg:darken",
    BlendMode.LIGHTEN: "svg:lighten",
    BlendMode.COLOR_DODGE: "svg:color-dodge",
    BlendMode.COLOR_BURN: "svg:color-burn",
    BlendMode.HARD_LIGHT: "svg:hard-light",
    BlendMode.SOFT_LIGHT: "svg:soft-light",
    BlendMode.DIFFERENCE: "svg:difference",
    BlendMode.ADD: "svg:plus",
}
"""EXCLUSION and SUBTRACT have no name there."""
_MODES = {operator: mode for mode, operator in OPERATORS.items()}


@dataclass(frozen=True)
class OraContents:
    """What is in the file: pieces bottom first, their marks are the names of their entries."""

    extent: Extent
    pieces: tuple[Piece, ...]
    notes: tuple[Note, ...]


def mark_of(place: int) -> str:
    """The entry of the piece at a place, from 0 at the bottom."""
    return f"data/layer{place:03d}.png"


def write_ora(merged: Pixels, pieces: Sequence[Piece], package: Mapping[str, bytes]) -> bytes:
    """A file of layers.

    Args:
        merged: (H, W, 4) uint8 RGBA.
        pieces: Bottom first, of modes in `OPERATORS`.
        package: Further entries, which other programs skip.
    """
    height, width = merged.shape[:2]
    image = ElementTree.Element("image", version=VERSION, w=str(width), h=str(height))
    stack = ElementTree.SubElement(image, "stack")
    for place, piece in reversed(list(enumerate(pieces))):
        _describe(stack, piece, mark_of(place))
    thumbnail = Image.fromarray(merged)
    thumbnail.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("mimetype", MIME_TYPE)
        archive.writestr("stack.xml", ElementTree.tostring(image, "utf-8", xml_declaration=True))
        for place, piece in enumerate(pieces):
            archive.writestr(mark_of(place), encode_rgba(piece.pixels))
        archive.writestr("mergedimage.png", encode_rgba(merged))
        archive.writestr("Thumbnails/thumbnail.png", encode_rgba(np.asarray(thumbnail)))
        for name, data in package.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def _describe(stack: ElementTree.Element, piece: Piece, entry: str) -> None:
    attributes = {
        "name": piece.name,
        "src": entry,
        "x": str(piece.box.x),
        "y": str(piece.box.y),
        "opacity": f"{1.0 if piece.opacity is None else piece.opacity:.9g}",
        "visibility": "hidden" if piece.is_visible is False else "visible",
        "composite-op": OPERATORS[piece.blend or BlendMode.NORMAL],
    }
    if piece.is_locked:
        attributes["edit-locked"] = "true"
    ElementTree.SubElement(stack, "layer", attributes)


def read_ora(files: Files, file_name: str) -> OraContents:
    """Read a file of layers; groups are worked into their layers.

    Raises:
        InvalidRequest: Damaged, entries missing, too large, too many or too deeply nested layers.
    """
    root = _parse(files, file_name)
    budget, notes = PixelBudget(file_name), list[Note]()
    extent = Extent(_whole(root, "w", file_name), _whole(root, "h", file_name))
    budget.take(extent, file_name)
    found = [found for stack in root.findall("stack") for found in _layers(stack, _Group(), notes, file_name, 0)]
    budget.count_layers(len(found))
    for element, _ in found:
        entry = _entry(element)
        budget.take(Extent(*picture_size(files.read(entry), entry)), entry)
    pieces = [_piece(element, group, files, notes) for element, group in reversed(found)]
    return OraContents(extent, tuple(pieces), tuple(notes))


@dataclass(frozen=True)
class _Group:
    """What the groups around a layer add to it."""

    x: int = 0
    y: int = 0
    opacity: float = 1.0
    is_visible: bool = True
    names: tuple[str, ...] = ()


def _parse(files: Files, file_name: str) -> ElementTree.Element:
    text = files.read("stack.xml", MAX_TEXT_BYTES)
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text or text[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InvalidRequest(file_name, "a stack.xml with a document type or of UTF-16", "plain XML of UTF-8, as OpenRaster asks")
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise InvalidRequest(file_name, f"stack.xml: {error}", "well-formed XML") from error
    if root.tag != "image":
        raise InvalidRequest(file_name, f"stack.xml of <{root.tag}>", "<image>, as OpenRaster asks")
    return root


def _layers(
    stack: ElementTree.Element, group: _Group, notes: list[Note], file_name: str, depth: int
) -> Iterator[tuple[ElementTree.Element, _Group]]:
    """All layers, top first, with what their groups add."""
    if depth > MAX_DEPTH:
        raise InvalidRequest(file_name, f"groups nested more than {MAX_DEPTH} deep", "flatter groups")
    for element in stack:
        if element.tag == "layer":
            yield element, group
        elif element.tag == "stack":
            name = element.get("name") or "group"
            if element.get("composite-op", "svg:src-over") != "svg:src-over":
                notes.append(note("group_mode", f"{name}: the group's own mode was not taken", layer=name))
            inner = _Group(
                group.x + _number(element, "x", 0),
                group.y + _number(element, "y", 0),
                group.opacity * _opacity(element),
                group.is_visible and element.get("visibility") != "hidden",
                (*group.names, name),
            )
            yield from _layers(element, inner, notes, file_name, depth + 1)


def _piece(element: ElementTree.Element, group: _Group, files: Files, notes: list[Note]) -> Piece:
    entry, name = _entry(element), element.get("name") or "layer"
    picture = open_picture(files.read(entry), entry)
    notes += [note("converted", f"{name}: {words}", layer=name) for words in picture.notes]
    operator = element.get("composite-op", "svg:src-over")
    if operator not in _MODES:
        notes.append(note("blend", f"{name}: the mode {operator} is not known here; Normal instead", layer=name))
    pixels = np.asarray(picture.image.convert("RGBA"))
    return Piece(
        name=name,
        box=Box(group.x + _number(element, "x", 0), group.y + _number(element, "y", 0), pixels.shape[1], pixels.shape[0]),
        pixels=pixels,
        blend=_MODES.get(operator, BlendMode.NORMAL),
        opacity=group.opacity * _opacity(element),
        is_visible=group.is_visible and element.get("visibility") != "hidden",
        is_locked=element.get("edit-locked") == "true",
        mark=entry,
        groups=group.names,
    )


def _entry(element: ElementTree.Element) -> str:
    return posixpath.normpath(element.get("src") or "")


def _whole(element: ElementTree.Element, name: str, file_name: str) -> int:
    text = element.get(name) or ""
    if not (text.isascii() and text.isdigit() and len(text) < 7):
        raise InvalidRequest(file_name, f"stack.xml: {name}={text!r}", "a whole number of pixels")
    return int(text)


def _number(element: ElementTree.Element, name: str, default: int) -> int:
    """An offset; Krita and MyPaint write whole numbers, others `12.0`."""
    try:
        value = float(element.get(name) or default)
        return round(min(max(value, -1e6), 1e6))
    except ValueError as error:
        raise InvalidRequest("stack.xml", f"{name}={element.get(name)!r}", "a number of pixels") from error


def _opacity(element: ElementTree.Element) -> float:
    try:
        value = float(element.get("opacity") or 1)
    except ValueError:
        value = float("nan")
    if not 0 <= value <= 1:
        raise InvalidRequest("stack.xml", f"opacity={element.get('opacity')!r}", "0 to 1")
    return value
