"""Shadows drawn anew: out of the caster's shape, for a direction and height of the light."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from modules.base.errors import InvalidRequest
from modules.imaging.geometry import Box
from modules.imaging.layering.blend_mode import BlendMode
from modules.imaging.layering.compositing import decode, encode
from modules.imaging.layering.placement import Placement
from modules.imaging.layering.placing import meet, place, placed_box
from modules.pipeline.layers.building import new_layer_id
from modules.pipeline.layers.checks import check_document
from modules.pipeline.layers.document import Layer, LayerDocument, LayerKind, Light
from modules.pipeline.layers.naming import free_name
from modules.pipeline.layers.render import shown_source
from modules.pipeline.layers.rewriting import find_layer, surroundings, with_layer
from modules.pipeline.layers.sources import Sources

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]

Color = tuple[int, int, int]

DARKEST: Color = (117, 117, 128)
"""What a new shadow multiplies with: daylight's shadows are a little blue."""
FORESHORTENING = 0.5
"""How much shorter lengths on the ground towards the viewer look."""
MIN_LENGTH, MAX_LENGTH = 0.15, 3.0
"""Of a shadow on the ground, in heights of the caster."""
MIN_DEPTH = 0.1
LIFT = 0.06
"""How far a floating layer hangs above what it shades, in shorter sides of its box."""
BANDS = 5
VISIBLE = 16
FINE_SIGMA = 10
"""Px of a blur's deviation that are enough to draw it: seen larger it differs by less than a step of eight bits."""


class ShadowStyle(Enum):
    """How a caster stands to what it shades."""

    GROUND = "ground"
    FLOATING = "floating"


@dataclass(frozen=True)
class Sun:
    """The light of a document.

    Attributes:
        from_deg: Where it comes from, clockwise from the top of the canvas.
        height_deg: Above the canvas's plane (or the ground), more than 0 to 90.
    """

    from_deg: float
    height_deg: float

    @property
    def away(self) -> tuple[float, float]:
        """Where shadows point, (x, y) of length 1, y down."""
        angle = math.radians(self.from_deg)
        return -math.sin(angle), math.cos(angle)

    @property
    def length(self) -> float:
        """Of a shadow, in heights of what throws it."""
        return 1 / math.tan(math.radians(min(max(self.height_deg, 1.0), 89.99)))


def recompute_shadow(
    document: LayerDocument,
    caster_id: str,
    sources: Sources,
    *,
    light_from_deg: float | None = None,
    light_height_deg: float | None = None,
    style: ShadowStyle | None = None,
    softness: float = 1.0,
) -> LayerDocument:
    """Draw the shadow of a layer for the document's light. It keeps the darkness and tint of the one that it takes the place of.

    Args:
        caster_id: The layer that throws it, or one of its shadows.
        light_from_deg: Sets the document's light first; None = as it is.
        light_height_deg: Likewise.
        style: None = on the ground for subjects whose foot is in the picture, floating for everything else.
        softness: 0 sharp, 1 as in daylight, up to 5.

    Returns:
        The document with one soft MULTIPLY layer right below the caster, which follows it. Layers that were its shadows are gone.

    Raises:
        InvalidRequest: No such layer, a locked shadow, a layer without a shape, or a value out of range.
    """
    if not 0 <= softness <= 5:
        raise InvalidRequest("softness", softness, "0 to 5")
    document = _lit(document, light_from_deg, light_height_deg)
    caster = find_layer(document, caster_id, must_change=False)
    if caster.kind is LayerKind.SHADOW and caster.follows:
        caster = find_layer(document, caster.follows, must_change=False)
    old = [layer for layer in document.layers if layer.follows == caster.id and layer.kind is LayerKind.SHADOW]
    for layer in old:
        find_layer(document, layer.id)
    box, alpha = _shape(caster, document, sources)
    shows_foot = box.y + box.height < document.extent.height
    is_standing = style is ShadowStyle.GROUND if style else caster.kind is LayerKind.SUBJECT and shows_foot
    sun = Sun(document.light_from_deg, document.light_height_deg)
    near, cover = (_on_ground if is_standing else _floating)(alpha, box, sun, softness, document)
    pixels = np.empty((*cover.shape, 4), np.uint8)
    pixels[..., :3] = _darkest(old[0], document.light, sources) if old else DARKEST
    pixels[..., 3] = np.floor(np.clip(cover, 0, 1) * 255 + 0.5)
    pixels[pixels[..., 3] == 0] = 0
    return _with_shadow(document, caster, old, near, pixels, sources)


