"""Single signs that a reader sees in photographs: eyes, cups and wheels look like "0", "8" and "O"."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from modules.backends.text_reader import TextLine, TextReader

_SURE = 0.9
_TALLEST = 0.3
"""Of the picture's shorter side: what is larger and stands alone is rather a thing."""


class CarefulReader(TextReader):
    """A reader that believes in single signs only where they are sure and of a usual size."""

    def __init__(self, reader: TextReader) -> None:
        super().__init__()
        self._reader = reader

    def why_not(self) -> str:
        return self._reader.why_not()

    def read(self, rgb: NDArray[np.uint8], *, join_broken_strokes: bool = False) -> list[TextLine]:
        """As `TextReader.read`, without doubtful single signs."""
        lines = self._reader.read(rgb, join_broken_strokes=join_broken_strokes)
        return [line for line in lines if is_likely(line, min(rgb.shape[:2]))]


def is_likely(line: TextLine, side_px: int) -> bool:
    """Whether a line is more than one sign, or a sign that is sure and not as large as things in photographs are.

    Args:
        side_px: The picture's shorter side.
    """
    signs = [sign for sign in line.string if sign.isalnum()]
    return len(signs) > 1 or (line.score >= _SURE and line.height_px <= _TALLEST * side_px)
