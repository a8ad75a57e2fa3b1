"""What all work on layers shares: where documents and pictures are, and the tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from modules.base.paths import Paths
from modules.base.registry import load_dotted
from modules.imaging.geometry import Extent
from modules.pipeline.layers.document import LayerDocument, Light
from modules.runtime.batch.folders import FolderRules
from modules.runtime.layers.backends import LayerBackends
from modules.runtime.layers.library import LayerLibrary, new_id
from modules.runtime.layers.opened import make_sources
from modules.runtime.presets import Preset, preset_for
from modules.runtime.store import AssetStore
from modules.settings.options import Options

Apart = tuple[LayerDocument, Any, list[dict[str, Any]]]
"""A document that nobody keeps yet, its sources, and notes."""
LIGHTS = {light.value: light for light in Light}


@dataclass
class Workshop:
    """Shared by all work on layers.

    Attributes:
        library: Keeps the documents.
        store: Has the pictures that orders name.
        backends: Take pictures apart.
        upscalers: `backends.upscalers.catalog.UpscalerCatalog`.
        options: Gives those in force.
        process: Runs one request of the pipeline.
        preset: Gives what repainting starts with.
        is_local: The program serves this machine alone, so that any folder may be named.
    """

    paths: Paths
    library: LayerLibrary
    store: AssetStore
    backends: LayerBackends
    upscalers: Any
    options: Callable[[], Options]
    process: Callable[[Any, Any], Any]
    preset: Callable[[], Preset] = lambda: preset_for(None)
    is_local: bool = True

    @cached_property
    def fonts(self) -> Any:
        """`pipeline.layers.fonts.FontCatalog`."""
        open_catalog: Any = load_dotted("modules.pipeline.layers.fonts:open_catalog")
        return open_catalog(self.paths)

    def rules(self) -> FolderRules:
        """Which folders may be named."""
        return FolderRules(self.paths, self.is_local)

    def open_picture(self, asset_id: str) -> Any:
        """(H, W, 4) uint8 of a kept picture; raises `UnknownAsset`."""
        return as_pixels(self.store.open(asset_id).image)

    def check_settings(self, backend: str, settings: Mapping[str, Any]) -> dict[str, Any]:
        """All settings of a backend.

        Raises:
            UnknownName, MissingModel: There is no such backend, or it cannot be used here.
            InvalidRequest: A setting is unknown or out of range.
        """
        read: Any = load_dotted("modules.pipeline.layers.backend_settings:read_settings")
        checked: dict[str, Any] = read(self.backends.usable(backend).settings, settings)
        return checked

    def take_apart(self, picture: Any, name: str, backend: str, settings: Mapping[str, Any], watch: Any) -> Apart:
        """A picture as layers.

        Args:
            picture: (H, W, 4) uint8.
            watch: `pipeline.layers.decomposing.Watch`.

        Raises:
            MissingModel, InvalidRequest, Interrupted: As the backend does.
        """
        decomposition = self.backends.usable(backend).decompose(picture, settings, watch)
        notes = [dict(note) for note in decomposition.notes]
        made_by = {
            "backend": backend,
            "settings": dict(settings),
            "notes": notes,
            "comes_apart": decomposition.comes_apart,
            "residual": round(float(decomposition.residual), 4),
            "seconds": {step: round(float(seconds), 3) for step, seconds in decomposition.seconds.items()},
        }
        build: Any = load_dotted("modules.pipeline.layers.building:build")
        sources = make_sources()
        height, width = picture.shape[:2]
        document: LayerDocument = build(decomposition, name, Extent(width, height), sources, made_by)
        light = LIGHTS.get(str(settings.get("light", "")), document.light)
        return replace(document, id=new_id(), light=light), sources, notes


def as_pixels(image: Image.Image) -> Any:
    """(H, W, 4) uint8."""
    return np.array(image.convert("RGBA"))


def open_pixels(path: Path, field: str) -> Any:
    """(H, W, 4) uint8 of a picture file; raises `InvalidImage`."""
    open_picture: Any = load_dotted("modules.imaging.picture:open_picture")
    return as_pixels(open_picture(path, field).image)
