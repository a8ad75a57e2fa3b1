"""Running a network over a picture in overlapping tiles, whose results are blended: memory stays small, and no seam shows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Values = NDArray[np.float32]
Enlarge = Callable[[Pixels], Values]
"""(h, w, 3) uint8 -> (scale * h, scale * w, 3) float32, about [0, 255]."""
_DISCARDED_SHARE = 0.25
_SMALLEST_TILE_PX = 16


@dataclass(frozen=True)
class Tiling:
    """How a picture is cut.

    Attributes:
        tile_px: Longest side of a tile, in pixels of the input; 0 = the whole picture at once.
        overlap_px: What neighbours share at least; at most a third of a tile counts.
    """

    tile_px: int = 192
    overlap_px: int = 32

    def spans(self, length: int) -> list[tuple[int, int]]:
        """Starts and ends of the tiles along a side: all equally long, evenly laid, no longer than asked for."""
        longest = max(self.tile_px, _SMALLEST_TILE_PX) if self.tile_px else length
        if length <= longest:
            return [(0, length)]
        overlap = min(self.overlap_px, longest // 3)
        count = math.ceil((length - overlap) / (longest - overlap))
        side = math.ceil((length + (count - 1) * overlap) / count)
        return [(start, start + side) for start in (round(index * (length - side) / (count - 1)) for index in range(count))]

    def count(self, width: int, height: int) -> int:
        """Tiles of a whole picture."""
        return len(self.spans(width)) * len(self.spans(height))


def enlarge_in_tiles(pixels: Pixels, scale: int, tiling: Tiling, enlarge: Enlarge, go_on: Callable[[int, int], bool]) -> Pixels | None:
    """Enlarge a picture tile by tile.

    Besides the result, one row of tiles is held in floats.

    Args:
        pixels: (h, w, 3) RGB.
        scale: What `enlarge` multiplies both sides by.
        go_on: Told before each tile, and at the end, how many of how many are done; False stops.

    Returns:
        (scale * h, scale * w, 3), or None when stopped.
    """
    height, width = pixels.shape[:2]
    rows, columns = tiling.spans(height), tiling.spans(width)
    across, down = _weights(columns, scale), _weights(rows, scale)
    result = np.empty((height * scale, width * scale, 3), np.uint8)
    open_rows = np.zeros((0, width * scale, 3), np.float32)
    for row, (top, bottom) in enumerate(rows):
        strip = np.zeros(((bottom - top) * scale, width * scale, 3), np.float32)
        strip[: len(open_rows)] = open_rows
        for column, (left, right) in enumerate(columns):
            if not go_on(row * len(columns) + column, len(rows) * len(columns)):
                return None
            made = enlarge(pixels[top:bottom, left:right])
            made *= across[column][None, :, None]
            made *= down[row][:, None, None]
            strip[:, left * scale : right * scale] += made
        finished = (rows[row + 1][0] if row + 1 < len(rows) else bottom) - top
        done = strip[: finished * scale]
        result[top * scale : (top + finished) * scale] = np.clip(np.rint(done, out=done), 0, 255, out=done)
        open_rows = strip[finished * scale :]
    go_on(len(rows) * len(columns), len(rows) * len(columns))
    return result


def _weights(spans: list[tuple[int, int]], scale: int) -> list[Values]:
    """How much each tile counts at its pixels along a side; over all tiles they add up to 1.

    The outermost quarter of what two tiles share is left to the other one, which sees more around it; between, one fades into the other.
    """
    weights = []
    for index, (start, end) in enumerate(spans):
        at = np.arange(start * scale, end * scale, dtype=np.float32) + 0.5
        weight = np.ones_like(at)
        if index > 0:
            weight = np.minimum(weight, _fade(at, start * scale, spans[index - 1][1] * scale))
        if index + 1 < len(spans):
            weight = np.minimum(weight, 1 - _fade(at, spans[index + 1][0] * scale, end * scale))
        weights.append(weight)
    return weights


def _fade(at: Values, start: int, end: int) -> Values:
    """From 0 to 1 over the middle of start..end."""
    if end <= start:
        return (at >= start).astype(np.float32)
    share = (at - start) / (end - start)
    return np.clip((share - _DISCARDED_SHARE) / (1 - 2 * _DISCARDED_SHARE), 0, 1).astype(np.float32)
