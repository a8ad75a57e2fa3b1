"""A small document with one layer of every kind, drawn from a seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from modules.imaging.geometry import Box, Extent
from modules.imaging.layering.blend_mode import BlendMode
from modules.pipeline.layers.building import build
from modules.pipeline.layers.decomposing import Decomposition, Part
from modules.pipeline.layers.document import Layer, LayerDocument, LayerKind, TextAttributes
from modules.pipeline.layers.sources import MemorySources

EXTENT = Extent(80, 60)
NAMES = ("background", "texture", "shadow", "主体/subject", "highlight", "text: SALE")


def draw_document(sources: MemorySources, seed: int = 1) -> LayerDocument:
    """Opaque background, a texture, and four layers of soft alpha, each with a small difference."""
    random = np.random.default_rng(seed)

    def pixels(box: Box, grey: int | None = None) -> NDArray[np.uint8]:
        drawn = random.integers(0, 256, (box.height, box.width, 4), dtype=np.uint8)
        drawn[..., :3] = drawn[..., :3] if grey is None else grey
        return drawn

    def difference(box: Box, most: int) -> NDArray[np.int16]:
        drawn = random.integers(-most, most + 1, (box.height, box.width, 4)).astype(np.int16)
        drawn[..., 3] = 0
        return drawn

    whole, low, high, line = Box(0, 0, *EXTENT.size), Box(10, 20, 30, 20), Box(5, 7, 30, 20), Box(50, 7, 20, 10)
    behind = pixels(whole)
    behind[..., 3] = 255
    text = TextAttributes("SALE\n优惠", font="Noto Sans SC", size_px=8, angle_deg=10)
    parts = (
        Part(LayerKind.BACKGROUND, NAMES[0], whole, behind),
        Part(LayerKind.TEXTURE, NAMES[1], whole, None, difference(whole, 9)),
        Part(LayerKind.SHADOW, NAMES[2], low, pixels(low, 40), difference(low, 2), BlendMode.MULTIPLY, caster=3),
        Part(LayerKind.SUBJECT, NAMES[3], high, pixels(high), difference(high, 2)),
        Part(LayerKind.HIGHLIGHT, NAMES[4], low, pixels(low, 90), difference(low, 2), BlendMode.SCREEN),
        Part(LayerKind.TEXT, NAMES[5], line, pixels(line), difference(line, 2), text=text),
    )
    return build(Decomposition(parts), "Poster: 一", EXTENT, sources)


def layer_of(document: LayerDocument, name: str) -> Layer:
    """The layer of a name."""
    return next(layer for layer in document.layers if layer.name == name)
