"""The same layers on a canvas of another size: what lies behind covers it, what stands before keeps together and stays whole."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from modules.base.errors import InvalidRequest
from modules.base.registry import load_dotted
from modules.imaging.geometry import Extent
from modules.pipeline.layers.document import Effects, Layer, LayerDocument, LayerKind

BEHIND = (LayerKind.BACKGROUND, LayerKind.TEXTURE)
MAX_SIDE_PX, MAX_SHARE = 16384, 16.0
MAX_SIZES = 50
_SIZE = re.compile(r"(\d{1,5})\s*[xX×*]\s*(\d{1,5})")
_SHARE = re.compile(r"(\d{1,4}(?:\.\d+)?)\s*%")


def read_sizes(texts: Sequence[str], own: Extent, field: str = "sizes") -> list[Extent]:
    """Canvas sizes: "1080x1350" in px, "50%" of the document's; several in one text are parted by ";" or "," or spaces.

    Args:
        own: The document's size, which is also meant where there is no text.

    Raises:
        InvalidRequest: No size, out of range, or too many.
    """
    found: list[Extent] = []
    for text in texts:
        found += [_read_size(part, own, field) for part in re.split(r"[;,，；]+|(?<=[\d%])\s+(?=\d)", text.strip()) if part.strip()]
    unique = list(dict.fromkeys(found)) or [own]
    if len(unique) > MAX_SIZES:
        raise InvalidRequest(field, len(unique), f"at most {MAX_SIZES} sizes")
    return unique


def _read_size(text: str, own: Extent, field: str) -> Extent:
    wanted = f'a size such as "1080x1350" or "50%", at most {MAX_SIDE_PX} px a side'
    size, share = _SIZE.fullmatch(text.strip()), _SHARE.fullmatch(text.strip())
    if size:
        width, height = int(size[1]), int(size[2])
    elif share and 0 < float(share[1]) <= 100 * MAX_SHARE:
        width, height = (max(1, round(side * float(share[1]) / 100)) for side in own.size)
    else:
        raise InvalidRequest(field, text, wanted)
    if not (1 <= width <= MAX_SIDE_PX and 1 <= height <= MAX_SIDE_PX):
        raise InvalidRequest(field, text, wanted)
    return Extent(width, height)


def fit_document(document: LayerDocument, extent: Extent) -> LayerDocument:
    """The document on a canvas of `extent`: background and texture scaled to cover it, everything else to fit in as one group.

    Both about the canvas's middle; effects grow along. In the old aspect all is one scaling; in the old size nothing changes.
    """
    if extent == document.extent:
        return document
    ratios = [new / old for new, old in zip(extent.size, document.extent.size, strict=True)]
    layers = [_scaled(layer, max(ratios) if layer.kind in BEHIND else min(ratios), document.extent, extent) for layer in document.layers]
    return replace(document, extent=extent, layers=tuple(layers))


def _scaled(layer: Layer, share: float, old: Extent, new: Extent) -> Layer:
    size_of: Any = load_dotted("modules.pipeline.layers.render:size_of")
    width, height = size_of(layer)
    placement = layer.placement
    x, y = placement.middle((width, height))
    x, y = (x - old.width / 2) * share + new.width / 2, (y - old.height / 2) * share + new.height / 2
    placement = replace(
        placement,
        left=x - width / 2,
        top=y - height / 2,
        scale_x=placement.scale_x * share,
        scale_y=placement.scale_y * share,
    )
    return replace(layer, placement=placement, effects=_scaled_effects(layer.effects, share))


def _scaled_effects(effects: Effects, share: float) -> Effects:
    shadow, stroke = effects.drop_shadow, effects.stroke
    if shadow is not None:
        shadow = replace(shadow, dx=shadow.dx * share, dy=shadow.dy * share, blur_px=shadow.blur_px * share)
    if stroke is not None:
        stroke = replace(stroke, width_px=stroke.width_px * share)
    return replace(effects, drop_shadow=shadow, stroke=stroke, blur_px=effects.blur_px * share)