def relight(
    document: LayerDocument, sources: Sources, light_from_deg: float | None = None, light_height_deg: float | None = None
) -> LayerDocument:
    """Set the document's light, and draw the shadows anew of all layers that have one; locked ones stay.

    Raises:
        InvalidRequest: A value out of range.
    """
    document = _lit(document, light_from_deg, light_height_deg)
    shadows = [layer for layer in document.layers if layer.kind is LayerKind.SHADOW and layer.follows]
    held = {layer.follows for layer in shadows if layer.is_locked}
    for caster in dict.fromkeys(layer.follows for layer in shadows):
        if caster not in held:
            document = recompute_shadow(document, caster, sources)
    return document


def _lit(document: LayerDocument, from_deg: float | None, height_deg: float | None) -> LayerDocument:
    document = document if from_deg is None else replace(document, light_from_deg=float(from_deg))
    document = document if height_deg is None else replace(document, light_height_deg=float(height_deg))
    check_document(document)
    return document


def _shape(caster: Layer, document: LayerDocument, sources: Sources) -> tuple[Box, Floats]:
    """The caster's alpha as it lies on the canvas, also beyond it, cut to what is visible."""
    source = shown_source(caster)
    if source is None:
        raise InvalidRequest("layer", caster.name, "a layer with pixels (this one only holds a difference)")
    whole = meet(placed_box(source.extent, caster.placement, source.density), surroundings(document.extent))
    alpha = np.zeros((0, 0), np.uint8)
    if whole is not None:
        whole, pixels = place(sources.pixels(source), caster.placement, whole, source.density)
        alpha = pixels[..., 3]
    seen = alpha > VISIBLE
    rows, columns = np.nonzero(seen.any(axis=1))[0], np.nonzero(seen.any(axis=0))[0]
    if whole is None or not len(rows):
        raise InvalidRequest("layer", caster.name, "a layer of which something is visible")
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    shape = alpha[top:bottom, left:right].astype(np.float32) / np.float32(255)
    return Box.from_edges(whole.x + left, whole.y + top, whole.x + right, whole.y + bottom), shape


