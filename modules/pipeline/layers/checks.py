"""What a document must be, whoever wrote it."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator

from modules.base.errors import InvalidRequest
from modules.imaging.layering.placement import Placement
from modules.imaging.picture import MAX_PIXELS
from modules.pipeline.layers.document import Adjustments, Effects, Layer, LayerDocument, Source, TextAttributes

MAX_LAYERS = 1000
MAX_MERGES = 64
"""How often merged layers may be merged again."""
MAX_MADE_BY = 1 << 18
"""Characters of JSON."""
MAX_SIDE_PX = 30_000
MAX_OFFSET_PX = 1_000_000.0
MIN_SCALE, MAX_SCALE = 1e-3, 1e3
MAX_REACH_PX = 250.0
"""With it the largest canvas and its surroundings stay below the 32,767 px a side that OpenCV resamples."""
MAX_CHARACTERS = 10_000
MAX_NAME = 500
MAX_NOTES = 100
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_SHA = re.compile(r"[0-9a-f]{64}")


def check_document(document: LayerDocument) -> None:
    """Raises:
    InvalidRequest: A value out of range, an id twice, a layer that follows nobody or itself; the error names the field.
    """
    check_extent("extent", document.extent.width, document.extent.height)
    if _merges(document.layers) > MAX_MERGES:
        wanted = f"at most {MAX_MERGES} merges one within another: part the merged layer, and merge all its members at once"
        raise InvalidRequest("layers", "merged layers within merged layers", wanted)
    everything = list(all_layers(document.layers))
    if len(everything) > MAX_LAYERS:
        raise InvalidRequest("layers", f"{len(everything)} layers", f"at most {MAX_LAYERS}")
    ids: set[str] = set()
    for layer in everything:
        if layer.id in ids:
            raise InvalidRequest("layers", layer.id, "ids that stand for one layer each")
        ids.add(layer.id)
        check_layer(layer)
    _within("light_height_deg", document.light_height_deg, 0, 90)
    _within("light_from_deg", document.light_from_deg, -360, 360)
    _check_followers(document)
    _check_name("name", document.name)
    if not _ID.fullmatch(document.id):
        raise InvalidRequest("id", document.id, "an id of letters and digits")
    _check_made_by(document)


def all_layers(layers: tuple[Layer, ...]) -> Iterator[Layer]:
    """The layers, and those that they were merged from."""
    for layer in layers:
        yield layer
        yield from all_layers(layer.members)


def _merges(layers: tuple[Layer, ...]) -> int:
    return max((1 + _merges(layer.members) for layer in layers if layer.members), default=0)


def _check_made_by(document: LayerDocument) -> None:
    try:
        text = json.dumps(document.made_by, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise InvalidRequest("made_by", type(document.made_by).__name__, "values that JSON has") from None
    if len(text) > MAX_MADE_BY or _has_halves(document.made_by):
        raise InvalidRequest("made_by", f"{len(text)} characters", f"whole text of at most {MAX_MADE_BY} characters in JSON")


def _has_halves(value: object) -> bool:
    """Whether there is half a surrogate pair somewhere, which no file can hold."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def check_layer(layer: Layer) -> None:
    """Raises:
    InvalidRequest: A value out of range; the error names it as `layer.field`.
    """
    if not _ID.fullmatch(layer.id):
        raise InvalidRequest("layer.id", layer.id, "an id of letters and digits")
    _check_name("layer.name", layer.name)
    for name in ("source", "difference", "enlarged"):
        _check_source(f"layer.{name}", getattr(layer, name))
    if layer.source is None and layer.difference is None:
        raise InvalidRequest("layer.source", None, "pixels, or a difference")
    if layer.source is not None and layer.difference is not None and layer.source.extent != layer.difference.extent:
        raise InvalidRequest("layer.difference", layer.difference.extent.size, f"{layer.source.extent.size}, as the source has")
    check_placement(layer.placement)
    _within("layer.opacity", layer.opacity, 0, 1)
    if layer.confidence is not None:
        _within("layer.confidence", layer.confidence, 0, 1)
    _check_adjustments(layer.adjustments)
    _check_effects(layer.effects)
    if layer.text is not None:
        _check_text(layer.text)


def _check_name(field: str, name: str) -> None:
    if not name.strip() or len(name) > MAX_NAME or any(unicodedata.category(sign) in ("Cc", "Cs") for sign in name):
        raise InvalidRequest(field, name, f"one line of 1 to {MAX_NAME} characters")


