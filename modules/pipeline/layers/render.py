"""Documents as pictures: a pure function of sources and parameters, 8 bits after every layer."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import astuple, dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from modules.imaging.geometry import Box, Extent
from modules.imaging.layering import effects as drawing
from modules.imaging.layering.adjusting import adjust_colors
from modules.imaging.layering.compositing import apply_difference, blend
from modules.imaging.layering.placing import meet, place, placed_box, premultiply, straighten
from modules.pipeline.layers.document import Adjustments, Effects, Layer, LayerDocument, Light, Source
from modules.pipeline.layers.render_cache import RenderCache
from modules.pipeline.layers.sources import Sources

Pixels = NDArray[np.uint8]
Differences = NDArray[np.int16]


@dataclass(frozen=True)
class PlacedLayer:
    """What a layer puts on the canvas.

    Attributes:
        box: Where, cut at the canvas; without an extent = nothing shows.
        pixels: (box.height, box.width, 4) uint8 RGBA of straight alpha, opacity not applied; None = only a difference.
        difference: (box.height, box.width, 4) int16, opacity not applied; None = nothing.
    """

    box: Box
    pixels: Pixels | None
    difference: Differences | None


def render(
    document: LayerDocument,
    sources: Sources,
    *,
    only: Collection[str] | None = None,
    box: Box | None = None,
    cache: RenderCache | None = None,
) -> Pixels:
    """Compose the document.

    Args:
        document: What to show.
        sources: Its pixels.
        only: Ids of the layers to show, hidden ones too; None = all visible ones.
        box: The part of the canvas that is wanted; None = all of it.
        cache: Remembers placed layers and the last picture from call to call; the result is the same without it.

    Returns:
        (H, W, 4) uint8 RGBA of straight alpha, of the canvas or the box; the caller's own.

    Raises:
        InvalidImage: A source is missing or damaged.
        ValueError: The box leaves the canvas.
    """
    whole = Box(0, 0, *document.extent.size)
    wanted = whole if box is None else box
    if not wanted.lies_within(document.extent):
        raise ValueError(f"{wanted} leaves the canvas of {document.extent}")
    shown = tuple(layer for layer in document.layers if (layer.is_visible if only is None else layer.id in only))
    if cache is None or wanted != whole or only is not None:
        return _compose(shown, document, sources, wanted, cache)
    return cache.render(shown, document, extent_of, lambda area: _compose(shown, document, sources, area, cache))


def render_alone(document: LayerDocument, sources: Sources, ids: Collection[str], *, cache: RenderCache | None = None) -> Pixels:
    """What a person sees of some layers alone: as `render` with `only`, but mere differences, which show nothing by themselves, on grey."""
    shown = tuple(layer for layer in document.layers if layer.id in ids)
    if not shown or any(layer.source is not None for layer in shown):
        return render(document, sources, only=ids, cache=cache)
    canvas = np.full((*document.extent.shape, 4), 128, np.uint8)
    canvas[..., 3] = 255
    for layer in shown:
        lay(canvas, render_layer(layer, document, sources), layer, document)
    return canvas


def _compose(shown: tuple[Layer, ...], document: LayerDocument, sources: Sources, area: Box, cache: RenderCache | None) -> Pixels:
    canvas = np.zeros((area.height, area.width, 4), np.uint8)
    for layer in shown:
        if layer.opacity <= 0 or meet(extent_of(layer, document), area) is None:
            continue
        placed = render_layer(layer, document, sources) if cache is None else cache.placed(layer, document, sources, render_layer)
        lay(canvas, placed, layer, document, area)
    return canvas


def lay(canvas: Pixels, placed: PlacedLayer, layer: Layer, document: LayerDocument, area: Box | None = None) -> None:
    """Blend a placed layer onto a canvas, in place, and add its difference.

    Args:
        canvas: (h, w, 4) uint8 of the document's canvas, or of `area` of it.
        placed: From `render_layer`.
        layer: Gives blend mode and opacity.
        document: Gives the light.
        area: What part of the canvas it is.
    """
    x, y = (area.x, area.y) if area is not None else (0, 0)
    box = Box(placed.box.x - x, placed.box.y - y, placed.box.width, placed.box.height)
    if placed.pixels is not None:
        blend(canvas, box, placed.pixels, layer.blend, layer.opacity, document.light)
    if placed.difference is not None:
        apply_difference(canvas, box, placed.difference, layer.opacity)


def render_layer(layer: Layer, document: LayerDocument, sources: Sources) -> PlacedLayer:
    """Adjust, place and decorate one layer; pixels are views of the source where nothing changes them."""
    box = extent_of(layer, document)
    if not box.width:
        return PlacedLayer(box, None, None)
    reach = effect_reach(layer.effects)
    near = Box(box.x - reach, box.y - reach, box.width + 2 * reach, box.height + 2 * reach)
    pixels = difference = None
    source = shown_source(layer)
    if source is not None:
        colors = adjust(sources.pixels(source), layer.adjustments)
        pixels = decorate(
            _spread(*place(colors, layer.placement, near, source.density, document.light), near), layer.effects, document.light
        )
        pixels = _cut(pixels, near, box)
    if layer.difference is not None:
        values = sources.difference(layer.difference)
        laid = _spread(*place(values, layer.placement, near, layer.difference.density), near)
        difference = _cut(drawing.blur(laid, layer.effects.blur_px), near, box)
    return PlacedLayer(box, pixels, difference)


def shown_source(layer: Layer) -> Source | None:
    """The source, or the enlarged one where the layer is scaled beyond the pixels of the source."""
    if layer.enlarged is None or layer.source is None:
        return layer.source
    is_beyond = max(layer.placement.scale_x, layer.placement.scale_y) > layer.source.density
    return layer.enlarged if is_beyond else layer.source


def size_of(layer: Layer) -> tuple[float, float]:
    """Width and height at scale 1, canvas px."""
    source = layer.source or layer.difference
    assert source is not None, "a layer has pixels or a difference"
    return source.extent.width / source.density, source.extent.height / source.density


def extent_of(layer: Layer, document: LayerDocument) -> Box:
    """The box, cut at the canvas, outside of which the layer changes nothing, effects included; without an extent = it lies beyond."""
    boxes = [
        placed_box(source.extent, layer.placement, source.density)
        for source in (shown_source(layer), layer.difference)
        if source is not None
    ]
    around = boxes[0] if len(boxes) == 1 else boxes[0].joined(boxes[1])
    reach = effect_reach(layer.effects)
    grown = Box(around.x - reach, around.y - reach, around.width + 2 * reach, around.height + 2 * reach)
    return grown.cut_at(document.extent) or Box(0, 0, 0, 0)


def effect_reach(effects: Effects) -> int:
    """How far effects reach beyond the placed pixels, whole px."""
    reach = drawing.blur_reach(effects.blur_px)
    shadow, stroke = effects.drop_shadow, effects.stroke
    around = math.ceil(stroke.width_px) + 1 if stroke is not None else 0
    if shadow is not None:
        around = max(around, math.ceil(max(abs(shadow.dx), abs(shadow.dy))) + drawing.blur_reach(shadow.blur_px) + 1)
    return reach + around


def decorate(pixels: Pixels, effects: Effects, light: Light) -> Pixels:
    """Blur, then lay an outline and a shadow beneath, in the document's light."""
    if effects == Effects():
        return pixels
    blurred = drawing.blur(pixels, effects.blur_px, light)
    whole = blurred
    if effects.stroke is not None:
        whole = drawing.stack(drawing.stroke(blurred, *astuple(effects.stroke)), whole, light)
    if effects.drop_shadow is not None:
        whole = drawing.stack(drawing.drop_shadow(blurred, *astuple(effects.drop_shadow)), whole, light)
    return whole


