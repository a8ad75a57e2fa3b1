"""Orders of work on layers: what they need is checked when they are given, and they become tasks of the one queue."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from modules.base.errors import InvalidRequest
from modules.runtime.batch.listing import list_folder
from modules.runtime.context import JobContext
from modules.runtime.layers.batch import Batch, check_output
from modules.runtime.layers.changing import Changing
from modules.runtime.layers.lasting import enlarge, repaint, repaint_fields, split_layer
from modules.runtime.layers.library import State, new_id
from modules.runtime.layers.opened import Opened, is_own_file, read_file
from modules.runtime.layers.record import DOCUMENT
from modules.runtime.layers.rows import Table
from modules.runtime.layers.sizes import read_sizes
from modules.runtime.layers.splitting import splittable
from modules.runtime.layers.table import Rendering
from modules.runtime.layers.task import JobWatch, LayerTask
from modules.runtime.layers.template import Template
from modules.runtime.layers.workshop import Workshop
from modules.runtime.recipe import Recipe

DECOMPOSE, SPLIT, ENLARGE, REPAINT, BATCH, TABLE = "decompose", "split", "enlarge", "repaint", "batch", "table"
Do = Callable[[Workshop, LayerTask, JobContext, JobWatch], list[str]]
"""Does the work, and gives notes."""


class LayerWork:
    """What makes jobs on layers.

    Attributes:
        changing: Changes of one layer that are done at once.
    """

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop
        self.changing = Changing(workshop)

    def decompose(self, asset_id: str, name: str, backend: str, settings: Mapping[str, Any]) -> Recipe:
        """The order to take a kept picture apart.

        Raises:
            UnknownName, MissingModel: There is no such backend, or it cannot be used here.
            UnknownAsset: There is no such picture.
            InvalidRequest: A setting is unknown or out of range.
        """
        chosen = self.workshop.check_settings(backend, settings)
        shown = name.strip() or Path(self.workshop.store.describe(asset_id).name).stem or "picture"
        order = {"work": DECOMPOSE, "document": new_id(), "name": shown[:100], "backend": backend, "settings": chosen}
        return Recipe(picture=asset_id, layers=order)

    def split(self, document_id: str, layer: str, backend: str, settings: Mapping[str, Any], user: str | None = None) -> Recipe:
        """The order to take one layer apart further; errors as `decompose`, and those of `splittable`."""
        chosen = self.workshop.check_settings(backend, settings)
        self.workshop.library.look(document_id, user, lambda opened: splittable(opened.document, layer))
        return Recipe(layers={"work": SPLIT, "document": document_id, "layer": layer, "backend": backend, "settings": chosen})

    def enlarge(self, document_id: str, layer: str, upscaler: str = "", user: str | None = None) -> Recipe:
        """The order to give a layer more pixels.

        Raises:
            UnknownName, UnknownDocument, InvalidRequest: There is no such upscaler, document or layer.
        """
        self.workshop.upscalers.find(upscaler or self.workshop.options().upscaler_for_img2img)
        self.workshop.library.look(document_id, user, lambda opened: opened.layer(layer))
        return Recipe(layers={"work": ENLARGE, "document": document_id, "layer": layer, "upscaler": upscaler})

    def repaint(
        self, document_id: str, layer: str, fields: Mapping[str, Any], values: Mapping[str, Any], user: str | None = None
    ) -> Recipe:
        """The order to repaint one layer inside its alpha.

        Args:
            fields: Of an img2img request; what is left out is as on the page.
            values: mask (asset id), grow_px, keeps_alpha.

        Raises:
            UnknownDocument, InvalidRequest: There is no such document or layer, or a field is unknown.
        """
        given = repaint_fields(fields, self.workshop.preset())
        self.workshop.library.look(document_id, user, lambda opened: opened.layer(layer))
        return Recipe(layers={"work": REPAINT, "document": document_id, "layer": layer, "fields": given, **values})

    def batch(self, folder: str, output: str, backend: str, settings: Mapping[str, Any]) -> Recipe:
        """The order to take all pictures of a folder apart.

        Raises:
            InvalidRequest: There is no such folder, or no picture in it; or as `decompose`.
            UnsafePath: A folder may not be named.
        """
        rules, chosen = self.workshop.rules(), self.workshop.check_settings(backend, settings)
        source, target = rules.readable(folder, "folder"), check_output(rules.writable(output, "output_folder"))
        if not list_folder(source, "folder").files:
            raise InvalidRequest("folder", folder, "a folder with pictures in it")
        return Recipe(
            layers={"work": BATCH, "folder": str(source), "output": str(target), "backend": backend, "settings": chosen},
        )

    def table(
        self, document_id: str, table: Table, folder: str, output: str, sizes: Sequence[str], fmt: str, user: str | None = None
    ) -> Recipe:
        """The order to render a document for every row of a table.

        Raises:
            InvalidRequest: A column or size cannot be used, or a folder is missing.
            UnsafePath: A folder may not be named.
            UnknownDocument: There is no such document.
        """
        rules = self.workshop.rules()
        files = rules.readable(folder, "folder") if folder.strip() else None
        target = check_output(rules.writable(output, "output_folder"))
        document = self.workshop.library.get(document_id, user).document
        Template(document, None, files, lambda: self.workshop.fonts).read_columns(table.columns)
        read_sizes(sizes, document.extent)
        rows = {"columns": list(table.columns), "rows": [dict(row) for row in table.rows], "notes": [dict(note) for note in table.notes]}
        problems = {str(number): words for number, words in table.problems.items()}
        order = {"work": TABLE, "document": document_id, "output": str(target), "sizes": list(sizes), "format": fmt}
        return Recipe(layers=order | {"table": rows | {"problems": problems}, "folder": None if files is None else str(files)})

    def task(self, recipe: Recipe, user: str | None = None) -> LayerTask:
        """What the job of an order runs, now or after a restart.

        Raises:
            InvalidRequest: It is no order that this version knows.
        """
        order = recipe.layers or {}
        do = WORKS.get(str(order.get("work")))
        if do is None:
            raise InvalidRequest("work", order.get("work"), "one of " + ", ".join(WORKS))
        return LayerTask({**order, "picture": recipe.picture}, lambda *values: do(self.workshop, *values), user)

    def import_file(self, data: bytes | Path, name: str, user: str | None = None) -> State:
        """Keep a document out of a file of layers, ours or another program's.

        Raises:
            InvalidRequest: It is none, damaged or hostile.
            SaveFailed: It cannot be kept.
        """
        library = self.workshop.library
        with tempfile.TemporaryDirectory(prefix="pentimento-layers-") as folder:
            if isinstance(data, bytes) and is_own_file(data):
                path = Path(folder) / f"file{DOCUMENT}"
                path.write_bytes(data)
                data = path
            document, sources, notes = read_file(data, name)
            return library.create(replace(document, id=new_id()), sources, user, notes)  # from here on it rests on its own file


def decompose(workshop: Workshop, task: LayerTask, context: JobContext, watch: JobWatch) -> list[str]:
    """Take a kept picture apart into a new document."""
    order = task.order
    if workshop.library.has(order["document"]):  # the program ended right after it was done
        return []
    picture = workshop.open_picture(order["picture"])
    document, sources, notes = workshop.take_apart(picture, order["name"], order["backend"], order["settings"], watch)
    workshop.library.create(replace(document, id=order["document"]), sources, task.user, notes)
    return [str(note["key"]) for note in notes if "key" in note]


def take_folder_apart(workshop: Workshop, task: LayerTask, context: JobContext, watch: JobWatch) -> list[str]:
    """Take all pictures of a folder apart, or those that are left."""
    order = task.order
    files = list_folder(Path(order["folder"]), "folder").files
    return Batch(workshop, files, Path(order["output"]), order["backend"], order["settings"], task.note_part).run(watch)


def render_table(workshop: Workshop, task: LayerTask, context: JobContext, watch: JobWatch) -> list[str]:
    """Render a document for every row, or for those that are left."""
    order, values = task.order, task.order["table"]
    problems = {int(number): words for number, words in values["problems"].items()}
    table = Table(tuple(values["columns"]), tuple(values["rows"]), problems, tuple(values["notes"]))

    def ask(opened: Opened) -> tuple[Any, Any]:
        return opened.document, opened.sources_of(opened.document)

    document, sources = workshop.library.look(order["document"], task.user, ask)
    files = None if order["folder"] is None else Path(order["folder"])
    template = Template(document, sources, files, lambda: workshop.fonts)
    return Rendering(template, table, Path(order["output"]), order["sizes"], order["format"], context.options, task.note_part).run(watch)


WORKS: dict[str, Do] = {
    DECOMPOSE: decompose,
    SPLIT: split_layer,
    ENLARGE: enlarge,
    REPAINT: repaint,
    BATCH: take_folder_apart,
    TABLE: render_table,
}
"""By an order's "work"."""