def check_placement(placement: Placement) -> None:
    """Raises:
    InvalidRequest: Out of range.
    """
    for name in ("left", "top"):
        _within(f"placement.{name}", getattr(placement, name), -MAX_OFFSET_PX, MAX_OFFSET_PX)
    for name in ("scale_x", "scale_y"):
        _within(f"placement.{name}", getattr(placement, name), MIN_SCALE, MAX_SCALE)
    _within("placement.rotation_deg", placement.rotation_deg, -36_000, 36_000)


def check_extent(field: str, width: int, height: int) -> None:
    """Raises:
    InvalidRequest: Nothing, or more than a picture may have.
    """
    if not (1 <= width <= MAX_SIDE_PX and 1 <= height <= MAX_SIDE_PX and width * height <= MAX_PIXELS):
        wanted = f"1 to {MAX_SIDE_PX} px a side and at most {MAX_PIXELS // 1_000_000} megapixels"
        raise InvalidRequest(field, f"{width}x{height}", wanted)


def _check_source(field: str, source: Source | None) -> None:
    if source is None:
        return
    if not _SHA.fullmatch(source.id):
        raise InvalidRequest(f"{field}.id", source.id, "a sha256 in 64 hexadecimal digits")
    check_extent(f"{field}.extent", source.extent.width, source.extent.height)
    _within(f"{field}.density", source.density, 1e-3, 1e3)


def _check_adjustments(adjustments: Adjustments) -> None:
    _within("adjustments.hue_deg", adjustments.hue_deg, -180, 180)
    for name in ("saturation", "lightness"):
        _within(f"adjustments.{name}", getattr(adjustments, name), -1, 1)
    _within("adjustments.tint_strength", adjustments.tint_strength, 0, 1)
    if adjustments.tint:
        check_color("adjustments.tint", adjustments.tint)
    stops = adjustments.gradient_map
    if len(stops) == 1 or len(stops) > 64:
        raise InvalidRequest("adjustments.gradient_map", len(stops), "2 to 64 stops, or none")
    for position, color in stops:
        _within("adjustments.gradient_map", position, 0, 1)
        check_color("adjustments.gradient_map", color)


def _check_effects(effects: Effects) -> None:
    _within("effects.blur_px", effects.blur_px, 0, MAX_REACH_PX)
    shadow, stroke = effects.drop_shadow, effects.stroke
    if shadow is not None:
        for name in ("dx", "dy"):
            _within(f"effects.drop_shadow.{name}", getattr(shadow, name), -MAX_REACH_PX, MAX_REACH_PX)
        _within("effects.drop_shadow.blur_px", shadow.blur_px, 0, MAX_REACH_PX)
        _within("effects.drop_shadow.opacity", shadow.opacity, 0, 1)
        check_color("effects.drop_shadow.color", shadow.color)
    if stroke is not None:
        _within("effects.stroke.width_px", stroke.width_px, 0, MAX_REACH_PX)
        _within("effects.stroke.opacity", stroke.opacity, 0, 1)
        check_color("effects.stroke.color", stroke.color)


def _check_text(text: TextAttributes) -> None:
    if len(text.string) > MAX_CHARACTERS:
        raise InvalidRequest("text.string", f"{len(text.string)} characters", f"at most {MAX_CHARACTERS}")
    for name in ("string", "font", "notes"):
        if _has_halves(getattr(text, name)):
            raise InvalidRequest(f"text.{name}", "half a surrogate pair", "whole characters")
    if len(text.font) > MAX_NAME or len(text.notes) > MAX_NOTES or any(len(note) > MAX_CHARACTERS for note in text.notes):
        raise InvalidRequest("text.font", text.font[:80], f"a font's name, and at most {MAX_NOTES} notes")
    _within("text.size_px", text.size_px, 0.5, 20_000)
    _within("text.tracking_px", text.tracking_px, -20_000, 20_000)
    _within("text.angle_deg", text.angle_deg, -36_000, 36_000)
    check_color("text.color", text.color)
    if text.alignment not in ("left", "center", "right"):
        raise InvalidRequest("text.alignment", text.alignment, "left, center or right")


def check_color(field: str, color: str) -> None:
    """Raises:
    InvalidRequest: Not "#rrggbb".
    """
    if not _COLOR.fullmatch(color):
        raise InvalidRequest(field, color, "a colour as #rrggbb")


def _check_followers(document: LayerDocument) -> None:
    leads = {layer.id: layer.follows for layer in document.layers}
    for layer in document.layers:
        seen, at = {layer.id}, layer.follows
        while at:
            if at not in leads:
                raise InvalidRequest("layer.follows", at, "the id of a layer of this document")
            if at in seen:
                raise InvalidRequest("layer.follows", at, "a layer that does not follow this one in turn")
            seen.add(at)
            at = leads[at]


def _within(field: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise InvalidRequest(field, value, f"{low:g} to {high:g}")
