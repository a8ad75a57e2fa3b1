"""One layer out to be repainted, and back: the picture and mask that inpainting wants, and the layer made of what it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from modules.base.errors import InvalidRequest
from modules.imaging.geometry import Box
from modules.imaging.layering.blend_mode import BlendMode
from modules.imaging.layering.placement import Placement
from modules.imaging.layering.placing import meet, place, placed_box
from modules.pipeline.layers.document import Adjustments, Effects, Layer, LayerDocument, TextAttributes
from modules.pipeline.layers.render import adjust, render, render_layer, shown_source
from modules.pipeline.layers.rewriting import find_layer, surroundings, with_layer
from modules.pipeline.layers.sources import Sources

Pixels = NDArray[np.uint8]
Differences = NDArray[np.int16]
Mask = NDArray[np.float32]
Rematte = Callable[[Pixels, Pixels], tuple[Mask, Pixels]]
"""(RGB picture, coarse mask uint8) -> (alpha float32 in [0, 1], RGB colour without what lies behind), as `refine_alpha` of
`imaging.lifting.matting`."""

MAX_GROWTH_PX = 256
SOLVABLE = 0.25
"""Alpha below which a colour cannot be told from what lies behind it; such pixels take the nearest that can."""


@dataclass(frozen=True)
class RepaintPicture:
    """What inpainting gets.

    Attributes:
        picture: (H, W, 3) uint8 of the canvas: the layer on what lies below it; what lies above is left out.
        mask: (H, W) float32 in [0, 1]; 1 = repaint: the layer's alpha, grown where asked, within the person's own mask.
        box: Around the mask, canvas px.
    """

    picture: Pixels
    mask: Mask
    box: Box


def repaint_request(
    document: LayerDocument, layer_id: str, sources: Sources, *, mask: Mask | None = None, grow_px: int = 0
) -> RepaintPicture:
    """What to repaint for one layer.

    Args:
        mask: (H, W) float32 of the canvas, 1 = repaint: only there, within the layer; None = all of it.
        grow_px: Room around the layer's alpha, for when its shape is found again afterwards.

    Raises:
        InvalidRequest: No such layer, locked, without visible pixels, or one that is not mixed normally; a mask of another size.
    """
    layer = _plain(find_layer(document, layer_id))
    if not 0 <= grow_px <= MAX_GROWTH_PX:
        raise InvalidRequest("grow_px", grow_px, f"0 to {MAX_GROWTH_PX}")
    canvas, alpha, _ = _layers_below(document, layer, sources)
    wanted = _area(alpha, mask, grow_px)
    box = _around(wanted)
    if box is None:
        raise InvalidRequest("mask", "nothing", "a mask that meets the visible part of the layer")
    return RepaintPicture(_flat(canvas), wanted, box)


def take_repainted(
    document: LayerDocument,
    layer_id: str,
    picture: Pixels,
    sources: Sources,
    *,
    mask: Mask | None = None,
    grow_px: int = 0,
    rematte: Rematte | None = None,
) -> LayerDocument:
    """Take the repainted colours into the layer; no other layer changes, and where the mask is 0 this one does not either.

    Args:
        picture: (H, W, 3) uint8 of the canvas's size: what came of `RepaintPicture.picture`.
        mask, grow_px: As they were for `repaint_request`.
        rematte: Finds the layer's shape in the new picture; None = its alpha is kept.

    Returns:
        The document. Where the layer lay pixel by pixel it stays so; one that was scaled or turned now lies as it is shown.

    Raises:
        InvalidRequest: As for `repaint_request`; a picture of another size.
    """
    layer = _plain(find_layer(document, layer_id))
    if picture.shape != (*document.extent.shape, 3):
        raise InvalidRequest("picture", f"{picture.shape[1]}x{picture.shape[0]}", "a picture of {}x{} px".format(*document.extent.size))
    _, alpha, backing = _layers_below(document, layer, sources)
    wanted = _area(alpha, mask, grow_px)
    if not wanted.any():
        raise InvalidRequest("mask", "nothing", "a mask that meets the visible part of the layer")
    if rematte is not None:
        return _rematted(document, layer, picture, wanted, alpha, rematte, sources)
    return _recoloured(document, layer, picture, wanted, backing, sources)


def _plain(layer: Layer) -> Layer:
    """The layer as it is repainted: opaque, without effects.

    Raises:
        InvalidRequest: It cannot be repainted.
    """
    if layer.source is None:
        raise InvalidRequest("layer", layer.name, "a layer with pixels (this one only holds a difference)")
    if layer.blend is not BlendMode.NORMAL:
        raise InvalidRequest("layer", f"{layer.name}: {layer.blend.value}", "a layer that is mixed normally")
    return replace(layer, opacity=1.0, effects=Effects(), is_visible=True)


def _layers_below(document: LayerDocument, layer: Layer, sources: Sources) -> tuple[Pixels, Mask, Pixels]:
    """The canvas with the layer on top, the layer's alpha there, and the canvas without it."""
    place = next(place for place, other in enumerate(document.layers) if other.id == layer.id)
    below = replace(document, layers=document.layers[:place])
    backing = render(below, sources)
    canvas = render(replace(document, layers=(*below.layers, layer)), sources)
    placed = render_layer(layer, document, sources)
    alpha = np.zeros(document.extent.shape, np.float32)
    if placed.pixels is not None:
        alpha[_at(placed.box)] = placed.pixels[..., 3].astype(np.float32) / 255
    return canvas, alpha, backing


