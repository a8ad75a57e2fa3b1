"""A document, its history and its pixels as one file: a zip whose PNGs any program shows."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modules.base.errors import InvalidImage, InvalidRequest, UnsafePath
from modules.base.files import write_atomically
from modules.pipeline.layers.building import as_json, from_json
from modules.pipeline.layers.checks import all_layers, check_document
from modules.pipeline.layers.document import FORMAT_VERSION, LayerDocument, Source
from modules.pipeline.layers.history import History
from modules.pipeline.layers.render import render, shrink_to
from modules.pipeline.layers.render_cache import RenderCache
from modules.pipeline.layers.sources import MemorySources, Sources, encode_png

FORMAT = "pentimento-layers"
SUFFIX = ".layers"
DOCUMENT, HISTORY, PICTURE, THUMBNAIL = "document.json", "history.json", "picture.png", "thumbnail.png"
THUMBNAIL_PX, PICTURE_PX = 256, 2048
"""Longest sides of the two merged pictures, which are for other programs and lists: this one renders anew."""
MAX_ENTRIES = 50_000
MAX_STEPS_BYTES = 512 << 20
MAX_JSON_BYTES = 64 << 20
DAMAGES = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, NotImplementedError, RuntimeError, UnicodeError, OverflowError)
"""What reading a damaged archive raises."""
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
RGBA_TYPE = 6
DEPTHS = {"source": 8, "enlarged": 8, "difference": 16}
DATE = (1980, 1, 1, 0, 0, 0)
"""Of every entry, so that the same document is the same file."""


@dataclass(frozen=True)
class OpenedFile:
    """What was in a file; pixels are read when they are wanted."""

    history: History
    sources: MemorySources

    @property
    def document(self) -> LayerDocument:
        return self.history.document


def save(
    path: Path, history: History, sources: Sources, *, picture: NDArray[np.uint8] | None = None, cache: RenderCache | None = None
) -> None:
    """Write the document as one file, under a temporary name first.

    Sources that no state of the history names are left out; the oldest steps are forgotten where all of them would take more than
    `MAX_STEPS_BYTES`, or their JSON more than can be read again. Sources in memory rest on the file afterwards: their bytes are dropped.

    Args:
        path: Of the file; made or replaced.
        history: The document's states.
        sources: Where pixels are; also those of the file that is replaced.
        picture: The rendered document, where the caller has it.
        cache: For rendering it otherwise.

    Raises:
        SaveFailed: The file could not be written; an older one is as it was.
        InvalidRequest: A document that could not be read again.
        InvalidImage: A source is missing.
    """
    document = history.document
    whole = render(document, sources, cache=cache) if picture is None else picture
    check_document(document)  # what is written can be read
    named = _sources_that_fit(history, sources)
    steps = _steps_that_fit(history)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_STORED) as archive:
        _put(archive, DOCUMENT, _text({"format": FORMAT, "version": FORMAT_VERSION, **as_json(document)}), is_packed=True)
        _put(archive, HISTORY, steps, is_packed=True)
        _put(archive, THUMBNAIL, encode_png(shrink_to(whole, THUMBNAIL_PX)))
        _put(archive, PICTURE, encode_png(shrink_to(whole, PICTURE_PX)))
        for source_id in sorted(named):
            _put(archive, f"sources/{source_id}.png", sources.png(named[source_id]))
    write_atomically(path, data.getvalue())
    if isinstance(sources, MemorySources):
        sources.rest_on(_Shelf(path), named)


def open(path: Path) -> OpenedFile:  # the module's name stands before it: `file.open`
    """Read a file and look at everything in it but the pixels themselves.

    Raises:
        InvalidRequest: Not such a file, damaged, of a newer version, or a document out of range; the error names the field.
        InvalidImage: A source is missing, has another content than its name says, or another size than the document says.
        UnsafePath: A name in it leads out of its folder.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = _list_entries(archive)
            history = _read_history(archive, entries)
            kept = _check_sources(archive, entries, history)
    except FileNotFoundError:
        raise InvalidRequest("file", path.name, "a file that exists") from None
    except DAMAGES as error:
        raise InvalidRequest("file", path.name, f"a whole file of layers: {error}") from None
    sources = MemorySources()
    sources.rest_on(_Shelf(path), kept)
    return OpenedFile(history, sources)


def read_thumbnail(path: Path) -> bytes:
    """The small picture's PNG, without looking at the rest.

    Raises:
        InvalidRequest: Not such a file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(archive, archive.getinfo(THUMBNAIL), MAX_JSON_BYTES)
    except (KeyError, *DAMAGES) as error:
        raise InvalidRequest("file", path.name, f"a whole file of layers: {error}") from None


def _sources_that_fit(history: History, sources: Sources) -> dict[str, Source]:
    """By id, all that the history names; its oldest states are dropped for as long as the pixels take too much room."""
    sizes: dict[str, int] = {}
    while True:
        named = {source.id: source for state in history.states() for source, _ in _named(state)}
        for source_id in named.keys() - sizes.keys():
            sizes[source_id] = len(sources.png(named[source_id]))
        if sum(sizes[source_id] for source_id in named) <= MAX_STEPS_BYTES or not history.forget_oldest():
            return named


def _steps_that_fit(history: History) -> bytes:
    """The history's JSON, without its oldest states for as long as it is too much."""
    while len(text := _text(history.as_json())) > MAX_JSON_BYTES:
        if not history.forget_oldest():
            raise InvalidRequest("document", f"{len(text)} bytes of JSON", f"at most {MAX_JSON_BYTES} bytes")
    return text


