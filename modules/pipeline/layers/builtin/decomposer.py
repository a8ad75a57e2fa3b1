"""The built-in decomposer: texts, gleams, subjects, shadows and texture are lifted off one after the other; a background is left."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from modules.backends.subject import SubjectNetwork
from modules.backends.text_reader import TextReader
from modules.base.errors import InvalidImage
from modules.imaging.geometry import Box
from modules.imaging.layering.blend_mode import BlendMode, Light
from modules.imaging.layering.compositing import blend
from modules.imaging.lifting.completion import Flags, Refine, complete, grow_hole
from modules.imaging.lifting.detail import smooth_away_detail
from modules.imaging.lifting.highlights import find_highlight
from modules.imaging.lifting.lift import lift
from modules.imaging.lifting.shadows import Shadow, find_shadow, light_up
from modules.pipeline.layers.backend_settings import Setting, read_settings
from modules.pipeline.layers.builtin.lone_signs import CarefulReader
from modules.pipeline.layers.builtin.naming import Namer
from modules.pipeline.layers.builtin.settling import Peeling, residual_of
from modules.pipeline.layers.builtin.texts import lift_texts
from modules.pipeline.layers.builtin.things import Floats, Thing, dense_enough, find_things
from modules.pipeline.layers.decomposing import Decomposition, Interrupted, Pixels, Watch, check_picture
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
SHARES = {"text": (0.0, 0.4), "subject": (0.4, 0.65), "light": (0.65, 0.75), "background": (0.75, 0.9), "settling": (0.9, 1.0)}
"""Step to its part of the work."""

_CUT_OUT = 0.3
"""Share of transparent pixels from which on the picture is itself something cut out, not a scene."""


class BuiltinDecomposer:
    """Takes pictures apart on any processor, offline.

    Args:
        network: What finds subjects; where its file is missing, none are looked for, and a note says so.
        reader: What reads text; the same holds for it. None = its own.
        refine: Betters what was completed behind lifted parts, where the setting asks for it; None = it cannot be done.
    """

    name = "built-in"
    settings = SETTINGS

    def __init__(self, network: SubjectNetwork, reader: TextReader | None = None, refine: Refine | None = None) -> None:
        self._network, self._reader, self._refine = network, reader or TextReader(), refine

    def why_not(self) -> str:
        return ""

    def decompose(self, picture: Pixels, settings: Mapping[str, Any], watch: Watch) -> Decomposition:
        """See `Decomposer.decompose`.

        Raises:
            InvalidRequest: A setting is unknown or out of range.
            InvalidImage: Not (H, W, 4) uint8, or without pixels.
            Interrupted: As asked.
            NotExact: A fault of this program; nothing inexact is ever returned.
        """
        chosen = read_settings(SETTINGS, settings)
        check_picture(picture)
        return _Run(picture, chosen, watch, self._network, self._reader, self._refine).decompose()


class _Run:
    """One picture being taken apart, from the top."""

    def __init__(
        self,
        picture: Pixels,
        chosen: Mapping[str, Any],
        watch: Watch,
        network: SubjectNetwork,
        reader: TextReader,
        refine: Refine | None,
    ) -> None:
        self._chosen, self._watch = chosen, watch
        self._network, self._reader, self._refine = network, reader, refine
        self._light = Light(chosen["light"])
        self._peeling = Peeling(picture, self._light)
        self._is_cut_out = float((picture[..., 3] < 128).mean()) > _CUT_OUT
        self._namer = Namer()
        self._notes: list[Mapping[str, Any]] = []
        self._seconds: dict[str, float] = {}

    def decompose(self) -> Decomposition:
        with self._step("text"):
            self._lift_texts()
        with self._step("subject"):
            things = self._find_things()
        with self._step("light"):
            gleams = self._lift_highlights(things)
            shadows, lit = self._find_shadows(things)
        with self._step("background"):
            numbers = self._lift_things(things, shadows, lit)
            for gleam, number in zip(gleams, numbers, strict=True):
                self._peeling.link(gleam, number)
            self._lift_shadows(things, shadows, numbers)
            self._lift_texture()
        with self._step("settling"):
            kind = LayerKind.SUBJECT if self._is_cut_out else LayerKind.BACKGROUND
            parts = self._peeling.finish(kind, self._namer.name(kind))
        self._watch.tell(1.0, "settling")
        if len(parts) == 1:
            self._notes.append({"key": "one_piece"})
        residual = residual_of(parts, self._peeling.picture.shape[:2])
        return Decomposition(parts, len(parts) > 1, tuple(self._notes), residual, self._seconds, self._light)

    @contextmanager
    def _step(self, doing: str) -> Iterator[None]:
        self._tell(doing, 0.0)
        started = time.perf_counter()
        yield
        self._seconds[doing] = time.perf_counter() - started

    def _tell(self, doing: str, share: float) -> None:
        """`share` of this step is done.

        Raises:
            Interrupted: Somebody asked for it.
        """
        if self._watch.is_interrupted():
            raise Interrupted(doing)
        first, last = SHARES[doing]
        self._watch.tell(first + (last - first) * share, doing)

    def _lift_texts(self) -> None:
        if not self._chosen["texts"]:
            return
        if why_not := self._reader.why_not():
            self._notes.append({"key": "without_reader", "why": why_not})
            return
        found = lift_texts(
            self._peeling.left,
            CarefulReader(self._reader),
            join_broken_strokes=self._chosen["join_broken_strokes"],
            tell=lambda share: self._tell("text", share),
        )
        names = [self._namer.name(LayerKind.TEXT, part.text.string if part.text else "") for part in found.parts]
        self._peeling.adopt([replace(part, name=name) for part, name in zip(found.parts, names, strict=True)], found.beneath)
        if found.failed:
            self._notes.append({"key": "text_failed", "strings": list(found.failed)})

    def _find_things(self) -> list[Thing]:
        if self._is_cut_out:
            return []
        if not self._chosen["subjects"]:
            return []
        if not self._network.is_there:
            self._notes.append({"key": "without_network"})
            return []
        rgb = self._seen()
        return find_things(rgb, self._network, self._chosen["max_subjects"], lambda share: self._tell("subject", share))

    def _lift_highlights(self, things: list[Thing]) -> list[int | None]:
        if not self._chosen["highlights"]:
            return [None] * len(things)
        return [self._lift_highlight(thing) for thing in things]

    def _lift_highlight(self, thing: Thing) -> int | None:
        self._tell("light", 0.2)
        found = find_highlight(self._peeling.left[..., :3], thing.alpha, self._light)
        if found is None:
            return None
        thing.color[found.pixels[..., 3] > 0] = found.beneath[found.pixels[..., 3] > 0]
        name = self._namer.name(LayerKind.HIGHLIGHT)
        return self._peeling.lift(
            LayerKind.HIGHLIGHT, name, found.pixels, found.beneath, mode=BlendMode.SCREEN, confidence=found.confidence
        )

    def _find_shadows(self, things: list[Thing]) -> tuple[list[Shadow | None], Pixels]:
        """One for each thing that throws one, in the order of finding, and the picture without them."""
        rgb = self._seen()
        if not self._chosen["shadows"] or not things:
            return [None] * len(things), rgb
        lifted = _all_alpha(things)
        shadows: list[Shadow | None] = []
        for place, thing in enumerate(things):
            self._tell("light", 0.5 + 0.5 * place / len(things))
            found = find_shadow(rgb, thing.alpha, lifted, self._light)
            shadows.append(found)
            rgb = rgb if found is None else light_up(rgb, found.pixels, self._light)
        return shadows, rgb

    def _lift_things(self, things: list[Thing], shadows: list[Shadow | None], lit: Pixels) -> list[int | None]:
        if not things:
            return []
        behind = self._complete(lit, grow_hole(_all_alpha(things)))
        self._tell("background", 0.6)
        behind = self._shade(behind, shadows)
        numbers: list[int | None] = []
        for thing in things:
            lifted = lift(self._peeling.left, dense_enough(self._peeling.left, thing, behind), thing.color, behind)
            name = self._namer.name(LayerKind.SUBJECT)
            thing.name = name
            numbers.append(self._peeling.lift(LayerKind.SUBJECT, name, lifted.pixels, lifted.below, confidence=thing.confidence))
        return numbers

    def _complete(self, rgb: Pixels, hole: Flags) -> Pixels:
        """The background behind everything that is lifted, refined where that is asked for and betters it."""
        if not self._chosen["refine"]:
            return complete(rgb, hole)
        seen: list[Pixels] = []

        def refine(filled: Pixels, mask: Pixels) -> Pixels:
            seen.append(filled)
            return filled if self._refine is None else self._refine(filled, mask)

        behind = complete(rgb, hole, refine)
        if not seen or np.array_equal(behind, seen[0]):
            self._notes.append({"key": "not_refined"})
        return behind

    def _shade(self, rgb: Pixels, shadows: list[Shadow | None]) -> Pixels:
        """What lies behind, in the shadows that fall on it."""
        canvas = np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])
        for shadow in reversed(shadows):
            if shadow is not None:
                blend(canvas, Box(0, 0, rgb.shape[1], rgb.shape[0]), shadow.pixels, BlendMode.MULTIPLY, light=self._light)
        return canvas[..., :3]

    def _lift_shadows(self, things: list[Thing], shadows: list[Shadow | None], numbers: list[int | None]) -> None:
        for thing, shadow, number in zip(things, shadows, numbers, strict=True):
            if shadow is None:
                continue
            name = self._namer.name(LayerKind.SHADOW, of=thing.name)
            below = light_up(self._peeling.left[..., :3], shadow.pixels, self._light)
            mode, confidence = BlendMode.MULTIPLY, shadow.confidence
            self._peeling.link(self._peeling.lift(LayerKind.SHADOW, name, shadow.pixels, below, mode=mode, confidence=confidence), number)

    def _lift_texture(self) -> None:
        if not self._chosen["texture"]:
            return
        self._tell("background", 0.9)
        smooth = smooth_away_detail(np.ascontiguousarray(self._peeling.left[..., :3]))
        if smooth is not None:
            below = np.dstack([smooth, self._peeling.left[..., 3]])
            self._peeling.lift_detail(self._namer.name(LayerKind.TEXTURE), below)

    def _seen(self) -> Pixels:
        """Colours of what is left; what cannot be seen has the mean of the rest."""
        rgb, alpha = np.ascontiguousarray(self._peeling.left[..., :3]), self._peeling.left[..., 3]
        hidden = alpha == 0
        if hidden.any() and not hidden.all():
            rgb[hidden] = rgb[~hidden].mean(axis=0)
        return rgb


def _all_alpha(things: list[Thing]) -> Floats:
    return np.minimum(np.sum([thing.alpha for thing in things], axis=0), 1).astype(np.float32)
