"""The one way in: a file or folder of layers of our own or of another program becomes a document."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from modules.base.errors import InvalidRequest
from modules.base.registry import load_dotted
from modules.imaging.geometry import Extent
from modules.pipeline.layers.document import LayerDocument
from modules.pipeline.layers.exchange import folders, ora
from modules.pipeline.layers.exchange.archives import Files, FolderFiles, ZipFiles
from modules.pipeline.layers.exchange.carrying import DOCUMENT_ENTRY, Carried, is_package, unpack
from modules.pipeline.layers.exchange.exporting import HERE, ORA_PREFIX, show_again
from modules.pipeline.layers.exchange.foreign import assemble
from modules.pipeline.layers.exchange.pieces import Note, Piece
from modules.pipeline.layers.exchange.restoring import restore
from modules.pipeline.layers.sources import Sources

WANTED = "a ZIP, PSD or OpenRaster file of layers, or a folder of PNGs"
FIRST_BYTES = 4


@dataclass(frozen=True)
class Imported:
    """What came in.

    Attributes:
        document: Has a new id.
        notes: What was converted, changed outside or left out: {"key": ..., "text": in words, values ...}.
        came_from: Id of the document of ours that was sent out; "" = made by another program.
    """

    document: LayerDocument
    notes: tuple[Mapping[str, Any], ...] = ()
    came_from: str = ""


def import_layers(data: bytes | Path, name: str, sources: Sources) -> Imported:
    """Read layers from a ZIP, PSD, OpenRaster file or folder.

    A file that `export` wrote gives the same document back to the bit; what was changed outside since is taken, and the notes say so.

    Args:
        data: The file's bytes, or the path of a file or folder.
        name: Its name, for the document and for errors.
        sources: Gets the pixels.

    Raises:
        InvalidRequest: No such kind of file, damaged, hostile, too large or without pixels; the words say which.
    """
    if isinstance(data, Path) and data.is_dir():
        return _from_files(FolderFiles(data), name, sources)
    start = _first_bytes(data, name)
    if start == b"8BPS":
        return _from_psd(data, name, sources)
    if start[:2] == b"PK":
        return _from_files(ZipFiles(data, name), name, sources)
    raise InvalidRequest("file", f"{name} of {start!r}...", WANTED)


def _first_bytes(data: bytes | Path, name: str) -> bytes:
    try:
        if isinstance(data, bytes):
            return data[:FIRST_BYTES]
        with data.open("rb") as file:
            return file.read(FIRST_BYTES)
    except OSError as error:
        raise InvalidRequest("file", name, f"a file that can be read: {error.strerror or error}") from error


def _from_files(files: Files, name: str, sources: Sources) -> Imported:
    if "stack.xml" in files.names:
        contents = ora.read_ora(files, name)
        carried = unpack(files, ORA_PREFIX, name, sources) if is_package(files, ORA_PREFIX) else None
        return _finish(carried, contents.pieces, contents.extent, name, sources, contents.notes, is_ordered=True)
    prefix = _prefix(files)
    if is_package(files, prefix):
        carried = unpack(files, prefix, name, sources)
        pictures = folders.read_own(files, prefix, carried, name)
        return _finish(carried, pictures.pieces, pictures.extent, name, sources, pictures.notes, is_ordered=False)
    pictures = folders.read_foreign(files, name)
    return _finish(None, pictures.pieces, pictures.extent, name, sources, pictures.notes, is_ordered=False)


def _prefix(files: Files) -> str:
    """The one folder that all entries lie in, as programs make it that pack a folder, or ""."""
    if DOCUMENT_ENTRY in files.names:
        return ""
    found = [entry for entry in files.names if entry.endswith("/" + DOCUMENT_ENTRY) and entry.count("/") == 1]
    return found[0].removesuffix(DOCUMENT_ENTRY) if len(found) == 1 else ""


def _from_psd(data: bytes | Path, name: str, sources: Sources) -> Imported:
    contents = cast(Callable[..., Any], load_dotted(f"{HERE}.psd_reading:read_psd"))(data, name)
    carried = None
    if contents.package is not None:
        carried = unpack(ZipFiles(contents.package, name), "", name, sources)
    return _finish(carried, contents.pieces, contents.extent, name, sources, contents.notes, is_ordered=True)


def _finish(
    carried: Carried | None,
    pieces: Sequence[Piece],
    extent: Extent,
    name: str,
    sources: Sources,
    notes: Sequence[Note],
    *,
    is_ordered: bool,
) -> Imported:
    if carried is None:
        document, more = assemble(pieces, extent, Path(name).stem or name, sources, is_ordered=is_ordered)
        return Imported(document, (*notes, *more))
    document, more = restore(carried, pieces, extent, sources, lambda: show_again(carried, sources), is_ordered=is_ordered)
    return Imported(document, (*notes, *more), carried.document.id)
