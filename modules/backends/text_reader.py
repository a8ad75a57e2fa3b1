"""Reading lines of text in pictures, offline: where they are, what they say, how they lean."""

from __future__ import annotations

import logging
import math
import threading
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from modules.base.errors import MissingModel
from modules.base.registry import load_dotted

Pixels = NDArray[np.uint8]
Quad = NDArray[np.float32]

LEAST_SCORE = 0.5
_TURNED_BELOW = 0.75
_TALL = 1.5
_MARGIN_PX = 4


@dataclass(frozen=True)
class TextLine:
    """One line of text.

    Attributes:
        quad: (4, 2) float32, canvas px: its corners, clockwise from where a reader sees its top left.
        string: What it says.
        score: 0 to 1: how sure the reader is.
        angle_deg: Clockwise, of the baseline; -180 to 180.
        is_vertical: Whether its characters stand upright one below the other.
    """

    quad: Quad
    string: str
    score: float
    angle_deg: float
    is_vertical: bool = False

    @property
    def height_px(self) -> float:
        """Across the line."""
        side = self.quad[1] - self.quad[0] if self.is_vertical else self.quad[3] - self.quad[0]
        return float(np.hypot(*side))


class TextReader:
    """PP-OCR by rapidocr, whose weights come with the package. Loaded on first use; calls from several threads wait for each other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._engine: Any = None

    def why_not(self) -> str:
        """Why it cannot read here, and what to do; "" = it can."""
        missing = [name for name in ("rapidocr", "onnxruntime") if find_spec(name) is None]
        return f"the package {missing[0]} is missing; start `python launch.py` once with a network connection" if missing else ""

    def read(self, rgb: Pixels) -> list[TextLine]:
        """All lines of a picture, from top to bottom.

        Args:
            rgb: (H, W, 3) uint8.

        Raises:
            MissingModel: The package is missing or broken.
        """
        with self._lock:
            engine = self._engine = self._engine or self._load()
            pixels = np.ascontiguousarray(rgb[:, :, ::-1])
            found = engine(pixels, use_det=True, use_cls=False, use_rec=False)
            quads = [] if found.boxes is None else [np.asarray(quad, np.float32) for quad in found.boxes]
            return [line for line in self._recognise(engine, pixels, quads) if line.score >= LEAST_SCORE and line.string.strip()]

    def _recognise(self, engine: Any, pixels: Pixels, quads: list[Quad]) -> list[TextLine]:
        if not quads:
            return []
        strips = [cut_strip(pixels, quad) for quad in quads]
        answer = engine.recognize_txt(strips)
        return [_line(quad, *said) for quad, said in zip(quads, zip(answer.txts, answer.scores, strict=True), strict=True)]

    def _load(self) -> Any:
        if why_not := self.why_not():
            raise MissingModel(f"text cannot be read: {why_not}")
        engine: Any = load_dotted("rapidocr:RapidOCR")
        logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
        return engine(params={"Global.log_level": "critical", "Global.use_cls": False})


def cut_strip(pixels: Pixels, quad: Quad) -> Pixels:
    """The line as an upright strip; one that is much taller than wide is laid on its side."""
    width = max(round(float(max(np.hypot(*(quad[1] - quad[0])), np.hypot(*(quad[2] - quad[3]))))), 1)
    height = max(round(float(max(np.hypot(*(quad[3] - quad[0])), np.hypot(*(quad[2] - quad[1]))))), 1)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(quad, corners)
    strip = cv2.warpPerspective(pixels, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(np.rot90(strip) if height >= _TALL * width else strip, np.uint8)


def _line(quad: Quad, string: str, score: float) -> TextLine:
    along = quad[1] - quad[0]
    angle = math.degrees(math.atan2(float(along[1]), float(along[0])))
    return TextLine(quad, string, float(score), angle)
