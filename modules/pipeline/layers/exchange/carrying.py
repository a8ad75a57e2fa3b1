"""Our own document inside files of other kinds, so that what comes back unchanged comes back exactly."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from modules.base.errors import InvalidRequest
from modules.imaging.geometry import Box
from modules.imaging.layering.blend_mode import BlendMode
from modules.imaging.picture import picture_size
from modules.pipeline.layers.building import as_json, from_json
from modules.pipeline.layers.checks import all_layers
from modules.pipeline.layers.document import Layer, LayerDocument, Source
from modules.pipeline.layers.exchange.archives import MAX_TEXT_BYTES, Files
from modules.pipeline.layers.exchange.pieces import Piece, PixelBudget, Role, fingerprint, trimmed
from modules.pipeline.layers.sources import Sources, decode_png
from modules.pipeline.layers.stored_form import from_plain, to_plain

FORMAT, VERSION = "pentimento-layers-exchange", 1
DOCUMENT_ENTRY = "layers.json"
_SOURCES = ("source", "difference", "enlarged")


@dataclass(frozen=True)
class CarriedPiece:
    """What a layer looked like when it went out.

    Attributes:
        layer: Id of our layer.
        role, name, mark: As in `Piece`.
        box: Of `trimmed` pixels.
        sha: Of `trimmed` pixels.
        blend, opacity, is_visible, is_locked: As the file showed them.
        file_box: Of all pixels that were written.
    """

    layer: str
    role: Role
    name: str
    mark: str
    box: Box
    sha: str
    blend: BlendMode
    opacity: float
    is_visible: bool
    is_locked: bool
    file_box: Box


@dataclass(frozen=True)
class Carried:
    """A document that travelled.

    Attributes:
        kind: Of the file that it was written to: pieces can be made again from the document and this.
        is_trimmed: Whether PNGs of a ZIP or folder are cut to the layer.
        holds: Ids of layers worked into the piece of another, by that layer's id.
    """

    document: LayerDocument
    kind: str
    pieces: tuple[CarriedPiece, ...]
    is_trimmed: bool = False
    holds: dict[str, Any] = field(default_factory=dict)


def carry(piece: Piece) -> CarriedPiece:
    """What is remembered of a piece."""
    box, pixels = trimmed(piece)
    return CarriedPiece(
        layer=piece.layer,
        role=piece.role,
        name=piece.name,
        mark=piece.mark,
        box=box,
        sha=fingerprint(pixels),
        blend=piece.blend or BlendMode.NORMAL,
        opacity=1.0 if piece.opacity is None else piece.opacity,
        is_visible=piece.is_visible is not False,
        is_locked=bool(piece.is_locked),
        file_box=piece.box,
    )


def pack(carried: Carried, sources: Sources, prefix: str = "") -> dict[str, bytes]:
    """Entries of a package: the document as JSON, and every source that it names, members of merged layers included."""
    plain = {"format": FORMAT, "version": VERSION, **to_plain(replace(carried, holds={})), "holds": carried.holds}
    plain["document"] = as_json(carried.document)
    files = {prefix + DOCUMENT_ENTRY: json.dumps(plain, ensure_ascii=False, indent=1).encode()}
    for source in _sources_of(carried.document.layers):
        files[_entry(prefix, source)] = sources.png(source)
    return files


def unpack(files: Files, prefix: str, file_name: str, sources: Sources) -> Carried:
    """Read a package; its pixels go to `sources`.

    Raises:
        InvalidRequest: Of a newer version, damaged, entries missing, or pixels of another size than the document says.
    """
    plain = _read_json(files, prefix + DOCUMENT_ENTRY, file_name)
    if plain.get("version") != VERSION:
        raise InvalidRequest(file_name, f"layers.json of version {plain.get('version')}", f"version {VERSION}; update Pentimento")
    document = from_json(plain.get("document"))
    known = {name: value for name, value in plain.items() if name not in ("format", "version")}
    carried = from_plain(Carried, {**known, "document": document}, "layers.json")
    budget = PixelBudget(file_name)
    renamed: dict[str, str] = {}
    for source in _sources_of(document.layers):
        if source.id not in renamed:
            renamed[source.id] = _keep(source, files, prefix, sources, budget)
    return replace(carried, document=_with_sources(document, renamed))


def is_package(files: Files, prefix: str) -> bool:
    """Whether there is a layers.json of ours; other programs call their files so, too."""
    if prefix + DOCUMENT_ENTRY not in files.names:
        return False
    try:
        return _read_json(files, prefix + DOCUMENT_ENTRY, "").get("format") == FORMAT
    except InvalidRequest:
        return False


def _read_json(files: Files, entry: str, file_name: str) -> dict[str, Any]:
    try:
        plain = json.loads(files.read(entry, MAX_TEXT_BYTES))
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(file_name, f"{entry}: {error}", "well-formed JSON") from error
    if not isinstance(plain, dict):
        raise InvalidRequest(file_name, f"{entry}: {type(plain).__name__}", "a JSON object")
    return plain


def _keep(source: Source, files: Files, prefix: str, sources: Sources, budget: PixelBudget) -> str:
    """Put one source into the store; returns its id there, which another PNG library may have made differ."""
    entry = _entry(prefix, source)
    data = files.read(entry)
    width, height = picture_size(data, entry)
    budget.take(source.extent, entry)
    if (width, height) != source.extent.size:
        raise InvalidRequest(entry, f"{width}x{height} px", f"{source.extent.width}x{source.extent.height} px, as layers.json says")
    if hashlib.sha256(data).hexdigest() != source.id:
        raise InvalidRequest(entry, "other bytes than were written", "a file that nobody changed; change the PNGs beside layers.json")
    values = decode_png(data)
    kept = sources.add_pixels(values, source.density) if values.dtype == "uint8" else sources.add_difference(values)
    return kept.id


def _entry(prefix: str, source: Source) -> str:
    return f"{prefix}sources/{source.id}.png"


def _sources_of(layers: Sequence[Layer]) -> Iterable[Source]:
    for layer in all_layers(tuple(layers)):
        yield from (source for source in (getattr(layer, name) for name in _SOURCES) if source is not None)


def _with_sources(document: LayerDocument, renamed: Mapping[str, str]) -> LayerDocument:
    if all(old == new for old, new in renamed.items()):
        return document

    def mend(layer: Layer) -> Layer:
        named = {name: getattr(layer, name) for name in _SOURCES}
        mended = {name: replace(source, id=renamed[source.id]) for name, source in named.items() if source is not None}
        return replace(layer, **mended, members=tuple(mend(member) for member in layer.members))

    return replace(document, layers=tuple(mend(layer) for layer in document.layers))
