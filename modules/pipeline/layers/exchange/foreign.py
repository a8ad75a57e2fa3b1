"""Layers of other programs: what kind they are is read off their names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from modules.base.errors import InvalidRequest
from modules.imaging.geometry import Box, Extent
from modules.imaging.layering.blend_mode import BlendMode
from modules.imaging.layering.placement import Placement
from modules.pipeline.layers.building import new_document_id, new_layer_id
from modules.pipeline.layers.checks import check_document
from modules.pipeline.layers.document import Layer, LayerDocument, LayerKind
from modules.pipeline.layers.exchange.pieces import Note, Piece, note
from modules.pipeline.layers.naming import free_name, tidy_name
from modules.pipeline.layers.sources import Sources

_WORDS = {
    LayerKind.SUBJECT: "subject|主体",
    LayerKind.BACKGROUND: "background|背景",
    LayerKind.TEXT: "text|文字|文本",
    LayerKind.SHADOW: "shadow|阴影|投影",
    LayerKind.HIGHLIGHT: "highlight|高光",
    LayerKind.TEXTURE: "texture|纹理",
}
_NAME = re.compile(
    r"(?:layer[ _-]?\d+[ _-])?(?:" + "|".join(f"(?P<{kind.name}>{words})" for kind, words in _WORDS.items()) + r")(?![^\W\d_])",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"layer[ _-]?\d+[ _-](\w+)", re.IGNORECASE)
_RANKS = (
    LayerKind.BACKGROUND,
    LayerKind.TEXTURE,
    LayerKind.SHADOW,
    LayerKind.OTHER,
    LayerKind.SUBJECT,
    LayerKind.HIGHLIGHT,
    LayerKind.TEXT,
)
"""From bottom to top, for files that do not tell."""
GREY_FROM, GREY_TO = 108, 148
"""Mean of a texture drawn on middle grey."""


def kind_of(name: str) -> LayerKind:
    """By the first word of a name such as `layer_0_subject`, `Background` or `text: SALE`; OTHER where it says nothing."""
    found = _NAME.match(name.strip())
    return LayerKind[found.lastgroup] if found is not None and found.lastgroup else LayerKind.OTHER


def layer_of(piece: Piece, sources: Sources) -> tuple[Layer, list[Note]]:
    """A layer of pixels as the file shows it, cut to what can be seen; names of groups come before its own."""
    piece = _trimmed(piece)
    numbered = _NUMBERED.fullmatch(piece.name.strip())
    kind = kind_of(piece.name)
    own = numbered.group(1) if numbered is not None and kind is not LayerKind.OTHER else piece.name
    name = _tidy(" / ".join((*piece.groups, own)), kind)
    opacity = 1.0 if piece.opacity is None else piece.opacity
    layer = Layer(
        id=new_layer_id(),
        name=name,
        kind=kind,
        source=sources.add_pixels(np.ascontiguousarray(piece.pixels)),
        placement=Placement(left=float(piece.box.x), top=float(piece.box.y)),
        opacity=min(max(opacity, 0.0), 1.0),
        blend=piece.blend or BlendMode.NORMAL,
        is_visible=piece.is_visible is not False,
        is_locked=bool(piece.is_locked),
    )
    notes = [] if name == piece.name else [note("renamed", f"{piece.name[:80]!r} is called {name} here", layer=name, was=piece.name[:80])]
    return layer, notes


def _trimmed(piece: Piece) -> Piece:
    """Without the empty room around what it shows: pictures of layers are often as large as the canvas."""
    shows = piece.pixels[..., 3] > 0
    rows, columns = (np.flatnonzero(shows.any(axis=axis)) for axis in (1, 0))
    if not len(rows) or (len(rows), len(columns)) == shows.shape:
        return piece
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    box = Box(piece.box.x + left, piece.box.y + top, right - left, bottom - top)
    return replace(piece, pixels=piece.pixels[top:bottom, left:right], box=box)


def assemble(pieces: Sequence[Piece], extent: Extent, name: str, sources: Sources, *, is_ordered: bool) -> tuple[LayerDocument, list[Note]]:
    """A document of pieces of another program.

    Args:
        pieces: Bottom first where `is_ordered`; else they are laid on each other by kind, then by number and name.
        extent: Of the canvas.
        name: Of the document.
        sources: Gets the pixels.
        is_ordered: Whether the file says how its layers lie on each other.

    Raises:
        InvalidRequest: No pieces, or a document that cannot be.
    """
    if not pieces:
        raise InvalidRequest("file", name, "at least one layer with pixels")
    notes: list[Note] = []
    layers: list[Layer] = []
    for piece in pieces if is_ordered else sorted(pieces, key=_rank):
        layer, more = layer_of(piece if is_ordered else _with_mode(piece, notes), sources)
        free = free_name(layer.name, [other.name for other in layers])
        if free != layer.name:
            notes.append(note("twice", f"two layers are called {layer.name}; one is {free} now", layer=free))
        layers.append(replace(layer, name=free))
        notes += more
    if not is_ordered and len(layers) > 1:
        notes.append(note("order", "the file does not say how its layers lie on each other: they are ordered by their names"))
    document = LayerDocument(new_document_id(), _tidy(name, LayerKind.OTHER), extent, tuple(layers), made_by={"backend": "import"})
    check_document(document)
    return document, notes


def _rank(piece: Piece) -> tuple[int, list[tuple[int, str]]]:
    """By kind, then by name with the numbers in it counted."""
    parts = re.split(r"(\d+)", piece.name.casefold())
    natural = [(int(part[:9]), "") if part.isdecimal() and part.isascii() else (-1, part) for part in parts]
    return _RANKS.index(kind_of(piece.name)), natural


def _with_mode(piece: Piece, notes: list[Note]) -> Piece:
    """An opaque shadow, highlight or texture can only be meant to be mixed with what lies below."""
    kind = kind_of(piece.name)
    if bool((piece.pixels[..., 3] < 255).any()):
        return piece
    mode = {LayerKind.SHADOW: BlendMode.MULTIPLY, LayerKind.HIGHLIGHT: BlendMode.SCREEN}.get(kind)
    if kind is LayerKind.TEXTURE and GREY_FROM <= piece.pixels[..., :3].mean() <= GREY_TO:
        mode = BlendMode.OVERLAY
    if mode is None:
        return piece
    notes.append(
        note("mode_guessed", f"{piece.name}: has no transparency, so it is mixed as {mode.value}", layer=piece.name, mode=mode.value)
    )
    return replace(piece, blend=mode)


def _tidy(name: str, kind: LayerKind) -> str:
    try:
        return tidy_name("name", name)
    except InvalidRequest:
        return "layer" if kind is LayerKind.OTHER else kind.value
