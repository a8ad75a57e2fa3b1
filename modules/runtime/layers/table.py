"""A template rendered for every row of a table, in several sizes; with a manifest, resumable, and one bad row does not stop it."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from modules.base.errors import PentimentoError, SaveFailed
from modules.base.files import write_atomically
from modules.base.registry import load_dotted
from modules.imaging.geometry import Extent
from modules.imaging.metadata import encode_image
from modules.imaging.naming import sanitize_part
from modules.pipeline.layers.document import LayerDocument, Source
from modules.runtime.batch.listing import mark_of
from modules.runtime.layers.ledger import DONE, FAILED, Ledger, key_of, numbered, write_json
from modules.runtime.layers.opened import make_sources
from modules.runtime.layers.rows import Table
from modules.runtime.layers.sizes import fit_document, read_sizes
from modules.runtime.layers.task import JobWatch
from modules.runtime.layers.template import NAME_COLUMNS, SIZE_COLUMNS, Column, Template
from modules.settings.options import Options

logger = logging.getLogger(__name__)

STATES, MANIFEST = "rows-states.jsonl", "manifest.json"
WAITING, RENDERING = "waiting", "rendering"
FORMATS = ("png", "jpg", "webp")
_SIZED = re.compile(r"-\d+x\d+$")
Told = Callable[[str, Mapping[str, Any]], None]


class RowSources:
    """The template's pixels, and those of one row, which go with it (`pipeline.layers.sources.Sources`)."""

    def __init__(self, shared: Any) -> None:
        self._shared, self._own = shared, make_sources()
        self._added: set[str] = set()

    def pixels(self, source: Source) -> Any:
        return self._of(source).pixels(source)

    def difference(self, source: Source) -> Any:
        return self._of(source).difference(source)

    def png(self, source: Source) -> bytes:
        return bytes(self._of(source).png(source))

    def add_pixels(self, pixels: Any, density: float = 1.0) -> Source:
        return self._note(self._own.add_pixels(pixels, density))

    def add_difference(self, difference: Any) -> Source:
        return self._note(self._own.add_difference(difference))

    def _of(self, source: Source) -> Any:
        return self._own if source.id in self._added else self._shared

    def _note(self, source: Source) -> Source:
        self._added.add(source.id)
        return source