@dataclass(frozen=True)
class _Shelf:
    """Reads sources from a file of layers, whichever version of it lies there now."""

    path: Path

    def __call__(self, source_id: str) -> bytes:
        try:
            with zipfile.ZipFile(self.path) as archive:
                data = archive.read(f"sources/{source_id}.png")
        except (KeyError, *DAMAGES) as error:
            raise InvalidImage("source", source_id[:12], f"pixels that can be read from {self.path.name}: {error}") from None
        if hashlib.sha256(data).hexdigest() != source_id:
            raise InvalidImage("source", source_id[:12], f"the pixels of that name: {self.path.name} was damaged or changed")
        return data


def _put(archive: zipfile.ZipFile, name: str, data: bytes, is_packed: bool = False) -> None:
    entry = zipfile.ZipInfo(name, DATE)
    entry.external_attr = 0o644 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED if is_packed else zipfile.ZIP_STORED
    archive.writestr(entry, data)


def _text(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode()


def _list_entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """By name; raises where names climb out, are there twice, or are too many."""
    listed = archive.infolist()
    if len(listed) > MAX_ENTRIES:
        raise InvalidRequest("file", f"{len(listed)} entries", f"at most {MAX_ENTRIES}")
    entries: dict[str, zipfile.ZipInfo] = {}
    for entry in listed:
        name = entry.filename
        if name.startswith(("/", "\\")) or "\\" in name or ":" in name or ".." in name.split("/"):
            raise UnsafePath(f"file: got an entry named {name[:80]!r}, wanted names inside the file's own folder")
        if name in entries:
            raise InvalidRequest("file", name, "names that are there once")
        entries[name] = entry
    return entries


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, max_bytes: int) -> bytes:
    """An entry's bytes, which neither may be nor say to be more than that."""
    with archive.open(entry) as file:
        data = file.read(max_bytes + 1) if entry.file_size <= max_bytes else b""
    if entry.file_size > max_bytes or len(data) > max_bytes:
        raise InvalidRequest("file", f"{entry.filename} of {entry.file_size} bytes", f"at most {max_bytes} bytes")
    return data


def _read_json(archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo], name: str) -> Any:
    if name not in entries:
        raise InvalidRequest("file", sorted(entries)[:5], f"a file of layers, with {name} in it")
    try:
        return json.loads(_read(archive, entries[name], MAX_JSON_BYTES).decode())
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(name, str(error), "JSON in UTF-8") from None


def _read_history(archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo]) -> History:
    plain = _read_json(archive, entries, DOCUMENT)
    if not isinstance(plain, dict) or plain.get("format") != FORMAT:
        got = plain.get("format") if isinstance(plain, dict) else plain
        raise InvalidRequest("format", got, repr(FORMAT))
    version = plain.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise InvalidRequest("version", version, f"a whole number up to {FORMAT_VERSION}")
    if version > FORMAT_VERSION:
        raise InvalidRequest("version", version, f"at most {FORMAT_VERSION}: a newer version of this program wrote the file")
    document = from_json({key: value for key, value in plain.items() if key not in ("format", "version")})
    if HISTORY not in entries:
        return History(document)
    history = History.from_json(_read_json(archive, entries, HISTORY))
    history.push(document)  # nothing, unless somebody changed the document alone
    return history


def _check_sources(archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo], history: History) -> set[str]:
    kept: set[str] = set()
    seen: set[tuple[Source, int]] = set()
    for state in history.states():
        for source, depth in _named(state):
            if (source, depth) not in seen:
                seen.add((source, depth))
                _check_source(archive, entries, source, depth, is_known=source.id in kept)
                kept.add(source.id)
    return kept


def _named(document: LayerDocument) -> Iterator[tuple[Source, int]]:
    """Every source that the document names, with the bits a channel that it must have."""
    for layer in all_layers(document.layers):
        for name, depth in DEPTHS.items():
            source = getattr(layer, name)
            if source is not None:
                yield source, depth


def _check_source(archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo], source: Source, depth: int, is_known: bool) -> None:
    entry = entries.get(f"sources/{source.id}.png")
    if entry is None:
        raise InvalidImage("source", source.id[:12], "pixels that are in the file")
    with archive.open(entry) as file:
        head = file.read(26)
        width, height, bits, kind = struct.unpack(">IIBB", head[16:26]) if len(head) == 26 else (0, 0, 0, 0)
        if not head.startswith(PNG_SIGNATURE) or (bits, kind) != (depth, RGBA_TYPE):
            raise InvalidImage("source", source.id[:12], f"a PNG with red, green, blue and alpha of {depth} bits")
        if (width, height) != source.extent.size:
            wanted = f"{source.extent.width}x{source.extent.height}, as the document says"
            raise InvalidImage("source", f"{width}x{height}", wanted)
        if entry.file_size > width * height * depth + (1 << 20):
            raise InvalidImage("source", f"{entry.file_size} bytes", f"a PNG of {width}x{height}")
        digest = hashlib.sha256(head)
        while not is_known and (some := file.read(1 << 20)):
            digest.update(some)
    if not is_known and digest.hexdigest() != source.id:
        raise InvalidImage("source", source.id[:12], "the pixels of that name: the file was damaged or changed")
