"""The subjects of a picture: where each of them roughly is, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modules.backends.subject import SubjectNetwork, SubjectSelector

Pixels = NDArray[np.uint8]

LEAST_CONFIDENCE = 0.3
"""Textures and landscapes reach 0.26 (of 40 looked at), pets and things mostly 0.5 to 0.97."""
LARGEST_SHARE = 0.92
"""What covers more of a picture is the picture."""


@dataclass(frozen=True)
class Subject:
    """Something that stands out.

    Attributes:
        mask: (H, W) uint8; 255 = the subject, soft where that is not sure; for `imaging.lifting.matting.refine_alpha`.
        confidence: 0 to 1.
    """

    mask: Pixels
    confidence: float


def find_subjects(rgb: Pixels, network: SubjectNetwork, *, max_subjects: int = 4) -> list[Subject]:
    """Find what stands out, the largest first; nothing where a picture is one piece.

    Args:
        rgb: (H, W, 3) uint8; not modified.

    Raises:
        MissingModel: The network's file is missing or damaged.
    """
    found = SubjectSelector(network).subjects(rgb, max_subjects)
    return [
        Subject(one.seen, one.confidence)
        for one in found
        if one.confidence >= LEAST_CONFIDENCE and (one.seen > 127).any() and (one.seen > 127).mean() <= LARGEST_SHARE
    ]
