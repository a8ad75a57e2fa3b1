"""Reading lines of text in pictures, offline: where they are, what they say, how they lean."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from modules.base.errors import MissingModel
from modules.base.registry import load_dotted
from modules.imaging.lifting.text_quads import Quad, join_neighbours, join_scales, overlap, quad_height, quad_width, widened

Pixels = NDArray[np.uint8]

LEAST_SCORE = 0.5
FAINT_SCORE = 0.9
"""What is only seen with its contrast raised must be read surely: noise looks like writing, too."""

JOIN_REACH, BROKEN_REACH = 0.3, 0.9
"""Pieces on one baseline less than this many heights apart are one line."""

_FINE_PX, _COARSE_PX, _LARGEST_PX = 480, 320, 2000
_SLIMMEST = 20
"""How much longer than high a picture may be that is searched; the package enlarges what is slimmer until no memory is left."""
_LONGEST = 100
"""In heights: no strip longer than that is read."""
_LARGE_PX = 36
_DOUBTFUL = 0.9
_TALL = 1.5
_THIN = frozenset("一二三-—")
_FAINT_SPREAD = (0.4, 6.0)
_FAINT_SHARE = 0.001
_NEARBY_PX = 12


@dataclass(frozen=True)
class TextLine:
    """One line of text.

    Attributes:
        quad: (4, 2) float32, canvas px: its corners, clockwise from where a reader sees its top left.
        string: What it says.
        score: 0 to 1: how sure the reader is.
        angle_deg: Clockwise, of the baseline; -180 to 180.
        is_vertical: Whether its characters stand upright one below the other; then angle_deg is that of the picture's horizontal.
        is_faint: Whether it was only seen once its contrast was raised.
    """

    quad: Quad
    string: str
    score: float
    angle_deg: float
    is_vertical: bool = False
    is_faint: bool = False

    @property
    def height_px(self) -> float:
        """Across the line."""
        return quad_width(self.quad) if self.is_vertical else quad_height(self.quad)


class TextReader:
    """PP-OCR by rapidocr, whose weights come with the package. Loaded on first use; calls from several threads wait for each other.

    Pictures are searched at up to 2,000 px a side (larger ones are seen smaller) and read at full size.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._engine: Any = None

    def why_not(self) -> str:
        """Why it cannot read here, and what to do; "" = it can."""
        missing = [name for name in ("rapidocr", "onnxruntime") if find_spec(name) is None]
        return f"the package {missing[0]} is missing; start `python launch.py` once with a network connection" if missing else ""

    def read(self, rgb: Pixels, *, join_broken_strokes: bool = False) -> list[TextLine]:
        """All lines of a picture, from top to bottom; faint ones (white on white) are looked for again with their contrast raised.

        Args:
            rgb: (H, W, 3) uint8.
            join_broken_strokes: Take pieces further apart for one line.

        Raises:
            MissingModel: The package is missing or broken.
        """
        with self._lock:
            self._engine = self._engine or self._load()
            pixels = np.ascontiguousarray(rgb[:, :, ::-1])
            reach = BROKEN_REACH if join_broken_strokes else JOIN_REACH
            lines = self._read(pixels, join_neighbours(self._detect(pixels), reach))
            raised = raise_faint(pixels)
            if raised is not None:
                fresh = [quad for quad in self._detect(raised) if all(overlap(quad, line.quad) < 0.3 for line in lines)]
                lines += self._read(raised, join_neighbours(fresh, reach), is_faint=True)
        return sorted(lines, key=lambda line: (float(line.quad[:, 1].min()), float(line.quad[:, 0].min())))

    def _detect(self, pixels: Pixels) -> list[Quad]:
        """Looks twice: close up, and from further away, where characters as tall as a third of the picture are still seen whole."""
        sides = pixels.shape[:2]
        fine = min(max(_FINE_PX / min(sides), 1.0), _LARGEST_PX / max(sides))
        coarse = min(_COARSE_PX / min(sides), fine)
        return join_scales(self._detect_at(pixels, fine), self._detect_at(pixels, coarse), _LARGE_PX / coarse)

    def _detect_at(self, pixels: Pixels, scale: float) -> list[Quad]:
        size = (max(round(pixels.shape[1] * scale), 1), max(round(pixels.shape[0] * scale), 1))
        seen = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        seen = _filled_up(seen, -(-max(size) // _SLIMMEST))
        found = self._engine(seen, use_det=True, use_cls=False, use_rec=False)
        ratio = np.array([pixels.shape[1] / size[0], pixels.shape[0] / size[1]], np.float32)
        return [] if found.boxes is None else [np.asarray(quad, np.float32) * ratio for quad in found.boxes]

    def _read(self, pixels: Pixels, quads: list[Quad], *, is_faint: bool = False) -> list[TextLine]:
        lines = [_line(quad, said, score, is_faint) for quad, (said, score) in zip(quads, self._say(pixels, quads), strict=True)]
        lines = self._turn_doubtful(pixels, lines)
        if self._reach_thin_ends(pixels, lines):
            quads = join_neighbours([line.quad for line in lines], JOIN_REACH)
            if len(quads) < len(lines):
                lines = [_line(quad, said, score, is_faint) for quad, (said, score) in zip(quads, self._say(pixels, quads), strict=True)]
        least, shortest = (FAINT_SCORE, 2) if is_faint else (LEAST_SCORE, 1)
        return [line for line in lines if line.score >= least and len(line.string.strip()) >= shortest]

    def _say(self, pixels: Pixels, quads: Sequence[Quad], *, is_turned: bool = False) -> list[tuple[str, float]]:
        if not quads:
            return []
        strips = [cut_strip(pixels, quad) for quad in quads]
        strips = [strip[:, : _LONGEST * strip.shape[0]] for strip in strips]
        answer = self._engine.recognize_txt([np.ascontiguousarray(strip[::-1, ::-1]) if is_turned else strip for strip in strips])
        return [(str(said), float(score)) for said, score in zip(answer.txts, answer.scores, strict=True)]

    def _turn_doubtful(self, pixels: Pixels, lines: list[TextLine]) -> list[TextLine]:
        """Read what makes little sense upside down, too."""
        doubtful = [place for place, line in enumerate(lines) if line.score < _DOUBTFUL]
        turned = self._say(pixels, [lines[place].quad for place in doubtful], is_turned=True)
        for place, (said, score) in zip(doubtful, turned, strict=True):
            if score > lines[place].score:
                quad = lines[place].quad
                is_upright = lines[place].is_vertical or lines[place].angle_deg < 45
                lines[place] = _turned(quad if is_upright else np.roll(quad, 1, axis=0), said, score, lines[place].is_faint)
        return lines

    def _reach_thin_ends(self, pixels: Pixels, lines: list[TextLine]) -> bool:
        """The search loses an end character of one thin stroke: look a character further. Says whether one was found."""
        grown = False
        able = [place for place, line in enumerate(lines) if _is_chinese(line.string) and not line.is_vertical and line.angle_deg < 45]
        wide = [widened(lines[place].quad, 0.9 * lines[place].height_px) for place in able]
        for place, quad, (said, score) in zip(able, wide, self._say(pixels, wide), strict=True):
            line = lines[place]
            before, found, after = said.partition(line.string)
            if found and before + after and set(before + after) <= _THIN and score >= _DOUBTFUL:
                lines[place], grown = TextLine(quad, said, score, line.angle_deg, is_faint=line.is_faint), True
        return grown

    def _load(self) -> Any:
        if why_not := self.why_not():
            raise MissingModel(f"text cannot be read: {why_not}")
        engine: Any = load_dotted("rapidocr:RapidOCR")
        logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
        try:
            return engine(params={"Global.log_level": "critical", "Global.use_cls": False, "Det.limit_side_len": 32})
        except Exception as error:  # the package raises its own kinds, and those of onnxruntime
            raise MissingModel(f"text cannot be read: the package rapidocr is damaged; install it again ({error})") from error


def cut_strip(pixels: Pixels, quad: Quad) -> Pixels:
    """The line as an upright strip; one that is much taller than wide is laid on its side, its top to the left."""
    width, height = max(round(quad_width(quad)), 1), max(round(quad_height(quad)), 1)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(quad, corners)
    strip = cv2.warpPerspective(pixels, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(np.rot90(strip) if height >= _TALL * width else strip, np.uint8)


def _filled_up(pixels: Pixels, least: int) -> Pixels:
    """At least `least` px wide and high: its last row and column are repeated."""
    below, beside = (max(0, least - side) for side in pixels.shape[:2])
    return pixels if below == beside == 0 else cv2.copyMakeBorder(pixels, 0, below, 0, beside, cv2.BORDER_REPLICATE)


def raise_faint(pixels: Pixels) -> Pixels | None:
    """The picture with its faint detail as strong as its strong detail.

    Args:
        pixels: (H, W, 3) uint8.

    Returns:
        Grey in three channels; None where there is next to no faint detail.
    """
    luma = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY).astype(np.float32)
    calm = luma - cv2.GaussianBlur(luma, (0, 0), 20)
    spread = np.sqrt(cv2.GaussianBlur(calm**2, (0, 0), 20))
    low, high = _FAINT_SPREAD
    if ((spread > low) & (spread < high)).mean() < _FAINT_SHARE:
        return None
    raised = np.clip(128 + calm * (45 / np.maximum(spread, low)), 0, 255).astype(np.uint8)
    return np.dstack([raised] * 3)


def _line(quad: Quad, string: str, score: float, is_faint: bool) -> TextLine:
    """What was read in an upright quad; the characters of a tall one stand below each other, or it was turned by a quarter."""
    if quad_height(quad) < _TALL * quad_width(quad) or len(string) < 2:
        return TextLine(quad, string, score, _angle(quad), is_faint=is_faint)
    if _is_chinese(string):
        return TextLine(quad, string, score, _angle(quad), is_vertical=True, is_faint=is_faint)
    quad = np.roll(quad, -1, axis=0)
    return TextLine(quad, string, score, _angle(quad), is_faint=is_faint)


def _turned(quad: Quad, string: str, score: float, is_faint: bool) -> TextLine:
    """The same for a strip that was read upside down."""
    line = _line(quad, string, score, is_faint)
    quad = np.roll(line.quad, 2, axis=0)
    return TextLine(quad, string, score, _angle(quad), line.is_vertical, is_faint)


def _angle(quad: Quad) -> float:
    along = quad[1] - quad[0]
    return math.degrees(math.atan2(float(along[1]), float(along[0])))


def _is_chinese(string: str) -> bool:
    return any("\u3400" <= sign <= "\u9fff" for sign in string)
