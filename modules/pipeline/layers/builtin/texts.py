"""Lines of text of a picture as layers, and the picture without them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modules.backends.text_reader import TextLine, TextReader
from modules.imaging.geometry import Box
from modules.imaging.layering.compositing import blend
from modules.imaging.lifting.strokes import Strokes, find_strokes
from modules.pipeline.layers.decomposing import Part
from modules.pipeline.layers.document import LayerKind, TextAttributes

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class LiftedTexts:
    """What came of it.

    Attributes:
        parts: Bottom first; laid over `beneath` in order, they are the picture, with their differences exactly.
        beneath: (H, W, 4) uint8: the picture without them.
        failed: Strings that were read, but could not be told from what lies around them.
    """

    parts: tuple[Part, ...]
    beneath: Pixels
    failed: tuple[str, ...] = ()


def lift_texts(
    picture: Pixels, reader: TextReader, *, join_broken_strokes: bool = False, tell: Callable[[float], None] = lambda share: None
) -> LiftedTexts:
    """Take all lines of text off a picture.

    Args:
        picture: (H, W, 4) uint8 RGBA; not modified.
        tell: Called with the share of the work done, 0 to 1; whatever it raises stops the work and passes through.

    Raises:
        MissingModel: The reader cannot read here.
    """
    beneath = picture.copy()
    rgb = np.ascontiguousarray(picture[:, :, :3])
    tell(0.0)
    lines = reader.read(rgb, join_broken_strokes=join_broken_strokes)
    tell(0.6)
    parts: list[Part] = []
    failed: list[str] = []
    for place, line in enumerate(reversed(lines)):
        others = [other.quad for other in lines if other is not line]
        rgb = np.ascontiguousarray(beneath[:, :, :3])
        strokes = find_strokes(rgb, line.quad, others=others, join_broken_strokes=join_broken_strokes)
        if strokes is None:
            failed.append(line.string)
        else:
            parts.append(_lift(beneath, line, strokes))
        tell(0.6 + 0.4 * (place + 1) / len(lines))
    return LiftedTexts(tuple(reversed(parts)), beneath, tuple(failed))


def _lift(picture: Pixels, line: TextLine, strokes: Strokes) -> Part:
    """The line as a part; `picture` loses it."""
    left, top, right, bottom = strokes.box.edges
    seen = picture[top:bottom, left:right].copy()
    alpha = np.floor(strokes.alpha * 255 + 0.5).astype(np.uint8)
    pixels = np.dstack([np.where((alpha > 0)[:, :, None], strokes.color, 0), alpha]).astype(np.uint8)
    picture[top:bottom, left:right, :3] = np.where((alpha > 0)[:, :, None], strokes.behind, seen[:, :, :3])
    mixed = picture[top:bottom, left:right].copy()
    blend(mixed, Box(0, 0, *strokes.box.extent.size), pixels)
    difference = seen.astype(np.int16) - mixed
    color = "#{:02x}{:02x}{:02x}".format(*strokes.ink)
    text = TextAttributes(line.string, size_px=line.height_px * 0.8, color=color, angle_deg=line.angle_deg)
    return Part(LayerKind.TEXT, f"text: {line.string}", strokes.box, pixels, difference, confidence=line.score, text=text)
