"""Changing what one layer shows: its text, its colour, its picture. Each gives a new document; every other layer stays as it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modules.base.errors import InvalidRequest, UnknownName
from modules.imaging.geometry import Box, Extent
from modules.imaging.layering.placement import Placement
from modules.pipeline.layers.document import Adjustments, Effects, Layer, LayerDocument, Stroke, TextAttributes
from modules.pipeline.layers.edits import apply, find
from modules.pipeline.layers.fonts import FontCatalog
from modules.pipeline.layers.naming import name_after_text
from modules.pipeline.layers.render import PlacedLayer, render_layer
from modules.pipeline.layers.sources import Sources
from modules.pipeline.layers.stored_form import from_plain, to_plain
from modules.pipeline.layers.typesetting import fit_line, ink, is_stacked, measure_line, stack, typeset

Pixels = NDArray[np.uint8]
Point = tuple[float, float]
RUNS_DOWN = 1.5
"""How much taller than wide the ink of a line is whose characters stand one below the other."""
DIFFERENT_INK = 48
"""Of 255, in any channel: from here on an outline has a colour of its own."""
CHANGEABLE = ("string", "font", "size_px", "color", "alignment", "tracking_px", "angle_deg")


def find_layer(document: LayerDocument, layer_id: str, *, must_change: bool = True) -> Layer:
    """The layer of that id.

    Raises:
        InvalidRequest: There is none, or it is to be changed and is locked.
    """
    found = find(document, layer_id)
    if must_change and found.is_locked:
        raise InvalidRequest("layer", found.name, "a layer that is not locked; unlock it first")
    return found


def with_layer(document: LayerDocument, layer: Layer) -> LayerDocument:
    """The document with one layer in place of the one of the same id."""
    return replace(document, layers=tuple(layer if other.id == layer.id else other for other in document.layers))


def surroundings(extent: Extent) -> Box:
    """The canvas and as much again on every side: of layers that reach beyond, this much is kept when they are drawn anew."""
    return Box(-extent.width, -extent.height, 3 * extent.width, 3 * extent.height)


def rewrite_text(document: LayerDocument, layer_id: str, values: Mapping[str, Any], sources: Sources, fonts: FontCatalog) -> LayerDocument:
    """Set a text layer anew, where it sat: the beginning of its baseline stays (its middle, its end, by alignment).

    A line that was lifted off a picture is set in the font, size and tracking that look most like it, unless `values` say otherwise. A
    layer that is named after its string gets the new one's name.

    Args:
        values: Any of string, font, size_px, color, alignment, tracking_px; angle_deg = of the baseline on the canvas, clockwise.

    Raises:
        InvalidRequest: No text layer, locked, an unknown or unusable value.
    """
    layer = find_layer(document, layer_id)
    if layer.text is None or layer.source is None:
        raise InvalidRequest("layer", layer.name, "a layer with text")
    asked = text_values(values)
    angle = asked.pop("angle_deg", None)
    taken = [other.name for other in document.layers if other.id != layer_id]
    name = name_after_text(layer.name, layer.text.string, asked.get("string", layer.text.string), taken)
    text, at, turn, rim_px = _as_typeset(layer, layer.text, asked, sources, fonts)
    if rim_px:
        text, outlined = _outlined(document, layer, text, replace(layer.placement, rotation_deg=turn), at, rim_px, sources, fonts)
        if outlined is layer:  # the same ink: no outline, but a bolder face
            text, at, turn, _ = _as_typeset(layer, layer.text, asked, sources, fonts, has_rim=False)
        layer = outlined
    if is_stacked(text.string) and "\n" not in asked.get("string", "\n"):
        asked["string"] = stack(asked["string"])
    placement = layer.placement
    turn = turn if angle is None else float(angle)
    made = _set_at(layer, replace(text, **asked), replace(placement, rotation_deg=turn), at, sources, fonts)
    return with_layer(document, replace(made, name=name))


def text_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of text attributes as they came, checked for name and type.

    Raises:
        InvalidRequest: An unknown name, or a value of another type.
    """
    unknown = sorted(str(name) for name in values if name not in CHANGEABLE)
    if unknown:
        raise UnknownName("text", unknown[0], list(CHANGEABLE))
    read = from_plain(TextAttributes, {"string": "", **values}, "text")
    return {name: getattr(read, name) for name in values}


