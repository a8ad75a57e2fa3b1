"""Lines of text of a picture as layers, and the picture without them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modules.backends.text_reader import TextLine, TextReader
from modules.imaging.geometry import Box
from modules.imaging.layering.compositing import blend
from modules.imaging.lifting.completion import complete
from modules.imaging.lifting.strokes import Strokes, find_strokes
from modules.imaging.lifting.text_ground import share_out, uncover
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
    rgb = np.ascontiguousarray(picture[:, :, :3])
    tell(0.0)
    lines = reader.read(rgb, join_broken_strokes=join_broken_strokes)
    tell(0.5)
    found: list[tuple[TextLine, Strokes]] = []
    for place, line in enumerate(lines):
        others = [other.quad for other in lines if other is not line]
        strokes = find_strokes(rgb, line.quad, others=others, join_broken_strokes=join_broken_strokes)
        found += [] if strokes is None else [(line, strokes)]
        tell(0.5 + 0.3 * (place + 1) / len(lines))
    shared = share_out([strokes for _, strokes in found], rgb.shape[:2])
    behind = uncover(rgb, shared, complete)
    beneath = picture.copy()
    parts = [_lift(beneath, behind, line, strokes) for (line, _), strokes in zip(reversed(found), reversed(shared), strict=True)]
    tell(1.0)
    read = {id(line) for line, _ in found}
    return LiftedTexts(tuple(reversed(parts)), beneath, tuple(line.string for line in lines if id(line) not in read))


def _lift(picture: Pixels, behind: Pixels, line: TextLine, strokes: Strokes) -> Part:
    """The line as a part; `picture` loses it, and shows `behind` in its place."""
    left, top, right, bottom = strokes.box.edges
    seen = picture[top:bottom, left:right].copy()
    alpha = np.floor(strokes.alpha * 255 + 0.5).astype(np.uint8)
    covers = (alpha > 0)[:, :, None]
    pixels = np.where(covers, np.dstack([strokes.color, alpha]), 0).astype(np.uint8)
    picture[top:bottom, left:right, :3] = np.where(covers, behind[top:bottom, left:right], seen[:, :, :3])
    mixed = picture[top:bottom, left:right].copy()
    blend(mixed, Box(0, 0, *strokes.box.extent.size), pixels)
    difference = seen.astype(np.int16) - mixed
    color = "#{:02x}{:02x}{:02x}".format(*strokes.ink)
    text = TextAttributes(line.string, size_px=line.height_px * 0.8, color=color, angle_deg=line.angle_deg)
    return Part(LayerKind.TEXT, f"text: {line.string}", strokes.box, pixels, difference, confidence=line.score, text=text)
