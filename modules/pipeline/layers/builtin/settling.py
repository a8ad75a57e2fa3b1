"""Settling what was lifted into parts that compose to exactly the picture.

The stack is peeled from the top: after part k was lifted off picture T_k, T_(k-1) is left, and the part's difference is T_k less what
blending the part onto T_(k-1) gives. Every prefix of the stack is an 8-bit picture, so composing repeats each step to the bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from modules.imaging.geometry import Box
from modules.imaging.layering.blend_mode import BlendMode
from modules.pipeline.layers.builtin.arithmetic import add_difference, blend
from modules.pipeline.layers.decomposing import Differences, Part, Pixels
from modules.pipeline.layers.document import LayerKind, Light, TextAttributes

LARGEST_RESIDUAL = 1.5
"""Mean |difference| over the picture, of 255, summed over layers without texture, that a decomposition should stay below."""


class NotExact(RuntimeError):
    """Parts that do not compose to the picture: a fault of this program, never of a picture."""


class Peeling:
    """A picture from which parts are lifted, the topmost first.

    Args:
        picture: (H, W, 4) uint8 RGBA; not modified.
        light: In which light layers are mixed.

    Attributes:
        left: (H, W, 4) uint8: what is left of the picture.
    """

    def __init__(self, picture: Pixels, light: Light = Light.SRGB) -> None:
        self.picture = self.left = picture
        self.light = light
        self._parts: list[Part] = []
        self._casters: dict[int, int] = {}

    def lift(
        self,
        kind: LayerKind,
        name: str,
        pixels: Pixels,
        below: Pixels,
        *,
        mode: BlendMode = BlendMode.NORMAL,
        confidence: float = 1.0,
        text: TextAttributes | None = None,
    ) -> int | None:
        """Take one part off.

        Args:
            pixels: (H, W, 4) uint8 RGBA, the part, over the whole picture.
            below: (H, W, 3 or 4) uint8, what is left without it; only looked at where the part covers.

        Returns:
            The part's number, for `link`; None = it shows nothing, and was not taken off.
        """
        box = covered_box(pixels)
        if box is None:
            return None
        part, here = crop(pixels, box), crop(self.left, box)
        rest = here.copy()
        covers = part[..., 3] > 0
        channels = below.shape[2]
        rest[..., :channels][covers] = crop(below, box)[covers]
        part = np.where(covers[..., None], part, 0).astype(np.uint8)
        difference = here.astype(np.int16) - blend(rest, part, mode, self.light)
        self.left = self.left.copy()
        crop(self.left, box)[:] = rest
        return self._add(Part(kind, name, box, part, _or_none(difference), mode, confidence, text))

    def lift_detail(self, name: str, smooth: Pixels, confidence: float = 1.0) -> int | None:
        """Take fine detail off: what is left is `smooth` (H, W, 4) uint8."""
        difference = self.left.astype(np.int16) - smooth
        box = covered_box(np.abs(difference).max(axis=2).astype(np.uint8))
        if box is None:
            return None
        self.left = smooth
        return self._add(Part(LayerKind.TEXTURE, name, box, None, crop(difference, box).copy(), confidence=confidence))

    def link(self, follower: int | None, caster: int | None) -> None:
        """The part `follower` belongs to `caster`: a shadow to what throws it."""
        if follower is not None and caster is not None:
            self._casters[follower] = caster

    def finish(self, kind: LayerKind, name: str, confidence: float = 1.0) -> tuple[Part, ...]:
        """What is left becomes the bottom part (its difference: colours that the picture keeps where its alpha is 0).

        Returns:
            All parts, bottom first, checked.

        Raises:
            NotExact: They do not compose to the picture.
        """
        hidden = self.left.astype(np.int16) - blend(np.zeros_like(self.left), self.left, BlendMode.NORMAL, self.light)
        whole = Box(0, 0, self.left.shape[1], self.left.shape[0])
        bottom = Part(kind, name, whole, self.left, _or_none(hidden), confidence=confidence)
        top_down = [*self._parts, bottom]
        places = {number: len(top_down) - 1 - number for number in range(len(top_down))}
        linked = [
            replace(part, caster=places[self._casters[number]] if number in self._casters else None) for number, part in enumerate(top_down)
        ]
        parts = tuple(reversed(linked))
        check_exact(parts, self.picture, self.light)
        return parts

    def _add(self, part: Part) -> int:
        self._parts.append(part)
        return len(self._parts) - 1


def compose(parts: Sequence[Part], shape: tuple[int, int], light: Light = Light.SRGB) -> Pixels:
    """Put parts together, bottom first, onto an empty canvas of (height, width)."""
    canvas = np.zeros((*shape, 4), np.uint8)
    for part in parts:
        here = crop(canvas, part.box)
        if part.pixels is not None:
            here[:] = blend(here, part.pixels, part.blend, light)
        if part.difference is not None:
            here[:] = add_difference(here, part.difference)
    return canvas


def check_exact(parts: Sequence[Part], picture: Pixels, light: Light = Light.SRGB) -> None:
    """Really compose and compare.

    Raises:
        NotExact: A value differs.
    """
    composed = compose(parts, picture.shape[:2], light)
    if not np.array_equal(composed, picture):
        off = np.abs(composed.astype(np.int16) - picture)
        raise NotExact(f"the parts do not compose to the picture: {int((off > 0).sum())} values differ, by up to {int(off.max())}")


def residual_of(parts: Sequence[Part], shape: tuple[int, int]) -> float:
    """Mean |difference| over a picture of (height, width), of 255, summed over all parts above the bottom one that show pixels."""
    total = sum(float(np.abs(part.difference).sum()) for part in parts[1:] if part.difference is not None and part.pixels is not None)
    return total / (shape[0] * shape[1] * 4)


def covered_box(pixels: Pixels) -> Box | None:
    """The smallest box around alpha (or a single plane) > 0; None = nothing is."""
    plane = pixels[..., 3] if pixels.ndim == 3 else pixels
    rows, columns = np.flatnonzero(plane.any(axis=1)), np.flatnonzero(plane.any(axis=0))
    if not len(rows):
        return None
    return Box.from_edges(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def crop(pixels: np.ndarray, box: Box) -> np.ndarray:
    """A view of what `box` holds."""
    left, top, right, bottom = box.edges
    return pixels[top:bottom, left:right]


def _or_none(difference: np.ndarray) -> Differences | None:
    return difference.astype(np.int16) if difference.any() else None