def add_text(
    document: LayerDocument, layer: Layer, values: Mapping[str, Any], at: Point, sources: Sources, fonts: FontCatalog
) -> LayerDocument:
    """Put a new text layer on top.

    Args:
        layer: With a new id, name and kind; the rest is filled in.
        at: (x, y) canvas px of the first line's baseline: its beginning, middle or end, by alignment.

    Raises:
        InvalidRequest: An unknown or unusable value.
    """
    asked = text_values(values)
    angle = asked.pop("angle_deg", 0.0)
    text = TextAttributes(**{"string": "", **asked})
    made = _set_at(layer, text, replace(layer.placement, rotation_deg=angle), at, sources, fonts)
    return replace(document, layers=(*document.layers, made))


def recolour_text(document: LayerDocument, layer_id: str, color: str, sources: Sources, fonts: FontCatalog) -> LayerDocument:
    """Give a text layer another ink: set text is set again, lifted strokes keep their shape.

    Raises:
        InvalidRequest: No text layer, locked, or no colour.
    """
    layer = find_layer(document, layer_id)
    if layer.text is None or layer.source is None:
        raise InvalidRequest("layer", layer.name, "a layer with text")
    wanted = ink(color)
    if layer.text.is_typeset:
        return rewrite_text(document, layer_id, {"color": color}, sources, fonts)
    pixels = sources.pixels(layer.source)
    shares = pixels[..., 3].astype(np.float64)
    mean = (pixels[..., :3] * shares[..., None]).sum(axis=(0, 1)) / max(shares.sum(), 1.0)
    changed = pixels.copy()
    changed[..., :3] = np.clip(np.floor(pixels[..., :3] + (np.array(wanted) - mean) + 0.5), 0, 255)
    changed[pixels[..., 3] == 0] = 0
    source = sources.add_pixels(changed, layer.source.density)
    # What made the old ink exact is wrong for the new one.
    return with_layer(document, replace(layer, source=source, difference=None, enlarged=None, text=replace(layer.text, color=color)))


def replace_picture(document: LayerDocument, layer_id: str, picture: Pixels, sources: Sources) -> LayerDocument:
    """Show another picture in a layer, fitted to the old one's box: its aspect kept, in the middle.

    Args:
        picture: (H, W, 4) uint8 RGBA.

    Raises:
        InvalidRequest: No such layer, locked, or one without pixels.
    """
    layer = find_layer(document, layer_id)
    if layer.source is None:
        raise InvalidRequest("layer", layer.name, "a layer with pixels (this one only holds a difference)")
    edit = {"op": "replace", "layer": layer_id, "source": to_plain(sources.add_pixels(picture)), "enlarged": None, "text": None}
    return apply(document, edit, sources)


def on_canvas(placement: Placement, size: Point, point: Point) -> Point:
    """Where a point of a source lies on the canvas.

    Args:
        size: Of the source at scale 1, canvas px.
        point: From the source's corner, canvas px at scale 1.
    """
    middle = placement.middle(size)
    x, y = _turned(placement, (point[0] - size[0] / 2, point[1] - size[1] / 2))
    return middle[0] + x, middle[1] + y


def placed_at(placement: Placement, size: Point, point: Point, target: Point) -> Placement:
    """The placement moved so that a source's point lies at a place on the canvas; see `on_canvas`."""
    x, y = _turned(placement, (point[0] - size[0] / 2, point[1] - size[1] / 2))
    return replace(placement, left=target[0] - x - size[0] / 2, top=target[1] - y - size[1] / 2)


def _turned(placement: Placement, offset: Point) -> Point:
    angle = math.radians(placement.rotation_deg)
    x = offset[0] * placement.scale_x * (-1 if placement.is_flipped_x else 1)
    y = offset[1] * placement.scale_y * (-1 if placement.is_flipped_y else 1)
    return x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle)


def _size(pixels: tuple[int, int], density: float) -> Point:
    return pixels[0] / density, pixels[1] / density


