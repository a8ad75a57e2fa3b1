"""The subjects of a picture: where each of them roughly is, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modules.backends.subject import NothingFound, SubjectNetwork, SubjectSelector

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Subject:
    """Something that stands out.

    Attributes:
        mask: (H, W) uint8; 255 = the subject; for `imaging.lifting.matting.refine_alpha`.
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
    try:
        mask = SubjectSelector(network).subject(rgb).mask
    except NothingFound:
        return []
    return [Subject(mask, float(network.look(rgb)[mask > 127].mean()) / 255)][:max_subjects]
