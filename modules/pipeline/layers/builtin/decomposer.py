"""The built-in decomposer: texts, highlights, subjects, shadows and texture are lifted off one after the other; a background is left."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import cv2
import numpy as np
from PIL import Image

from modules.backends.subject import SubjectNetwork
from modules.base.errors import InvalidImage
from modules.imaging.fills import fill_from_edges
from modules.imaging.layering.blend_mode import Light
from modules.pipeline.layers.backend_settings import Setting, read_settings
from modules.pipeline.layers.builtin.naming import Namer
from modules.pipeline.layers.builtin.settling import Peeling, residual_of
from modules.pipeline.layers.decomposing import Decomposition, Interrupted, Pixels, Watch
from modules.pipeline.layers.document import LayerKind

SETTINGS = (
    Setting("texts", True),
    Setting("subjects", True),
    Setting("shadows", True),
    Setting("highlights", True),
    Setting("texture", True),
    Setting("join_broken_strokes", False),
    Setting("max_subjects", 4, 1, 16),
    Setting("refine", False),
    Setting("light", Light.SRGB.value, choices=tuple(light.value for light in Light)),
)


class BuiltinDecomposer:
    """Takes pictures apart on any processor, offline.

    Args:
        network: What finds subjects; where its file is missing, none are looked for, and a note says so.
    """

    name = "built-in"
    settings = SETTINGS

    def __init__(self, network: SubjectNetwork) -> None:
        self._network = network

    def why_not(self) -> str:
        return ""

    def decompose(self, picture: Pixels, settings: Mapping[str, Any], watch: Watch) -> Decomposition:
        """See `Decomposer.decompose`.

        Raises:
            InvalidRequest: A setting is unknown or out of range.
            InvalidImage: Not (H, W, 4) uint8, or without pixels.
            Interrupted: As asked.
        """
        chosen = read_settings(SETTINGS, settings)
        if picture.ndim != 3 or picture.shape[2] != 4 or picture.dtype != np.uint8 or not picture.size:
            raise InvalidImage("picture", f"{picture.shape} {picture.dtype}", "an RGBA picture of 8 bit with at least one pixel")
        return _Run(picture, chosen, watch, self._network).decompose()


class _Run:
    """One picture being taken apart."""

    def __init__(self, picture: Pixels, chosen: Mapping[str, Any], watch: Watch, network: SubjectNetwork) -> None:
        self._chosen, self._watch, self._network = chosen, watch, network
        self._peeling = Peeling(picture, Light(chosen["light"]))
        self._namer = Namer()
        self._notes: list[Mapping[str, Any]] = []
        self._seconds: dict[str, float] = {}

    def decompose(self) -> Decomposition:
        with self._step("subject", 0.1):
            if self._chosen["subjects"]:
                self._lift_subjects()
        with self._step("settling", 0.9):
            parts = self._peeling.finish(LayerKind.BACKGROUND, self._namer.name(LayerKind.BACKGROUND))
        comes_apart = len(parts) > 1
        if not comes_apart:
            self._notes.append({"key": "one_piece"})
        self._watch.tell(1.0, "settling")
        shape = self._peeling.picture.shape[:2]
        return Decomposition(parts, comes_apart, tuple(self._notes), residual_of(parts, shape), self._seconds)

    @contextmanager
    def _step(self, doing: str, share: float) -> Iterator[None]:
        if self._watch.is_interrupted():
            raise Interrupted(doing)
        self._watch.tell(share, doing)
        started = time.perf_counter()
        yield
        self._seconds[doing] = self._seconds.get(doing, 0.0) + time.perf_counter() - started

    def _lift_subjects(self) -> None:
        if not self._network.is_there:
            self._notes.append({"key": "without_network"})
            return
        rgb = np.ascontiguousarray(self._peeling.left[..., :3])
        seen = self._network.look(rgb)
        if (seen > 100).mean() < 5e-4:
            return
        alpha = np.clip((seen.astype(np.float32) - 60) / 140, 0, 1)
        hole = cv2.dilate((alpha > 0).astype(np.uint8) * 255, np.ones((9, 9), np.uint8))
        behind = np.asarray(fill_from_edges(Image.fromarray(rgb), Image.fromarray(hole)))
        color = (rgb - (1 - alpha[..., None]) * behind.astype(np.float32)) / np.maximum(alpha[..., None], 0.1)
        part = np.dstack([np.clip(color, 0, 255), alpha * 255]).astype(np.uint8)
        self._peeling.lift(LayerKind.SUBJECT, self._namer.name(LayerKind.SUBJECT), part, behind, confidence=float(alpha[alpha > 0].mean()))