def _as_typeset(
    layer: Layer, text: TextAttributes, asked: Mapping[str, Any], sources: Sources, fonts: FontCatalog, *, has_rim: bool = True
) -> tuple[TextAttributes, Point, float, float]:
    """A layer's text as attributes that can be set, its anchor's place on the canvas, its baseline's angle there, and its outline."""
    assert layer.source is not None
    density, placement = layer.source.density, layer.placement
    size = _size(layer.source.extent.size, density)
    if text.is_typeset:
        done = typeset(text, fonts)
        return text, on_canvas(placement, size, done.anchor), placement.rotation_deg, 0.0
    line = measure_line(sources.pixels(layer.source)[..., 3], text.angle_deg)
    runs_down = "\n" not in text.string and len(text.string) > 1 and line.height > RUNS_DOWN * line.width
    string = stack(text.string) if runs_down else text.string
    font, alignment = asked.get("font", text.font), asked.get("alignment", text.alignment)
    found = fit_line(string, line, fonts, font=font, color=text.color, alignment=alignment, has_rim=has_rim)
    fitted = found.text
    fitted = replace(fitted, size_px=fitted.size_px / density, tracking_px=fitted.tracking_px / density)
    done = typeset(fitted, fonts)
    set_ink = measure_line(done.pixels[..., 3], 0.0)
    # Both lines have the middle of their ink at the same place; from there to the anchor.
    away = done.anchor[0] - set_ink.middle[0], done.anchor[1] - set_ink.middle[1]
    flips = -1 if placement.is_flipped_x != placement.is_flipped_y else 1
    angle = placement.rotation_deg + flips * text.angle_deg
    x, y = _turned(replace(placement, rotation_deg=angle), away)
    middle = on_canvas(placement, size, (line.middle[0] / density, line.middle[1] / density))
    return fitted, (middle[0] + x, middle[1] + y), angle, found.rim_px / density


def _outlined(
    document: LayerDocument, layer: Layer, text: TextAttributes, placement: Placement, at: Point, rim_px: float, sources: Sources,
    fonts: FontCatalog,
) -> tuple[TextAttributes, Layer]:  # fmt: skip
    """The ink inside the characters as the text's colour, and the layer with a stroke of the colour around them, where that differs."""
    bare = replace(layer, effects=Effects(), adjustments=Adjustments())
    lifted = _on_whole_canvas(render_layer(bare, document, sources), document)
    inner = _on_whole_canvas(render_layer(_set_at(bare, text, placement, at, sources, fonts), document, sources), document)[..., 3]
    solid = lifted[..., 3] > 230
    core, rim = lifted[solid & (inner > 230)][:, :3], lifted[solid & (inner < 20)][:, :3]
    if min(len(core), len(rim)) < 20:
        return text, layer
    inks = [np.median(colors, axis=0).astype(int) for colors in (core, rim)]
    text = replace(text, color="#{:02x}{:02x}{:02x}".format(*inks[0]))
    if layer.effects.stroke is not None or np.abs(inks[0] - inks[1]).max() < DIFFERENT_INK:
        return text, layer
    stroke = Stroke(width_px=rim_px, color="#{:02x}{:02x}{:02x}".format(*inks[1]))
    return text, replace(layer, effects=replace(layer.effects, stroke=stroke))


def _on_whole_canvas(placed: PlacedLayer, document: LayerDocument) -> Pixels:
    whole = np.zeros((*document.extent.shape, 4), np.uint8)
    if placed.pixels is not None:
        left, top, right, bottom = placed.box.edges
        whole[top:bottom, left:right] = placed.pixels
    return whole


def _set_at(layer: Layer, text: TextAttributes, placement: Placement, at: Point, sources: Sources, fonts: FontCatalog) -> Layer:
    """The layer with its text set, the anchor at a place on the canvas."""
    density = max(1, math.ceil(max(placement.scale_x, placement.scale_y)))
    is_upright = placement.rotation_deg % 90 == 0
    finer = density if is_upright else max(density, 2)
    done = typeset(text, fonts, density=finer)
    source = sources.add_pixels(done.pixels, float(finer))
    size, anchor = _size(source.extent.size, finer), (done.anchor[0] / finer, done.anchor[1] / finer)
    placed = placed_at(placement, size, anchor, at)
    if is_upright:  # on whole pixels nothing is resampled
        placed = replace(placed, left=float(round(placed.left)), top=float(round(placed.top)))
    return replace(layer, source=source, difference=None, enlarged=None, placement=placed, text=done.text)
