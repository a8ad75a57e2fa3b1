"""What is done with layers besides plain edits: taking apart, bringing in, giving out. Orders become jobs here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from modules.base.errors import InvalidRequest
from modules.base.registry import load_dotted
from modules.imaging.geometry import Extent
from modules.pipeline.layers.document import LayerDocument
from modules.runtime.context import JobContext
from modules.runtime.layers.backends import LayerBackends
from modules.runtime.layers.library import LayerLibrary, State, new_id
from modules.runtime.layers.opened import make_sources, read_file
from modules.runtime.layers.task import JobWatch, LayerTask
from modules.runtime.recipe import Recipe
from modules.runtime.store import AssetStore

DECOMPOSE = "decompose"
Apart = tuple[LayerDocument, Any, list[dict[str, Any]]]
Do = Callable[[LayerTask, JobContext, JobWatch], list[str]]


class LayerWork:
    """What makes jobs on layers.

    Args:
        library: Keeps the documents.
        store: Has the pictures that orders name.
        backends: Take pictures apart.
    """

    def __init__(self, library: LayerLibrary, store: AssetStore, backends: LayerBackends) -> None:
        self.library, self.store, self.backends = library, store, backends
        self._works: dict[str, Do] = {DECOMPOSE: self._decompose}

    def decompose(self, asset_id: str, name: str, backend: str, settings: Mapping[str, Any]) -> Recipe:
        """The order to take a kept picture apart.

        Raises:
            UnknownName, MissingModel: There is no such backend, or it cannot be used here.
            UnknownAsset: There is no such picture.
            InvalidRequest: A setting is unknown or out of range.
        """
        chosen = self.check_settings(backend, settings)
        shown = name.strip() or Path(self.store.describe(asset_id).name).stem or "picture"
        order = {"work": DECOMPOSE, "document": new_id(), "name": shown[:200], "backend": backend, "settings": chosen}
        return Recipe(picture=asset_id, layers=order)

    def check_settings(self, backend: str, settings: Mapping[str, Any]) -> dict[str, Any]:
        """All settings of a backend that can be used; errors as `decompose`."""
        read: Any = load_dotted("modules.pipeline.layers.backend_settings:read_settings")
        checked: dict[str, Any] = read(self.backends.usable(backend).settings, settings)
        return checked

    def task(self, recipe: Recipe, user: str | None = None) -> LayerTask:
        """What the job of an order runs, now or after a restart.

        Raises:
            InvalidRequest: It is no order that this version knows.
        """
        order = recipe.layers or {}
        do = self._works.get(str(order.get("work")))
        if do is None:
            raise InvalidRequest("work", order.get("work"), "one of " + ", ".join(self._works))
        return LayerTask({**order, "picture": recipe.picture}, do, user)

    def import_file(self, data: bytes | Path, name: str, user: str | None = None) -> State:
        """Keep a document out of a file of layers, ours or another program's.

        Raises:
            InvalidRequest: It is none, damaged or hostile.
            SaveFailed: It cannot be kept.
        """
        document, sources, notes = read_file(data, name)
        return self.library.create(replace(document, id=new_id()), sources, user, notes)

    def take_apart(
        self, picture: Any, backend: str, settings: Mapping[str, Any], watch: Any, name: str
    ) -> tuple[LayerDocument, Any, list[Any]]:
        """A picture as a document that nobody keeps yet, its sources, and notes.

        Args:
            picture: (H, W, 4) uint8.
        """
        decomposition = self.backends.usable(backend).decompose(picture, settings, watch)
        sources, build = make_sources(), load_dotted("modules.pipeline.layers.building:build")
        make: Any = build
        height, width = picture.shape[:2]
        document: LayerDocument = make(decomposition, name, Extent(width, height), sources)
        notes = [dict(note) for note in decomposition.notes]
        made_by = {"backend": backend, "settings": dict(settings), "notes": notes}
        return replace(document, id=new_id(), made_by=document.made_by | made_by), sources, notes

    def _decompose(self, task: LayerTask, context: JobContext, watch: JobWatch) -> list[str]:
        order = task.order
        if self.library.has(order["document"]):  # the program ended right after it was done
            return []
        picture = as_pixels(self.store.open(order["picture"]).image)
        document, sources, notes = self.take_apart(picture, order["backend"], order["settings"], watch, order["name"])
        self.library.create(replace(document, id=order["document"]), sources, task.user, notes)
        return [str(note["key"]) for note in notes if "key" in note]


def as_pixels(image: Image.Image) -> Any:
    """(H, W, 4) uint8."""
    return np.array(image.convert("RGBA"))
