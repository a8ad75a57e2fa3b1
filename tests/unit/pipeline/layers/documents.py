"""Documents for tests: drawn ones, and random ones with random edits."""

from __future__ import annotations

from typing import Any

import numpy as np

from modules.imaging.geometry import Box, Extent
from modules.imaging.layering.blend_mode import BlendMode
from modules.pipeline.layers.building import build
from modules.pipeline.layers.decomposing import Decomposition, Part
from modules.pipeline.layers.document import LayerDocument, LayerKind, TextAttributes
from modules.pipeline.layers.sources import MemorySources

KINDS = (LayerKind.SHADOW, LayerKind.SUBJECT, LayerKind.HIGHLIGHT, LayerKind.TEXT)
SMALL = Extent(96, 72)
MODES = {LayerKind.SHADOW: BlendMode.MULTIPLY, LayerKind.HIGHLIGHT: BlendMode.SCREEN}


def random_document(seed: int, extent: Extent = SMALL) -> tuple[LayerDocument, MemorySources]:
    """A background, a texture and one layer each of a shadow, its caster, a highlight and a text, some with differences."""
    rng, sources = np.random.default_rng(seed), MemorySources()
    ground = _noise(rng, extent.width, extent.height)
    ground[..., 3] = 255
    detail = rng.integers(-20, 20, (*extent.shape, 4)).astype(np.int16)
    detail[..., 3] = 0
    whole = Box(0, 0, *extent.size)
    parts = [Part(LayerKind.BACKGROUND, "background", whole, ground), Part(LayerKind.TEXTURE, "texture", whole, None, detail)]
    for kind in KINDS:
        width, height = (int(side) for side in rng.integers(10, 40, 2))
        box = Box(int(rng.integers(-8, extent.width - 8)), int(rng.integers(-8, extent.height - 8)), width, height)
        pixels = _noise(rng, width, height)
        difference = rng.integers(-3, 4, (height, width, 4)).astype(np.int16) if rng.random() < 0.6 else None
        caster = len(parts) + 1 if kind is LayerKind.SHADOW else None
        text = TextAttributes("SALE 特价") if kind is LayerKind.TEXT else None
        parts.append(Part(kind, kind.value, box, pixels, difference, MODES.get(kind, BlendMode.NORMAL), 0.9, text, caster))
    return build(Decomposition(tuple(parts)), "poster", extent, sources, {"backend": "drawn", "notes": []}), sources


def random_edit(rng: np.random.Generator, document: LayerDocument) -> dict[str, Any]:
    """One edit of one layer, as a person might make it."""
    layer = document.layers[int(rng.integers(len(document.layers)))].id
    choices = [
        {"placement": {"left": float(rng.integers(-20, 60)), "top": float(rng.integers(-20, 60))}},
        {"placement": {"scale_x": float(rng.uniform(0.2, 3)), "scale_y": float(rng.uniform(0.2, 3)), "left": float(rng.uniform(-9, 50))}},
        {"placement": {"rotation_deg": float(rng.uniform(-180, 180)), "is_flipped_x": bool(rng.integers(2))}},
        {"placement": {"rotation_deg": float(rng.integers(4) * 90)}},
        {"opacity": float(rng.uniform(0, 1))},
        {"blend": list(BlendMode)[int(rng.integers(len(BlendMode)))].value},
        {"is_visible": bool(rng.integers(2))},
        {"adjustments": {"hue_deg": float(rng.uniform(-180, 180)), "tint": "#20c080", "tint_strength": 0.4}},
        {"effects": {"drop_shadow": {"dx": float(rng.uniform(-6, 6)), "blur_px": 4.0}, "stroke": {"width_px": 2.5}}},
        {"effects": {"blur_px": float(rng.uniform(0.5, 5)), "drop_shadow": None}},
    ]
    if rng.random() < 0.12:
        return {"op": "delete", "layer": layer} if len(document.layers) > 3 else {"op": "duplicate", "layer": layer}
    if rng.random() < 0.08:
        return {"op": "duplicate", "layer": layer}
    return {"op": "set", "layer": layer, "values": choices[int(rng.integers(len(choices)))]}


def _noise(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    pixels = rng.integers(0, 256, (height, width, 4)).astype(np.uint8)
    pixels[: height // 3, :, 3], pixels[-height // 4 :, :, 3] = 255, 0
    return pixels
