"""Lifting one part off a picture, so that laying it back gives the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Alpha = NDArray[np.float32]


@dataclass(frozen=True)
class Lifted:
    """A part, and the picture without it.

    Attributes:
        pixels: (H, W, 4) uint8 RGBA, straight; all 0 where it does not cover.
        below: (H, W, 4) uint8; the picture's own bytes where the part does not cover.
    """

    pixels: Pixels
    below: Pixels


def lift(picture: Pixels, alpha: Alpha, colour: Pixels, background: Pixels, trust: float = 1.0) -> Lifted:
    """Split a picture into a part laid normally over what is left.

    Of the part's colour and the background behind it, both roughly known, those nearest to the guesses are solved that together give the
    picture: the part's where it is dense, the background where it is thin.

    Args:
        picture: (H, W, 4) uint8 RGBA; not modified.
        alpha: (H, W) float32 in [0, 1]; rounded to 8 bits, and never more than the picture's own.
        colour: (H, W, 3) uint8: the part's.
        background: (H, W, 3) uint8: completed behind the part.
        trust: > 0: how far the background's colour may move from the guess, against the part's.
    """
    whole = picture[..., 3].astype(np.float32) / 255
    share = np.minimum(np.floor(alpha * 255 + 0.5) / 255, whole)
    rows, columns = np.nonzero(share)
    own, total = share[rows, columns], whole[rows, columns]
    under = np.where(own < 1, (total - own) / np.maximum(1 - own, 1 / 255), 1.0)
    weight = np.where(total > 0, own / np.maximum(total, 1 / 255), 1.0)[:, None]
    seen = picture[rows, columns, :3].astype(np.float32)
    front, back = _solve(seen, weight, colour[rows, columns].astype(np.float32), background[rows, columns].astype(np.float32), trust)
    pixels, below = np.zeros_like(picture), picture.copy()
    pixels[rows, columns] = _rounded(np.column_stack([front, own * 255]))
    below[rows, columns] = _rounded(np.column_stack([back, under * 255]))
    return Lifted(pixels, below)


def _solve(
    seen: NDArray[np.float32], weight: NDArray[np.float32], front: NDArray[np.float32], back: NDArray[np.float32], trust: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The colours nearest to `front` and `back`, both in [0, 255], whose mix with `weight` gives `seen`."""
    thin = 1 - weight
    missing = seen - weight * front - thin * back
    power = weight**2 + (trust * thin) ** 2
    back = np.floor(np.clip(back + missing * thin * trust**2 / power, 0, 255) + 0.5)
    front = np.clip((seen - thin * back) / np.maximum(weight, 1 / 255), 0, 255)
    return front, back


def _rounded(values: NDArray[np.floating]) -> Pixels:
    return np.clip(np.floor(values + 0.5), 0, 255).astype(np.uint8)