def _area(alpha: Mask, mask: Mask | None, grow_px: int) -> Mask:
    if mask is not None and mask.shape != alpha.shape:
        raise InvalidRequest("mask", f"{mask.shape[1]}x{mask.shape[0]}", f"{alpha.shape[1]}x{alpha.shape[0]}, as the canvas")
    if grow_px:
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * grow_px + 1, 2 * grow_px + 1))
        alpha = cv2.dilate(alpha, disc)
    return alpha if mask is None else np.minimum(alpha, mask)


def _flat(canvas: Pixels) -> Pixels:
    """RGB over grey where the canvas itself is see-through."""
    share = canvas[..., 3:].astype(np.float32) / 255
    return np.floor(canvas[..., :3] * share + 127 * (1 - share) + 0.5).astype(np.uint8)


def _at(box: Box) -> tuple[slice, slice]:
    return slice(box.y, box.y + box.height), slice(box.x, box.x + box.width)


def _recoloured(document: LayerDocument, layer: Layer, picture: Pixels, wanted: Mask, backing: Pixels, sources: Sources) -> LayerDocument:
    """The alpha as it was; colours such that the layer over what lies below is the new picture."""
    box, old, difference = _laid(layer, document, sources)
    inside = box.cut_at(document.extent)
    assert inside is not None, "the mask met the layer"
    here, there = _at(inside), _within(inside, box)
    fresh, alpha = old.copy(), old[there][..., 3]
    chosen = ((wanted[here] > 0) & (alpha > 0))[..., None]
    colors = _solve(picture[here], _flat(backing)[here], alpha)
    # A person's soft mask mixes old and new; the layer's own alpha is no such mask.
    share = np.clip(wanted[here] / np.maximum(alpha.astype(np.float32) / 255, 1e-6), 0, 1)[..., None]
    mixed = np.floor(old[there][..., :3] * (1 - share) + colors * share + 0.5)
    fresh[..., :3][there] = np.where(chosen, mixed, old[there][..., :3])
    if difference is not None:
        difference[there] = np.where(chosen, 0, difference[there])
    return _with_pixels(document, layer, box, fresh, difference, sources)


def _laid(layer: Layer, document: LayerDocument, sources: Sources) -> tuple[Box, Pixels, Differences | None]:
    """The layer's pixels and difference as they lie on the canvas, also beyond it; on the canvas the very bytes that are rendered."""
    assert layer.source is not None
    source = shown_source(layer) or layer.source
    whole = meet(placed_box(source.extent, layer.placement, source.density), surroundings(document.extent))
    assert whole is not None, "the mask met the layer"
    box, pixels = place(adjust(sources.pixels(source), layer.adjustments), layer.placement, whole, source.density)
    pixels, difference = pixels.copy(), None
    if layer.difference is not None:
        laid, part = place(sources.difference(layer.difference), layer.placement, whole, layer.difference.density)
        difference = np.zeros((*box.extent.shape, 4), np.int16)
        difference[_within(laid, box)] = part
    placed = render_layer(layer, document, sources)
    shown = meet(placed.box, box)
    if shown is not None and placed.pixels is not None:
        there = _within(shown, box)
        here = _within(shown, placed.box)
        pixels[there] = placed.pixels[here]
        if difference is not None and placed.difference is not None:
            difference[there] = placed.difference[here]
    return box, pixels, difference


