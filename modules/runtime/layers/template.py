"""A document as a template: what the columns of a table may change of it, and the document that a row makes."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from modules.base.errors import InvalidRequest
from modules.base.paths import contain
from modules.base.registry import load_dotted
from modules.pipeline.layers.document import Layer, LayerDocument, LayerKind
from modules.runtime.layers.opened import apply_edits
from modules.runtime.layers.workshop import open_pixels

SIZE_COLUMNS, NAME_COLUMNS = ("size", "sizes"), ("name", "file_name")
YES, NO = ("yes", "y", "true", "1", "on", "是"), ("no", "n", "false", "0", "off", "否")
DETAILS = (LayerKind.TEXTURE, LayerKind.RESIDUAL)
PREFIXES: Mapping[str, tuple[LayerKind, ...]] = {
    "text": (LayerKind.TEXT,),
    "color": (LayerKind.TEXT,),
    "subject": (LayerKind.SUBJECT, LayerKind.OTHER),
    "background": (LayerKind.BACKGROUND,),
    "picture": tuple(LayerKind),
    "visible": tuple(LayerKind),
}
"""What stands before the colon of a column, and the kinds of layers that may be named after it."""
_COLUMN = re.compile(r"\s*([a-z]+)\s*(?:[:：]\s*(.*\S))?\s*", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Column:
    """A column that changes a layer."""

    name: str
    what: str
    layer: str


@dataclass
class Template:
    """A document whose layers a table changes.

    Attributes:
        sources: Its pixels.
        files: Folder that pictures named in a table lie in; None = none may be named.
        fonts: `pipeline.layers.fonts.FontCatalog`.
    """

    document: LayerDocument
    sources: Any
    files: Path | None
    fonts: Callable[[], Any]
    notes: list[dict[str, Any]] = field(default_factory=list)

    def read_columns(self, columns: Sequence[str]) -> list[Column]:
        """Columns that change something, in order; what else there is becomes a note.

        Raises:
            InvalidRequest: A column names no layer of the document, or none changes anything.
        """
        found, unknown = [], []
        for name in columns:
            match = _COLUMN.fullmatch(name)
            what = match[1].casefold() if match else ""
            if match and what in PREFIXES:
                found.append(Column(name, what, self._pick(name, what, (match[2] or "").strip()).id))
            elif what not in (*SIZE_COLUMNS, *NAME_COLUMNS):
                unknown.append(name)
        if unknown:
            self.notes.append({"key": "columns_unused", "columns": unknown})
        if not found and not any(name.strip().casefold() in SIZE_COLUMNS for name in columns):
            raise InvalidRequest("table", list(columns), f"at least one column that changes something: {self.offered()}")
        return found

    def offered(self) -> str:
        """Column names that this document understands."""
        shown = ("text", "subject", "background")
        names = [f"{what}:{layer.name}" for layer in self.document.layers for what in shown if layer.kind is PREFIXES[what][0]]
        return ", ".join([*names, "size", "name"])

    def fill(self, row: Mapping[str, str], columns: Sequence[Column], sources: Any) -> LayerDocument:
        """The document that a row makes; new pixels go to `sources`, which have the template's too.

        Raises:
            InvalidRequest, UnsafePath: A cell cannot be used; its column is named.
        """
        document = self.document
        for column in columns:
            value = row.get(column.name, "").strip()
            if value:
                try:
                    document = self._change(document, column, value, sources)
                except InvalidRequest as error:
                    raise InvalidRequest(column.name, error.got, error.wanted) from error
        return document

    def _pick(self, column: str, what: str, name: str) -> Layer:
        """The layer that a column means: by name, or the only one of its kind."""
        allowed = [layer for layer in self.document.layers if layer.kind in PREFIXES[what]]
        if not name:
            first = [layer for layer in allowed if layer.kind is PREFIXES[what][0]]
            if len(first) == 1:
                return first[0]
            raise InvalidRequest("table", column, f"a column with a layer's name, as {self.offered()}")
        names = {layer.name.casefold(): layer for layer in allowed}
        stripped = {layer.name.casefold().partition(": ")[2]: layer for layer in allowed if ": " in layer.name}
        layer = names.get(name.casefold()) or stripped.get(name.casefold())
        if layer is None:
            raise InvalidRequest("table", column, f"a layer of the document, as {self.offered()}")
        return layer

    def _change(self, document: LayerDocument, column: Column, value: str, sources: Any) -> LayerDocument:
        edit = {"op": "set", "layer": column.layer}
        if column.what == "visible":
            if value.casefold() not in (*YES, *NO):
                raise InvalidRequest(column.name, value, "yes or no")
            return apply_edits(document, [{**edit, "values": {"is_visible": value.casefold() in YES}}], sources)
        if column.what == "text":
            rewrite: Any = load_dotted("modules.pipeline.layers.rewriting:rewrite_text")
            changed: LayerDocument = rewrite(document, column.layer, {"string": value.replace("\\n", "\n")}, sources, self.fonts())
            return changed
        if column.what == "color":
            recolour: Any = load_dotted("modules.pipeline.layers.rewriting:recolour_text")
            changed = recolour(document, column.layer, value, sources, self.fonts())
            return changed
        pixels = open_pixels(self._file(column.name, value), column.name)
        return _replace(document, column, pixels, sources)

    def _file(self, column: str, value: str) -> Path:
        if self.files is None:
            raise InvalidRequest(column, value, "a table whose folder of pictures is named")
        path = contain(self.files, value.replace("\\", "/"))
        if not path.is_file():
            raise InvalidRequest(column, value, f"a picture file in the folder {self.files.name!r}")
        return path


def _replace(document: LayerDocument, column: Column, pixels: Any, sources: Any) -> LayerDocument:
    """Another picture in a layer. A background is covered; what was detail of the old one goes. A subject's shadow is drawn anew."""
    layer = next(layer for layer in document.layers if layer.id == column.layer)
    if layer.source is None:
        raise InvalidRequest(column.name, layer.name, "a layer with pixels")
    is_behind = layer.kind is LayerKind.BACKGROUND
    if is_behind:
        pixels = np.array(ImageOps.fit(Image.fromarray(pixels), layer.source.extent.size, Image.Resampling.LANCZOS))
    replace_picture: Any = load_dotted("modules.pipeline.layers.rewriting:replace_picture")
    document = replace_picture(document, layer.id, pixels, sources)
    if is_behind:
        gone = [other.id for other in document.layers if other.kind in DETAILS and other.follows in ("", layer.id)]
        hidden = [dataclasses.replace(other, is_visible=other.is_visible and other.id not in gone) for other in document.layers]
        return dataclasses.replace(document, layers=tuple(hidden))
    document = _without_gleam(document, layer)
    shadows = [other for other in document.layers if other.kind is LayerKind.SHADOW and other.follows == layer.id]
    if shadows and not any(shadow.is_locked for shadow in shadows):
        recompute: Any = load_dotted("modules.pipeline.layers.shadows:recompute_shadow")
        document = recompute(document, layer.id, sources)
    return document


def _without_gleam(document: LayerDocument, layer: Layer) -> LayerDocument:
    """Without the highlights that lay on what a layer showed before."""
    extent_of: Any = load_dotted("modules.pipeline.layers.render:extent_of")
    around = extent_of(layer, document)

    def lies_on(other: Layer) -> bool:
        if other.kind is not LayerKind.HIGHLIGHT:
            return False
        box = extent_of(other, document)
        width = min(box.edges[2], around.edges[2]) - max(box.x, around.x)
        height = min(box.edges[3], around.edges[3]) - max(box.y, around.y)
        return other.follows == layer.id or (not other.follows and 2 * max(width, 0) * max(height, 0) > box.width * box.height)

    layers = [dataclasses.replace(other, is_visible=other.is_visible and not lies_on(other)) for other in document.layers]
    return dataclasses.replace(document, layers=tuple(layers))
