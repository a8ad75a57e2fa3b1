"""A backend that takes any picture apart at once: a disc, a line of text, and what lies behind; and documents made by it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from modules.base.errors import InvalidRequest
from modules.base.paths import Paths
from modules.imaging.geometry import Box
from modules.pipeline.layers.backend_settings import Setting, read_settings
from modules.pipeline.layers.decomposing import Decomposition, Interrupted, Part
from modules.pipeline.layers.document import LayerKind, TextAttributes
from modules.runtime.layers.backends import LayerBackends
from modules.runtime.layers.library import LayerLibrary
from modules.runtime.layers.workshop import Workshop, as_pixels
from modules.runtime.store import AssetStore
from modules.settings.options import Options

SIZE = 48, 36
REFUSED = (255, 0, 255)
"""A picture whose first pixel is this cannot be taken apart."""


@dataclass
class Discs:
    """Lifts a disc off the middle and a bar, called a text, off the top.

    Attributes:
        seen: Sizes of the pictures that were taken apart.
        may_go: While this is clear it waits, or is interrupted.
    """

    name: str = "discs"
    settings: tuple[Setting, ...] = (Setting("texts", True), Setting("light", "srgb", choices=("srgb", "linear")))
    seen: list[tuple[int, int]] = field(default_factory=list)
    may_go: threading.Event = field(default_factory=threading.Event)
    has_begun: threading.Event = field(default_factory=threading.Event)
    reason: str = ""

    def __post_init__(self) -> None:
        self.may_go.set()

    def why_not(self) -> str:
        return self.reason

    def decompose(self, picture: Any, settings: Mapping[str, Any], watch: Any) -> Decomposition:
        chosen = read_settings(self.settings, settings)
        watch.tell(0.5, "subject")
        self.has_begun.set()
        while not self.may_go.wait(0.005):
            if watch.is_interrupted():
                raise Interrupted
        if tuple(picture[0, 0, :3]) == REFUSED:
            raise InvalidRequest("picture", "magenta", "another colour")
        height, width = picture.shape[:2]
        self.seen.append((width, height))
        rows, columns = np.mgrid[:height, :width]
        is_disc = (rows - height / 2) ** 2 + (columns - width / 2) ** 2 < (min(height, width) / 4) ** 2
        is_text = (rows < height // 6) & (columns < width // 2) & bool(chosen["texts"])
        behind = picture.copy()
        behind[is_disc | is_text] = (90, 120, 60, 255)
        parts = [Part(LayerKind.BACKGROUND, "background", Box(0, 0, width, height), behind)]
        parts.append(Part(LayerKind.SUBJECT, "subject", *_cut(picture, is_disc), confidence=0.9))
        if is_text.any():
            words = TextAttributes("SALE", size_px=float(height // 6), color="#ff0000")
            parts.append(Part(LayerKind.TEXT, "text: SALE", *_cut(picture, is_text), text=words))
        return Decomposition(tuple(parts), notes=({"key": "discs"},), seconds={"subject": 0.0})


def _cut(picture: Any, where: Any) -> tuple[Box, Any]:
    rows, columns = np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))
    box = Box.from_edges(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    inside = np.s_[box.y : box.y + box.height, box.x : box.x + box.width]
    return box, np.where(where[inside][..., None], picture[inside], 0).astype(np.uint8)


def draw(seed: int = 1, size: tuple[int, int] = SIZE) -> Image.Image:
    """RGB noise on a ramp."""
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 60, (size[1], size[0], 3)) + np.linspace(0, 190, size[0])[None, :, None]
    return Image.fromarray(pixels.astype(np.uint8))


class Quiet:
    """A watch that nobody looks at."""

    def tell(self, share: float, doing: str) -> None:
        pass

    def is_interrupted(self) -> bool:
        return False


def make_workshop(folder: Path, backend: Discs | None = None) -> Workshop:
    """All that work on layers shares, in a folder."""
    paths, chosen = Paths.under(folder), backend or Discs()
    backends = LayerBackends({chosen.name: lambda: chosen})
    store = AssetStore(paths.outputs / "store")
    return Workshop(paths, LayerLibrary(paths.outputs / "layers"), store, backends, None, Options, lambda request, context: None)


def make_document(workshop: Workshop, image: Image.Image | None = None, name: str = "poster") -> tuple[Any, Any]:
    """A document that nobody keeps, and its sources."""
    document, sources, _ = workshop.take_apart(as_pixels(image or draw()), name, "discs", {}, Quiet())
    return document, sources