def _on_ground(alpha: Floats, box: Box, sun: Sun, softness: float, document: LayerDocument) -> tuple[Box, Floats]:
    """The shape laid down on the ground about its lower edge; softer and lighter the farther it lies from what throws it."""
    length = min(max(sun.length, MIN_LENGTH), MAX_LENGTH)
    across, depth = sun.away[0] * length, sun.away[1] * length * FORESHORTENING
    depth = math.copysign(max(abs(depth), MIN_DEPTH), depth)
    base = box.height * 0.98  # a little above the lower edge, so that no line of light shows between
    matrix = np.array([[1, -across, across * base], [0, -depth, base * (1 + depth)]])
    widest = 1 + 0.07 * softness * box.height * length
    near = _reached(matrix, box, 3 * widest, document)
    matrix[:, 2] += (box.x - near.x, box.y - near.y)
    matrix[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5  # OpenCV counts from the middles of pixels
    heights = np.clip(1 - np.arange(box.height, dtype=np.float32) / max(base, 1), 0, 1)[:, None]
    cover = np.zeros(near.extent.shape, np.float32)
    for band in range(BANDS):
        far = band / (BANDS - 1)
        share = np.clip(1 - np.abs(heights - far) * (BANDS - 1), 0, 1) * (1 - 0.4 * heights)
        laid = cv2.warpAffine(alpha * share, matrix, near.extent.size, flags=cv2.INTER_LINEAR)
        cover += _soften(laid, (0.6 + (widest - 1) * far) if softness else 0)
    return near, cover


def _floating(alpha: Floats, box: Box, sun: Sun, softness: float, document: LayerDocument) -> tuple[Box, Floats]:
    """The shape moved away from the light."""
    lift = LIFT * min(box.width, box.height)
    away = lift * min(sun.length, MAX_LENGTH)
    matrix = np.array([[1, 0, sun.away[0] * away], [0, 1, sun.away[1] * away]])
    sigma = 0.35 * softness * lift
    near = _reached(matrix, box, 3 * sigma, document)
    matrix[:, 2] += (box.x - near.x, box.y - near.y)
    return near, _soften(cv2.warpAffine(alpha, matrix, near.extent.size, flags=cv2.INTER_LINEAR), sigma)


def _reached(matrix: NDArray[np.float64], box: Box, around: float, document: LayerDocument) -> Box:
    corners = np.array([[0, 0, 1], [box.width, 0, 1], [0, box.height, 1], [box.width, box.height, 1]]) @ matrix.T
    low, high = np.floor(corners.min(axis=0) - around), np.ceil(corners.max(axis=0) + around)
    reached = Box.from_edges(int(low[0]) + box.x, int(low[1]) + box.y, int(high[0]) + box.x, int(high[1]) + box.y)
    cut = meet(reached, surroundings(document.extent))
    if cut is None:
        raise InvalidRequest("layer", reached.edges, "a caster near the canvas")
    return cut


def _soften(cover: Floats, sigma: float) -> Floats:
    """Wide blurs are made small: at full size their time grows with the width, to minutes for a large photo."""
    share = max(1, int(sigma / FINE_SIGMA))
    if sigma <= 0.1:
        return cover
    if share == 1:
        return cv2.GaussianBlur(cover, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    height, width = cover.shape
    small = cv2.resize(cover, (-(-width // share), -(-height // share)), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), sigma / share, borderType=cv2.BORDER_CONSTANT)
    return cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)


def _darkest(shadow: Layer, light: Light, sources: Sources) -> Color:
    """The colour that darkens as a shadow does where it is darkest; where nothing is to be seen of it, `DARKEST`."""
    if shadow.source is None:
        return DARKEST
    pixels = sources.pixels(shadow.source)
    seen = pixels[pixels[..., 3] > 0]
    if not len(seen):
        return DARKEST
    if shadow.confidence is None:  # drawn before: one colour, its alpha is only the cover
        return _color(np.floor(seen[:, :3].mean(axis=0) + 0.5))
    left = 1 - seen[:, 3:].astype(np.float32) / 255 * (1 - decode(seen[:, :3], light))
    brightness = left.mean(axis=1)
    dark = brightness[brightness < 0.97]
    if dark.size < 16:
        return DARKEST
    return _color(encode(left[brightness <= np.percentile(dark, 10)].mean(axis=0), light))


def _color(values: NDArray[Any]) -> Color:
    red, green, blue = values
    return int(red), int(green), int(blue)


def _with_shadow(document: LayerDocument, caster: Layer, old: list[Layer], near: Box, pixels: Pixels, sources: Sources) -> LayerDocument:
    if document.is_canvas_locked:  # all layers keep the canvas's own coordinates
        whole = np.zeros((*document.extent.shape, 4), np.uint8)
        if (seen := near.cut_at(document.extent)) is not None:
            inside = np.s_[seen.y - near.y : seen.y - near.y + seen.height, seen.x - near.x : seen.x - near.x + seen.width]
            whole[seen.y : seen.y + seen.height, seen.x : seen.x + seen.width] = pixels[inside]
        near, pixels = Box(0, 0, *document.extent.size), whole
    source, placement = sources.add_pixels(pixels), Placement(left=float(near.x), top=float(near.y))
    if old:
        fresh = replace(old[0], source=source, difference=None, enlarged=None, placement=placement, members=(), confidence=None)
        gone = {layer.id for layer in old[1:]}
        document = with_layer(document, replace(fresh, blend=BlendMode.MULTIPLY))
        return replace(document, layers=tuple(layer for layer in document.layers if layer.id not in gone))
    name = free_name(f"shadow of {caster.name}"[:100], [layer.name for layer in document.layers])
    kind, blend = LayerKind.SHADOW, BlendMode.MULTIPLY
    shadow = Layer(new_layer_id(), name, kind, source, placement=placement, blend=blend, follows=caster.id)
    below = document.layers.index(caster)
    return replace(document, layers=(*document.layers[:below], shadow, *document.layers[below:]))
