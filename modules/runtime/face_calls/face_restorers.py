"""A1111's `face_restoration`: none is ours; extensions add theirs."""

from __future__ import annotations

from typing import Any

import numpy as np

from modules.runtime.shared_objects import OPTS

FACE_RESTORERS: list[Any] = []
"""What `shared.face_restorers` is."""


class FaceRestoration:
    """What an extension subclasses and appends to `shared.face_restorers`."""

    def name(self) -> str:
        return "None"

    def restore(self, np_image: np.ndarray) -> np.ndarray:
        return np_image


def restore_faces(np_image: np.ndarray, face_restorer: Any = None) -> np.ndarray:
    """(H, W, 3) uint8, its faces restored by the given restorer, else by the one that the options name; unchanged without."""
    wanted = OPTS.face_restoration_model
    chosen = face_restorer or next((restorer for restorer in FACE_RESTORERS if restorer.name() == wanted), None)
    return np_image if chosen is None else chosen.restore(np_image)
