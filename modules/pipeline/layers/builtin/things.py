"""The subjects of a picture, cut out: alpha, own colours, no two of the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modules.backends.subject import SubjectNetwork
from modules.imaging.lifting.matting import refine_alpha
from modules.pipeline.layers.builtin.subjects import find_subjects

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

_LEAST_SHARE, _MOST_SHARE = 2e-4, 0.97
"""Of the picture: less is a speck, more is the picture itself."""
_DUPLICATE = 0.8
_SOLVED_FROM, _VISIBLE = 0.3, 12.0
"""Thinner than this, what lies behind is solved; and by how many of 255 levels a colour may miss."""


@dataclass
class Thing:
    """A subject on its way to a layer.

    Attributes:
        alpha: (H, W) float32 in [0, 1]; all things together never more than 1.
        color: (H, W, 3) uint8: its own.
        confidence: 0 to 1.
        name: Of its layer, once it has one.
    """

    alpha: Floats
    color: Pixels
    confidence: float
    name: str = ""


def find_things(rgb: Pixels, network: SubjectNetwork, most: int, tell: Callable[[float], None]) -> list[Thing]:
    """Find and cut out, the topmost first.

    Args:
        rgb: (H, W, 3) uint8; not modified.
        tell: Called with the share of the work done; whatever it raises passes through.
    """
    subjects = find_subjects(rgb, network, max_subjects=most)
    things: list[Thing] = []
    taken = np.zeros(rgb.shape[:2], np.float32)
    for place, subject in enumerate(subjects):
        tell(0.3 + 0.7 * place / len(subjects))
        alpha, color = refine_alpha(rgb, subject.mask)
        shared = float(np.minimum(alpha, taken).sum())
        if shared > _DUPLICATE * float(alpha.sum()):
            continue
        alpha = np.minimum(alpha, 1 - taken).astype(np.float32)
        if _LEAST_SHARE < float(alpha.mean()) < _MOST_SHARE:
            taken += alpha
            things.append(Thing(alpha, color.copy(), subject.confidence))
    return things


def dense_enough(picture: Pixels, thing: Thing, behind: Pixels) -> Floats:
    """The thing's alpha, higher where no colour of it at that alpha could give the picture over what lies behind.

    Args:
        picture: (H, W, 4) uint8.
        behind: (H, W, 3) uint8.
    """
    rows, columns = np.nonzero((thing.alpha > _SOLVED_FROM) & (thing.alpha < 1))
    seen, below = picture[rows, columns, :3].astype(np.float32), behind[rows, columns].astype(np.float32)
    change = seen - below
    room = np.where(change > 0, 255 - below, below)
    needed = (np.abs(change) / np.maximum(room, 1)).max(axis=1)
    alpha = thing.alpha.copy()
    missing = (needed - alpha[rows, columns]) * room.max(axis=1)
    alpha[rows, columns] = np.where(missing > _VISIBLE, np.maximum(needed, alpha[rows, columns]), alpha[rows, columns])
    return np.clip(alpha, 0, 1)