@dataclass
class Rendering:
    """One table's work.

    Attributes:
        output: Gets the pictures and `manifest.json`.
        sizes: Of rows that name none; () = the template's own.
        fmt: One of `FORMATS`.
        on_row: Is told how each row ended.
    """

    template: Template
    table: Table
    output: Path
    sizes: Sequence[str]
    fmt: str
    options: Options
    on_row: Told = lambda name, state: None

    def run(self, watch: JobWatch) -> list[str]:
        """Render what is missing; a row that failed before is tried again. Returns notes.

        Raises:
            InvalidRequest: The table's columns do not fit the document.
            SaveFailed: Nothing further can be written; what was made stays.
        """
        columns = self.template.read_columns(self.table.columns)
        read_sizes(self.sizes, self.template.document.extent)
        ledger = Ledger(self.output / STATES)
        plan = list(self._plan(columns, ledger))
        todo = [entry for entry in plan if not ledger.is_done(entry[2])]
        counts = watch.task.counts
        counts.update(done=len(plan) - len(todo), failed=0, total=len(plan))
        try:
            for number, (row, name, key) in enumerate(todo):
                if watch.is_interrupted():
                    break
                watch.tell(number / len(todo), RENDERING)
                state = self._make(row, name, key, columns, ledger)
                counts["done"] += state.get("state") == DONE
                counts["failed"] += state.get("state") == FAILED
                self.on_row(f"row {row}: {name}", state)
        finally:
            self._write_manifest(plan, ledger)
        return [f"{counts['done']} of {counts['total']} rows made", *([f"{counts['failed']} failed"] if counts["failed"] else [])]

    def _plan(self, columns: Sequence[Column], ledger: Ledger) -> Iterator[tuple[int, str, str]]:
        """Number, name of the results (each once, and none of a stranger's), and key of every row."""
        taken = {_SIZED.sub("", Path(name).stem).casefold() for name in ledger.strangers()}
        what = [repr(_nameless(self.template.document)), list(self.sizes), self.fmt]
        for number, row in enumerate(self.table.rows, 1):
            own = next((row[column] for column in self.table.columns if column.strip().casefold() in NAME_COLUMNS and column in row), "")
            stem = sanitize_part(own.strip()) or f"{sanitize_part(self.template.document.name) or 'row'}-{number:04}"
            name = next(name for name in numbered(stem) if taken.isdisjoint((name.casefold(), _SIZED.sub("", name).casefold())))
            taken.update((name.casefold(), _SIZED.sub("", name).casefold()))
            yield number, name, key_of(*what, name, row, self._marks(row, columns))

    def _marks(self, row: Mapping[str, str], columns: Sequence[Column]) -> list[str]:
        """Of the files that a row names: another file of the same name makes another row."""
        marks = []
        for column in columns:
            if column.what in ("subject", "background", "picture") and self.template.files is not None and row.get(column.name):
                with suppress(OSError, ValueError):
                    marks.append(mark_of((self.template.files / row[column.name].strip()).stat()))
        return marks

    def _make(self, number: int, name: str, key: str, columns: Sequence[Column], ledger: Ledger) -> Mapping[str, Any]:
        try:
            named = self._name_files(number, name)
            if not ledger.begin(key, [file for file, _ in named]):
                return ledger.state(key)
            state = self._render(number, named, columns)
        except SaveFailed:
            ledger.forget(key)
            raise
        except PentimentoError as error:
            state = {"state": FAILED, "error": str(error)}
        except Exception as error:
            logger.exception("row %d", number)
            state = {"state": FAILED, "error": f"the program failed: {type(error).__name__}: {error}"}
        ledger.note(key, state)
        return ledger.state(key)

    def _name_files(self, number: int, name: str) -> list[tuple[str, Extent]]:
        """What a row's pictures are called, and their sizes.

        Raises:
            InvalidRequest: A size cannot be used.
        """
        row = self.table.rows[number - 1]
        own = [row[column] for column in self.table.columns if column.strip().casefold() in SIZE_COLUMNS and column in row]
        sizes = read_sizes(own or self.sizes, self.template.document.extent, "size")
        suffixes = [f"-{extent.width}x{extent.height}" if len(sizes) > 1 else "" for extent in sizes]
        return [(f"{name}{suffix}.{self.fmt}", extent) for suffix, extent in zip(suffixes, sizes, strict=True)]

    def _render(self, number: int, named: Sequence[tuple[str, Extent]], columns: Sequence[Column]) -> dict[str, Any]:
        if number in self.table.problems:
            return {"state": FAILED, "error": self.table.problems[number]}
        sources, made = RowSources(self.template.sources), []
        document = self.template.fill(self.table.rows[number - 1], columns, sources)
        for file, extent in named:
            data = encode_picture(self._compose(document, extent, sources), self.fmt, self.options)
            write_atomically(self.output / file, data)
            digest = hashlib.sha256(data).hexdigest()
            made.append({"file": file, "width": extent.width, "height": extent.height, "sha256": digest})
        notes = [note for layer in document.layers if layer.text is not None for note in layer.text.notes]
        return {"state": DONE, "files": [file for file, _ in named], "pictures": made, "notes": list(dict.fromkeys(notes))}

    def _compose(self, document: LayerDocument, extent: Extent, sources: Any) -> Image.Image:
        """Rendered in that size; text is set again where it is shown larger."""
        sharpen: Any = load_dotted("modules.pipeline.layers.enlarging:sharpen_texts")
        render: Any = load_dotted("modules.pipeline.layers.render:render")
        return Image.fromarray(render(sharpen(fit_document(document, extent), sources, self.template.fonts()), sources))

    def _write_manifest(self, plan: Sequence[tuple[int, str, str]], ledger: Ledger) -> None:
        rows = []
        for number, name, key in plan:
            state = {name: value for name, value in ledger.state(key).items() if name not in ("files", "attempts")}
            rows.append({"row": number, "name": name, "values": self.table.rows[number - 1], **state, "state": state.get("state", WAITING)})
        document = self.template.document
        template = {"id": document.id, "name": document.name, "width": document.extent.width, "height": document.extent.height}
        notes = [*self.table.notes, *self.template.notes]
        write_json(self.output / MANIFEST, {"template": template, "sizes": list(self.sizes), "notes": notes, "rows": rows})


def _nameless(document: LayerDocument) -> LayerDocument:
    """What a document shows and how its columns are called, without ids: a file of layers gets others each time that it is read."""
    places = {layer.id: str(place) for place, layer in enumerate(document.layers)}
    layers = [
        replace(layer, id=places[layer.id], follows=places.get(layer.follows, ""), members=(), merged_at=None) for layer in document.layers
    ]
    return replace(document, id="", layers=tuple(layers), made_by={})


def encode_picture(image: Image.Image, fmt: str, options: Options) -> bytes:
    """Bytes of a picture file; JPEG, which has no transparency, lies on the background colour of the options."""
    flatten: Any = load_dotted("modules.imaging.picture:flatten")
    has_holes = image.mode == "RGBA" and image.getchannel("A").getextrema() != (255, 255)
    if fmt == "jpg" or not has_holes:
        image = flatten(image, options.img2img_background_color) if has_holes else image.convert("RGB")
    return encode_image(image, fmt, None, quality=options.jpeg_quality, is_lossless=options.webp_lossless)
