"""What the layers of a model show: the weights choose their content, and say nothing about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from modules.backends.text_reader import TextLine, TextReader
from modules.pipeline.layers.decomposing import Pixels
from modules.pipeline.layers.document import LayerKind

FILLED = 0.6
"""Share of the canvas from which on a layer at the bottom is the background."""
WRITTEN = 0.6
"""Share of a layer's alpha that lies within its lines of text, from which on it is a text layer."""
STANDS_OUT = 0.5
"""Share of a layer's alpha on what stands out in the picture, from which on it shows a subject."""
VEIL = 0.75
"""Mean alpha (where there is any) below which an even, dark layer is a shadow, and a light one a highlight."""
DARK, BRIGHT, COLORED = 70.0, 200.0, 30.0


@dataclass(frozen=True)
class Meaning:
    """What a layer shows, and how sure that is.

    Attributes:
        lines: Text on it, from top to bottom.
    """

    kind: LayerKind
    confidence: float
    lines: tuple[TextLine, ...] = ()


def tell_meanings(layers: Sequence[Pixels], standing_out: Pixels | None, reader: TextReader | None) -> list[Meaning]:
    """Look at each layer.

    Args:
        layers: (h, w, 4) uint8 RGBA of one size, bottom first.
        standing_out: (h, w) uint8: what stands out in the whole picture; None = nobody can tell.
        reader: Reads text; None = nobody can.
    """
    meanings = [_tell(layer, place == 0, standing_out, reader) for place, layer in enumerate(layers)]
    if standing_out is not None or any(meaning.kind is LayerKind.SUBJECT for meaning in meanings):
        return meanings
    is_open = [meaning.kind is LayerKind.OTHER for meaning in meanings]
    areas = [float(layer[..., 3].mean()) * may for layer, may in zip(layers, is_open, strict=True)]
    if any(areas):
        place = int(np.argmax(areas))
        meanings[place] = Meaning(LayerKind.SUBJECT, 0.3)
    return meanings


def _tell(layer: Pixels, is_bottom: bool, standing_out: Pixels | None, reader: TextReader | None) -> Meaning:
    alpha = layer[..., 3].astype(np.float32) / 255
    total = float(alpha.sum()) or 1.0
    if is_bottom and float((alpha > 0.5).mean()) > FILLED:
        return Meaning(LayerKind.BACKGROUND, float(alpha.mean()))
    written = _read(layer, alpha, reader)
    share = float((alpha * _cover(written, alpha.shape)).sum()) / total
    if written and share > WRITTEN:
        return Meaning(LayerKind.TEXT, share, tuple(written))
    seen = alpha > 0.02
    colors = layer[seen][:, :3].astype(np.float32)
    if float(alpha[seen].mean() if seen.any() else 1.0) < VEIL:
        luma, chroma = float(colors.mean()), float((colors.max(axis=1) - colors.min(axis=1)).mean())
        if chroma < COLORED and (luma < DARK or luma > BRIGHT):
            return Meaning(LayerKind.SHADOW if luma < DARK else LayerKind.HIGHLIGHT, 1 - chroma / 255)
    if standing_out is not None:
        share = float((alpha * standing_out.astype(np.float32) / 255).sum()) / total
        if share > STANDS_OUT:
            return Meaning(LayerKind.SUBJECT, share)
    return Meaning(LayerKind.OTHER, 0.5)


def _read(layer: Pixels, alpha: np.ndarray, reader: TextReader | None) -> list[TextLine]:
    """Lines on a ground that the layer's ink differs from."""
    if reader is None or reader.why_not():
        return []
    ink = float(np.average(layer[..., :3].mean(axis=2), weights=alpha + 1e-6))
    ground = 255.0 if ink < 128 else 0.0
    flat = layer[..., :3] * alpha[..., None] + ground * (1 - alpha[..., None])
    return reader.read(flat.astype(np.uint8))


def _cover(lines: Sequence[TextLine], shape: tuple[int, int]) -> np.ndarray:
    cover = np.zeros(shape, np.uint8)
    cv2.fillPoly(cover, [np.rint(line.quad).astype(np.int32) for line in lines], 1)
    return cover
