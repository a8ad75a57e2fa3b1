"""Orders of work on layers: what they need is checked when they are given, and they become tasks of the one queue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from modules.base.errors import InvalidRequest
from modules.runtime.context import JobContext
from modules.runtime.layers.library import State, new_id
from modules.runtime.layers.opened import read_file
from modules.runtime.layers.task import JobWatch, LayerTask
from modules.runtime.layers.workshop import Workshop
from modules.runtime.recipe import Recipe

DECOMPOSE = "decompose"
Do = Callable[[Workshop, LayerTask, JobContext, JobWatch], list[str]]
"""Does the work, and gives notes."""


class LayerWork:
    """What makes jobs on layers."""

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop

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
        document, sources, notes = read_file(data, name)
        return self.workshop.library.create(replace(document, id=new_id()), sources, user, notes)


def decompose(workshop: Workshop, task: LayerTask, context: JobContext, watch: JobWatch) -> list[str]:
    """Take a kept picture apart into a new document."""
    order = task.order
    if workshop.library.has(order["document"]):  # the program ended right after it was done
        return []
    picture = workshop.open_picture(order["picture"])
    document, sources, notes = workshop.take_apart(picture, order["name"], order["backend"], order["settings"], watch)
    workshop.library.create(replace(document, id=order["document"]), sources, task.user, notes)
    return [str(note["key"]) for note in notes if "key" in note]


WORKS: dict[str, Do] = {DECOMPOSE: decompose}
"""By an order's "work"."""
