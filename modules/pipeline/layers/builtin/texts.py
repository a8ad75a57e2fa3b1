"""Lines of text of a picture as layers, and the picture without them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from modules.backends.text_reader import TextLine, TextReader
from modules.imaging.geometry import Box
from modules.imaging.layering.compositing import blend
from modules.imaging.lifting.completion import complete
from modules.imaging.lifting.smooth_fill import fill_smoothly
from modules.imaging.lifting.strokes import Strokes, find_strokes
from modules.imaging.lifting.text_ground import share_out, uncover
from modules.pipeline.layers.decomposing import Part
from modules.pipeline.layers.document import LayerKind, TextAttributes

Pixels = NDArray[np.uint8]
LARGEST_REST = 30.0
"""Mean difference, of 255, that may be left where a line covers; type has 1 to 15, things that only look like type 60 and more."""

UPRIGHT_DEG = 0.8
"""Lines that lean less were set upright: corners are only known to a pixel."""
CHINESE_REACH, SMALL_LETTERS, TALL_LETTERS, LOW_LETTERS = 0.92, 0.53, 0.2, 0.21
"""Of an em: a Chinese character's height; that of "x", and what "l" and "p" add above and below; usual in text faces."""


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
    rgb = _flattened(picture)
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
    behind = np.dstack([uncover(rgb, shared, complete), _alpha_behind(picture[:, :, 3], shared)])
    beneath = picture.copy()
    parts: list[Part] = []
    read = set()
    for (line, _), strokes in zip(reversed(found), reversed(shared), strict=True):
        part = _lift(beneath, behind, line, strokes)
        if part is not None:
            parts.append(part)
            read.add(id(line))
    tell(1.0)
    return LiftedTexts(tuple(reversed(parts)), beneath, tuple(line.string for line in lines if id(line) not in read))


def _lift(picture: Pixels, behind: Pixels, line: TextLine, strokes: Strokes) -> Part | None:
    """The line as a part; `picture` loses it, and shows `behind` in its place. None = ink and ground do not explain what is there."""
    left, top, right, bottom = strokes.box.edges
    seen = picture[top:bottom, left:right].copy()
    alpha = np.floor(strokes.alpha * 255 + 0.5).astype(np.uint8)
    covers = (alpha > 0)[:, :, None]
    pixels = np.where(covers, np.dstack([strokes.color, alpha]), 0).astype(np.uint8)
    picture[top:bottom, left:right] = np.where(covers, behind[top:bottom, left:right], seen)
    mixed = picture[top:bottom, left:right].copy()
    blend(mixed, Box(0, 0, *strokes.box.extent.size), pixels)
    difference = seen.astype(np.int16) - mixed
    if _rest(difference, covers[:, :, 0]) > LARGEST_REST:
        picture[top:bottom, left:right] = seen
        return None
    text = TextAttributes(line.string, size_px=_size_px(line, strokes), color="#{:02x}{:02x}{:02x}".format(*strokes.ink))
    if line.is_vertical:
        text = replace(text, string="\n".join(line.string), alignment="center")
    angle = 0.0 if abs(line.angle_deg) < UPRIGHT_DEG else round(line.angle_deg, 1)
    text = replace(text, angle_deg=angle)
    return Part(LayerKind.TEXT, f"text: {line.string}", strokes.box, pixels, difference, confidence=line.score, text=text)


def _flattened(picture: Pixels) -> Pixels:
    """RGB, with what is see-through laid on white or black: the one that its visible colours stand out from."""
    alpha = picture[:, :, 3:].astype(np.float32) / 255
    if alpha.min() >= 1:
        return np.ascontiguousarray(picture[:, :, :3])
    luma = float((picture[:, :, :3] * alpha).mean() / max(float(alpha.mean()), 1e-6))
    paper = 255.0 if luma < 128 else 0.0
    return np.floor(picture[:, :, :3] * alpha + paper * (1 - alpha) + 0.5).astype(np.uint8)


def _alpha_behind(alpha: Pixels, found: Sequence[Strokes]) -> Pixels:
    """How much of the ground is there under the strokes: as much as around them."""
    if alpha.min() == 255:
        return alpha
    hole = np.zeros(alpha.shape, np.bool_)
    for strokes in found:
        left, top, right, bottom = strokes.box.edges
        hole[top:bottom, left:right] |= cv2.dilate((strokes.alpha > 0).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    return np.floor(fill_smoothly(alpha[:, :, None], hole)[:, :, 0] + 0.5).clip(0, 255).astype(np.uint8)


def _size_px(line: TextLine, strokes: Strokes) -> float:
    """The em, from how far the ink reaches across the line: less of it in "sea", all of it in "Sp" and 字."""
    rows, columns = np.nonzero(strokes.alpha > 0.5)
    if not len(rows):
        return line.height_px
    turn = math.radians(line.angle_deg + (90 if line.is_vertical else 0))
    across = rows * math.cos(turn) - columns * math.sin(turn)
    reach = float(across.max() - across.min()) + 1
    if any(ord(sign) > 0x2E80 for sign in line.string):
        return round(reach / CHINESE_REACH, 1)
    has_tall = any(sign.isupper() or sign.isdigit() or sign in "bdfhijklt%&?!()/|" for sign in line.string)
    has_low = any(sign in "gjpqyQ,;()/|" for sign in line.string)
    share = SMALL_LETTERS + (TALL_LETTERS if has_tall else 0) + (LOW_LETTERS if has_low else 0)
    return round(reach / share, 1)


def _rest(difference: NDArray[np.int16], covers: NDArray[np.bool_]) -> float:
    """Mean of the largest difference of each covered pixel; 0 where nothing is covered."""
    rest = np.abs(difference[covers]).max(axis=1, initial=0)
    return float(rest.mean()) if len(rest) else 0.0
