"""What lies behind lifted parts, guessed from what lies around them."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from modules.imaging.fills import fill_patchmatch

Pixels = NDArray[np.uint8]
Alpha = NDArray[np.float32]
Flags = NDArray[np.bool_]
Refine = Callable[[Pixels, Pixels], Pixels]
"""(rgb, mask of 0 and 255) to rgb: repaints what the mask holds, gently."""

FAINT = 0.02
GROWTH = 0.004
"""How much wider a hole is than what was lifted, as a share of the picture's longer side."""
_SEED = 20041


def grow_hole(alpha: Alpha, shade: Alpha | None = None) -> Flags:
    """Where nothing of what was lifted may be copied from.

    Args:
        alpha: (H, W) float32: all that was lifted.
        shade: (H, W) float32: how dark a shadow lies on the picture, 0 = none; its faint rim is no part of the hole.
    """
    is_hole = (alpha > FAINT).astype(np.uint8)
    reach = max(round(GROWTH * max(alpha.shape)), 2)
    grown = cv2.dilate(is_hole, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)))
    return np.asarray((grown > 0) | (shade > 0.1 if shade is not None else False), np.bool_)


def complete(rgb: Pixels, hole: Flags, refine: Refine | None = None) -> Pixels:
    """Continue the surroundings into a hole.

    Args:
        rgb: (H, W, 3) uint8; not modified. What it shows inside the hole is not looked at.
        hole: (H, W); as `grow_hole` gives it.
        refine: Betters the filled hole; its result is only kept where it is no worse.

    Returns:
        (H, W, 3) uint8, equal to `rgb` outside of the hole. The same input gives the same picture.
    """
    if not hole.any():
        return rgb.copy()
    mask = Image.fromarray(hole.astype(np.uint8) * 255)
    return np.asarray(fill_patchmatch(Image.fromarray(rgb), mask, _SEED), np.uint8).copy()