def adjust(pixels: Pixels, adjustments: Adjustments) -> Pixels:
    """Change colours as a layer says; the same pixels where it says nothing."""
    if adjustments == Adjustments():
        return pixels
    return adjust_colors(pixels, **{name: getattr(adjustments, name) for name in adjustments.__dataclass_fields__})


def thumbnail(layer: Layer, document: LayerDocument, sources: Sources, max_side: int = 128) -> Pixels:
    """A small picture of a layer as it is, adjusted but not placed.

    Args:
        layer: As for `own_pixels`.
        document: The layer's.
        sources: Its pixels.
        max_side: Longest side, px; smaller layers are not enlarged.

    Returns:
        (h, w, 4) uint8 RGBA.
    """
    return shrink_to(own_pixels(layer, sources), max_side)


def own_pixels(layer: Layer, sources: Sources) -> Pixels:
    """(h, w, 4) uint8 RGBA of a layer's source, adjusted but not placed; a mere difference is shown on grey, four times as strong."""
    if layer.source is not None:
        return adjust(sources.pixels(layer.source), layer.adjustments)
    assert layer.difference is not None, "a layer has pixels or a difference"
    pixels = np.clip(128 + 4 * sources.difference(layer.difference).astype(np.int32), 0, 255).astype(np.uint8)
    pixels[..., 3] = 255
    return pixels


def shrink_to(pixels: Pixels, max_side: int) -> Pixels:
    """At most `max_side` px on the longest side, averaged over areas; new pixels."""
    height, width = pixels.shape[:2]
    share = max_side / max(height, width)
    if share >= 1:
        return pixels.copy()
    size = Extent(max(1, round(width * share)), max(1, round(height * share)))
    if (pixels[..., 3] == 255).all():
        return cast(Pixels, cv2.resize(pixels, size.size, interpolation=cv2.INTER_AREA))
    return straighten(cv2.resize(premultiply(pixels), size.size, interpolation=cv2.INTER_AREA))


def _spread(laid: Box, values: NDArray, area: Box) -> NDArray:
    """Values that lie in `laid`, on zeros where the area goes beyond."""
    if laid == area:
        return values
    whole = np.zeros((area.height, area.width, 4), values.dtype)
    x, y = laid.x - area.x, laid.y - area.y
    whole[y : y + laid.height, x : x + laid.width] = values
    return whole


def _cut(values: NDArray, area: Box, box: Box) -> NDArray:
    x, y = box.x - area.x, box.y - area.y
    return values[y : y + box.height, x : x + box.width]
