"""Noise that depends on a place and a seed: tiles of one picture that overlap get the same noise where they do.

A plane without end is cut into blocks; each block's noise comes from a generator of its own, seeded by the seed, the block's place and the
number of the draw. So a part of any size can be had anywhere, no block repeats another, and overlapping parts agree.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from modules.engine.noise import ImageNoise

BLOCK = 64
"""Cells of a block, along each axis."""
SEED_BITS = 63


class PlacedNoise(ImageNoise):
    """Noise of a batch of parts.

    Args:
        shape: (C, h, w) of one part.
        seed: Of the whole picture.
        corners: (row, column) in cells of each part's first cell; not negative.
        device: Where the noise is wanted; it is drawn on the CPU, whatever computes.
    """

    def __init__(
        self, shape: tuple[int, int, int], seed: int, corners: Sequence[tuple[int, int]], device: torch.device | None = None
    ) -> None:
        # Samplers that walk a Brownian path seed it with these; a part's own keeps it from repeating its neighbour's.
        super().__init__(shape, [_entropy(seed, *corner) for corner in corners], device=device)
        self._seed, self._corners, self._draws = seed, tuple(corners), 0

    def first(self) -> Tensor:
        """(B, C, h, w) float32: the noise that parts start from."""
        return self.next()

    def next(self) -> Tensor:
        """(B, C, h, w) float32: another draw each time."""
        draw, self._draws = self._draws, self._draws + 1
        return torch.stack([self._part(draw, *corner) for corner in self._corners]).to(self.device)

    def _part(self, draw: int, row: int, column: int) -> Tensor:
        channels, height, width = self.shape
        part = torch.empty(channels, height, width)
        for block_row in range(row // BLOCK, (row + height - 1) // BLOCK + 1):
            for block_column in range(column // BLOCK, (column + width - 1) // BLOCK + 1):
                block = self._block(draw, block_row, block_column)
                top, left = block_row * BLOCK - row, block_column * BLOCK - column
                rows, columns = slice(max(top, 0), min(top + BLOCK, height)), slice(max(left, 0), min(left + BLOCK, width))
                part[:, rows, columns] = block[:, rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        return part

    def _block(self, draw: int, row: int, column: int) -> Tensor:
        generator = torch.Generator().manual_seed(_entropy(self._seed, draw, row, column))
        return torch.randn((self.shape[0], BLOCK, BLOCK), generator=generator)


def _entropy(seed: int, *numbers: int) -> int:
    """One seed of several numbers, well mixed."""
    words = np.random.SeedSequence([seed % 2**64, *numbers]).generate_state(1, np.uint64)
    return int(words[0]) >> (64 - SEED_BITS)
