"""One document in memory: its steps, its pixels, and what was rendered of it last."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules.base.errors import InvalidRequest
from modules.base.registry import load_dotted
from modules.pipeline.layers.document import Layer, LayerDocument, Source
from modules.runtime.layers.record import DOCUMENT, Record

CACHE_BYTES = 128 << 20
"""Of placed layers, for each open document."""
WHOLE = 1 << 30


@dataclass
class Opened:
    """An open document; whoever uses it holds its lock.

    Attributes:
        history: `pipeline.layers.history.History`.
        sources: `pipeline.layers.sources.Sources`.
        cache: `pipeline.layers.render.RenderCache`.
    """

    record: Record
    history: Any
    sources: Any
    cache: Any

    @property
    def document(self) -> LayerDocument:
        document: LayerDocument = self.history.document
        return document

    @property
    def can_undo(self) -> bool:
        return bool(self.history.can_undo)

    @property
    def can_redo(self) -> bool:
        return bool(self.history.can_redo)

    def push(self, document: LayerDocument) -> None:
        """One step further.

        Raises:
            InvalidRequest: A document that could not be read again, whichever tool made it.
        """
        _pipeline("checks:check_document")(document)
        self.history.push(document)

    def forget_new(self) -> None:
        """Drop pixels that a change left which came to nothing."""
        self.sources.forget_new()

    def undo(self) -> bool:
        """One step back; False where there is none."""
        return self.can_undo and self.history.undo() is not None

    def redo(self) -> bool:
        """One step forth; False where there is none."""
        return self.can_redo and self.history.redo() is not None

    def save(self, path: Path) -> None:
        """Write document, steps and pixels as one file; raises `SaveFailed`."""
        _pipeline("file:save")(path, self.history, self.sources, cache=self.cache)

    def read_bytes(self, folder: Path) -> bytes:
        """The file as it lies in the library's folder."""
        return (folder / f"{self.record.id}{DOCUMENT}").read_bytes()

    def render(self, only: Collection[str] | None = None, max_side: int = WHOLE) -> Any:
        """(h, w, 4) uint8, at most `max_side` long, of the layers with these ids alone; None = of the visible ones.

        Raises:
            InvalidRequest: There is no such layer.
        """
        for layer_id in only or ():
            self.layer(layer_id)
        if only is None:
            picture = _pipeline("render:render")(self.document, self.sources, cache=self.cache)
        else:
            picture = _pipeline("render:render_alone")(self.document, self.sources, only, cache=self.cache)
        return picture if max(picture.shape[:2]) <= max_side else _pipeline("render:shrink_to")(picture, max_side)

    def read_state(self, values: Mapping[str, Any]) -> LayerDocument:
        """A document out of JSON, whose pixels are all here.

        Raises:
            InvalidRequest: It is none, or they are not.
        """
        document: LayerDocument = _pipeline("building:from_json")(values)
        return document

    def sources_of(self, document: LayerDocument) -> Any:
        """Sources of its own for a copy: those of an open document rest on its file.

        Raises:
            InvalidImage: The document names pixels that are not here.
        """
        named = [source for layer in _pipeline("checks:all_layers")(document.layers) for source in layer_sources(layer)]
        copies = make_sources()
        for source in named:
            copies.add_png(self.sources.png(source))
        return copies

    def layer(self, layer_id: str) -> Layer:
        """Raises `InvalidRequest` where there is none of that id."""
        return find_layer(self.document, layer_id)

    def layer_pixels(self, layer_id: str, max_side: int = WHOLE) -> Any:
        """(h, w, 4) uint8, at most `max_side` long: the layer's source with its colour adjustments, not placed; a difference on grey."""
        return _pipeline("render:thumbnail")(self.layer(layer_id), self.document, self.sources, max_side)

    def fingerprint(self, layer_id: str) -> str:
        """Changes when the layer's own pixels or their adjustments do."""
        layer = self.layer(layer_id)
        return hashlib.sha256(repr((layer.source, layer.difference, layer.adjustments)).encode()).hexdigest()


def _new_cache() -> Any:
    return _pipeline("render_cache:RenderCache")(CACHE_BYTES)


def find_layer(document: LayerDocument, layer_id: str) -> Layer:
    """The layer of that id.

    Raises:
        InvalidRequest: There is none.
    """
    for layer in document.layers:
        if layer.id == layer_id:
            return layer
    raise InvalidRequest("layer", layer_id, "the id of a layer of this document")


def layer_sources(layer: Layer) -> list[Source]:
    """What holds the pixels of one layer."""
    return [source for source in (layer.source, layer.difference, layer.enlarged) if source is not None]


def make_sources() -> Any:
    """Empty ones, in memory."""
    return _pipeline("sources:MemorySources")()


def create_opened(record: Record, document: LayerDocument, sources: Any) -> Opened:
    """A new document without steps."""
    return Opened(record, _pipeline("history:History")(document), sources, _new_cache())


def open_file(path: Path, record: Record) -> Opened:
    """A document's file.

    Raises:
        InvalidRequest: It is damaged, hostile or of a newer version.
    """
    stored = _pipeline("file:open")(path)
    return Opened(record, stored.history, stored.sources, _new_cache())


def is_own_file(data: bytes) -> bool:
    """Whether the bytes are those of a document's file, and not of another zip."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return "document.json" in archive.namelist()
    except (zipfile.BadZipFile, zipfile.LargeZipFile, OSError, ValueError):
        return False


def read_file(data: bytes | Path, name: str) -> tuple[LayerDocument, Any, Sequence[Mapping[str, Any]]]:
    """Document, sources and notes of a file of layers of any kind; errors as `import_layers`."""
    if isinstance(data, Path) and data.suffix == DOCUMENT:
        stored = _pipeline("file:open")(data)
        return stored.history.document, stored.sources, ()
    sources = make_sources()
    imported = _pipeline("exchange.importing:import_layers")(data, name, sources)
    return imported.document, sources, imported.notes


def apply_edits(document: LayerDocument, edits: Sequence[Mapping[str, Any]], sources: Any) -> LayerDocument:
    """All of them, in order, as one step; raises `InvalidRequest` with the place of the wrong one."""
    apply = _pipeline("edits:apply")
    for edit in edits:
        document = apply(document, edit, sources)
    return document


def _pipeline(name: str) -> Any:
    """From `modules.pipeline.layers`, by "module:attribute"; those import OpenCV, which changes the environment."""
    return load_dotted(f"modules.pipeline.layers.{name}")
