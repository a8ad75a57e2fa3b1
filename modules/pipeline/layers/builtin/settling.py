"""Settling what was lifted into parts that compose to exactly the picture.

The stack is peeled from the top: after part k was lifted off picture T_k, T_(k-1) is left, and the part's difference is T_k less what
blending the part onto T_(k-1) gives. Every prefix of the stack is an 8-bit picture, so composing repeats each step to the bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from modules.imaging.geometry import Box
from modules.imaging.layering.blend_mode import BlendMode, Light
from modules.imaging.layering.compositing import SHARES, apply_difference, blend, decode
from modules.pipeline.layers.decomposing import Differences, Part, Pixels
from modules.pipeline.layers.document import LayerKind, TextAttributes

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
        self.picture, self.left = picture, picture.copy()
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
        at: Box | None = None,
        mode: BlendMode = BlendMode.NORMAL,
        confidence: float = 1.0,
        text: TextAttributes | None = None,
    ) -> int | None:
        """Take one part off.

        Args:
            pixels: (h, w, 4) uint8 RGBA, the part, over the box `at` (None: over the whole picture).
            below: (h, w, 3 or 4) uint8, what is left there without it; only looked at where the part covers.

        Returns:
            The part's number, for `link`; None = it shows nothing, and was not taken off.
        """
        tight = covered_box(pixels)
        if tight is None:
            return None
        box = tight if at is None else Box(tight.x + at.x, tight.y + at.y, tight.width, tight.height)
        part, here = crop(pixels, tight), crop(self.left, box)
        rest = here.copy()
        covers = part[..., 3] > 0
        rest[..., : below.shape[2]][covers] = crop(below, tight)[covers]
        part = np.where(covers[..., None], part, 0).astype(np.uint8)
        if self.light is Light.LINEAR and mode is BlendMode.NORMAL:
            part[..., 3] = _alpha_in_linear_light(here, part, rest)
        difference = here.astype(np.int16) - _blended(rest, part, mode, self.light)
        here[:] = rest
        return self._add(Part(kind, name, box, part, _or_none(difference), mode, confidence, text))

    def lift_detail(self, name: str, smooth: Pixels, confidence: float = 1.0) -> int | None:
        """Take fine detail off: what is left is `smooth` (H, W, 4) uint8."""
        difference = self.left.astype(np.int16) - smooth
        box = covered_box(np.abs(difference).max(axis=2).astype(np.uint8))
        if box is None:
            return None
        self.left = smooth.copy()
        return self._add(Part(LayerKind.TEXTURE, name, box, None, crop(difference, box).copy(), confidence=confidence))

    def adopt(self, parts: Sequence[Part], beneath: Pixels) -> None:
        """Take parts off as they were already found: bottom first, `beneath` (H, W, 4) uint8 is what is left without them."""
        canvas, uncovered = beneath.copy(), []
        for part in parts:
            uncovered.append(crop(canvas, part.box).copy())
            _put(canvas, part, Light.SRGB)
        for part, below in zip(reversed(parts), reversed(uncovered), strict=True):
            assert part.pixels is not None
            self.lift(part.kind, part.name, part.pixels, below, at=part.box, mode=part.blend, confidence=part.confidence, text=part.text)

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
        hidden = self.left.astype(np.int16) - _blended(np.zeros_like(self.left), self.left, BlendMode.NORMAL, self.light)
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
        _put(canvas, part, light)
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


def _put(canvas: Pixels, part: Part, light: Light) -> None:
    if part.pixels is not None:
        blend(canvas, part.box, part.pixels, part.blend, light=light)
    if part.difference is not None:
        apply_difference(canvas, part.box, part.difference)


def _blended(below: Pixels, pixels: Pixels, mode: BlendMode, light: Light) -> Pixels:
    result = below.copy()
    blend(result, Box(0, 0, below.shape[1], below.shape[0]), pixels, mode, light=light)
    return result


def _alpha_in_linear_light(seen: Pixels, part: Pixels, below: Pixels) -> Pixels:
    """The alpha with which the part's colour gives what is seen, if light is mixed; where it was 0 or 255 it stays."""
    above, under = decode(part[..., :3], Light.LINEAR), decode(below[..., :3], Light.LINEAR)
    reach = above - under
    power = (reach * reach).sum(axis=2)
    share = ((decode(seen[..., :3], Light.LINEAR) - under) * reach).sum(axis=2) / np.maximum(power, 1e-6)
    soft = (part[..., 3] > 0) & (part[..., 3] < 255) & (power > 1e-4)
    solved = np.where(soft, np.clip(share, SHARES[1], 1), SHARES[part[..., 3]])
    return np.floor(solved * 255 + 0.5).astype(np.uint8)


def _or_none(difference: np.ndarray) -> Differences | None:
    return difference.astype(np.int16) if difference.any() else None