def _with_pixels(
    document: LayerDocument, layer: Layer, box: Box, pixels: Pixels, difference: Differences | None, sources: Sources
) -> LayerDocument:
    """The layer as these pixels, where they lie."""
    original = find_layer(document, layer.id)
    changed = replace(
        original,
        source=sources.add_pixels(np.ascontiguousarray(pixels)),
        difference=sources.add_difference(difference) if difference is not None and difference.any() else None,
        enlarged=None,
        placement=Placement(left=float(box.x), top=float(box.y)),
        adjustments=Adjustments(),
        text=_untyped(original),
        members=(),
    )
    return with_layer(document, changed)


def _untyped(layer: Layer) -> TextAttributes | None:
    """A painted text is no set text any more."""
    return None if layer.text is None else replace(layer.text, is_typeset=False)


def _solve(picture: Pixels, backing: Pixels, alpha: Pixels) -> NDArray[np.float32]:
    """Colours C with alpha * C + (1 - alpha) * backing = picture; where alpha is too low for that, the nearest one's."""
    share = (alpha.astype(np.float32) / 255)[..., None]
    solved = (picture - (1 - share) * backing.astype(np.float32)) / np.maximum(share, SOLVABLE)
    colors = np.clip(solved, 0, 255).astype(np.float32)
    weak = (alpha < SOLVABLE * 255).astype(np.uint8)
    if weak.any() and not weak.all():
        _, labels = cv2.distanceTransformWithLabels(weak, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
        table = np.zeros((labels.max() + 1, 3), np.float32)
        table[labels[weak == 0]] = colors[weak == 0]
        colors = table[labels]
    return colors


def _rematted(
    document: LayerDocument, layer: Layer, picture: Pixels, wanted: Mask, alpha: Mask, rematte: Rematte, sources: Sources
) -> LayerDocument:
    """Shape and colour found again where the mask was; elsewhere as they were."""
    coarse = np.floor(np.maximum(alpha, wanted) * 255 + 0.5).astype(np.uint8)
    found, colors = rematte(picture, coarse)
    found = np.where(wanted > 0, found, alpha).astype(np.float32)
    laid, old, old_difference = _laid(layer, document, sources)
    shape = _around(found)
    box = laid if shape is None else laid.joined(shape)
    fresh, difference = np.zeros((*box.extent.shape, 4), np.uint8), np.zeros((*box.extent.shape, 4), np.int16)
    fresh[_within(laid, box)] = old
    if old_difference is not None:
        difference[_within(laid, box)] = old_difference
    inside = box.cut_at(document.extent)
    assert inside is not None, "the mask met the layer"
    here, there = _at(inside), _within(inside, box)
    chosen = (wanted[here] > 0)[..., None]
    new = np.dstack([colors, np.floor(np.clip(found, 0, 1) * 255 + 0.5).astype(np.uint8)])[here]
    fresh[there] = np.where(chosen, new, fresh[there])
    difference[there] = np.where(chosen, 0, difference[there])
    fresh[fresh[..., 3] == 0] = 0
    if not fresh.any():
        raise InvalidRequest("picture", "no shape", "a picture in which the layer's shape can be found; or keep its alpha")
    return _with_pixels(document, layer, box, fresh, difference, sources)


def _within(inner: Box, outer: Box) -> tuple[slice, slice]:
    return _at(Box(inner.x - outer.x, inner.y - outer.y, inner.width, inner.height))


def _around(values: NDArray[Any]) -> Box | None:
    """The box around what is not 0."""
    rows, columns = np.nonzero(values.any(axis=1))[0], np.nonzero(values.any(axis=0))[0]
    return Box.from_edges(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1) if len(rows) else None
