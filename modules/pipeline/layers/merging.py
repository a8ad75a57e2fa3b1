"""Several layers as one, and apart again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from modules.base.errors import InvalidRequest
from modules.imaging.geometry import Box, Extent
from modules.imaging.layering.blend_mode import BlendMode
from modules.imaging.layering.compositing import decode, encode
from modules.imaging.layering.placement import Placement, carry_along
from modules.pipeline.layers.building import new_layer_id
from modules.pipeline.layers.checks import check_extent
from modules.pipeline.layers.document import Layer, LayerDocument, LayerKind, Light
from modules.pipeline.layers.naming import free_name
from modules.pipeline.layers.render import extent_of, lay, render, render_layer, size_of
from modules.pipeline.layers.sources import Sources

Pixels = NDArray[np.uint8]
Differences = NDArray[np.int16]
ROWS = 64
"""That are solved at a time: floats of the whole would take 24 bytes a pixel."""


def merge_layers(document: LayerDocument, ids: Sequence[str], new_id: str, name: str, sources: Sources) -> LayerDocument:
    """One layer that shows what these showed, in the place of their topmost.

    Its colour and alpha are found by laying the layers over black and over white, so that what multiplies or lightens what lies below
    does so still; its difference makes the picture the same to the bit. Hidden layers among them are kept, and shown when they are parted.

    Args:
        document: Not modified.
        ids: At least two, in any order.
        new_id: Of the merged layer.
        name: Of it; "" = its members' names.
        sources: Takes the merged pixels.

    Raises:
        InvalidRequest: None of them shows anything, or they lie so far apart that they are too large for one picture.

    References:
        Smith & Blinn, "Blue Screen Matting", SIGGRAPH 1996 (two backings).
    """
    members = tuple(layer for layer in document.layers if layer.id in ids)
    shown = tuple(layer for layer in members if layer.is_visible)
    box = _box_around(shown, document)
    if box is None:
        raise InvalidRequest("layers", [layer.name for layer in members], "layers of which something shows on the canvas")
    check_extent("layers", box.width, box.height)
    pixels = _solve(shown, document, sources, box)
    top = document.layers.index(members[-1])
    below = tuple(layer for layer in document.layers[:top] if layer.id not in ids)
    leader = next((layer for layer in reversed(members) if layer.kind is LayerKind.SUBJECT), members[-1])
    kinds = {layer.kind for layer in members}
    taken = [layer.name for layer in document.layers if layer.id not in ids]
    merged = Layer(
        id=new_id,
        name=free_name((name or " + ".join(layer.name for layer in members))[:100], taken),
        kind=kinds.pop() if len(kinds) == 1 else leader.kind,
        source=sources.add_pixels(pixels),
        placement=Placement(left=float(box.x), top=float(box.y)),
        follows=leader.follows if leader.follows not in ids else "",
        members=members,
        merged_at=Placement(left=float(box.x), top=float(box.y)),
    )
    difference = _what_is_left(replace(document, layers=below), shown, merged, sources, box)
    if difference.any():
        merged = replace(merged, difference=sources.add_difference(difference))
    above = document.layers[top + 1 :]
    layers = (*below, merged, *above)
    return replace(document, layers=tuple(replace(layer, follows=new_id) if layer.follows in ids else layer for layer in layers))


def part_layer(document: LayerDocument, merged: Layer) -> LayerDocument:
    """Put the members of a merged layer into its place.

    They repeat the moves that it made, and fade as it did; its changes of colour and its effects end.
    """
    start = merged.merged_at or merged.placement
    size = size_of(merged)
    members = []
    for member in merged.members:
        placement = carry_along(member.placement, size_of(member), start, merged.placement, size)
        shown = member.is_visible and merged.is_visible
        members.append(replace(member, placement=placement, opacity=member.opacity * merged.opacity, is_visible=shown))
    leader = next((layer for layer in reversed(members) if layer.kind is LayerKind.SUBJECT), members[-1])
    ids = {layer.id for layer in document.layers} | {layer.id for layer in members}
    layers: list[Layer] = []
    taken = [layer.name for layer in document.layers if layer.id != merged.id]
    for layer in document.layers:
        if layer.id != merged.id:
            layers.append(replace(layer, follows=leader.id) if layer.follows == merged.id else layer)
            continue
        for member in members:
            follows = member.follows if member.follows in ids else ""
            layers.append(replace(member, name=free_name(member.name, taken), follows=follows))
            taken.append(layers[-1].name)
    return replace(document, layers=tuple(layers))


def shift_layer(layer: Layer, x: int, y: int) -> Layer:
    """The layer and its members, moved by whole px."""
    return replace(
        layer,
        placement=_shift(layer.placement, x, y),
        members=tuple(shift_layer(member, x, y) for member in layer.members),
        merged_at=None if layer.merged_at is None else _shift(layer.merged_at, x, y),
    )


def renew_members(members: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """The same under new ids, following each other as they did."""
    new = {layer.id: new_layer_id() for layer in members}
    return tuple(
        replace(layer, id=new[layer.id], follows=new.get(layer.follows, ""), members=renew_members(layer.members)) for layer in members
    )


def _shift(placement: Placement, x: int, y: int) -> Placement:
    return replace(placement, left=placement.left + x, top=placement.top + y)


def _box_around(shown: tuple[Layer, ...], document: LayerDocument) -> Box | None:
    """Around all that the layers show on the canvas, and as far again beyond each of its sides: it may be moved in later."""
    width, height = document.extent.size
    roomy = replace(document, extent=Extent(3 * width, 3 * height))
    boxes = [extent_of(shift_layer(layer, width, height), roomy) for layer in shown]
    around: Box | None = None
    for box in boxes:
        if box.width:
            around = box if around is None else around.joined(box)
    return None if around is None else Box(around.x - width, around.y - height, around.width, around.height)


def _solve(shown: tuple[Layer, ...], document: LayerDocument, sources: Sources, box: Box) -> Pixels:
    """(box.height, box.width, 4) uint8: the pixels that over black and over white give what the layers give there."""
    here = replace(document, extent=box.extent)
    canvases: list[Pixels] = []
    for backing in (0, 255):
        canvas = np.full((box.height, box.width, 4), backing, np.uint8)
        canvas[..., 3] = 255
        for layer in shown:
            moved = shift_layer(replace(layer, difference=None), -box.x, -box.y)
            if moved.source is not None:
                lay(canvas, render_layer(moved, here, sources), moved, here)
        canvases.append(canvas)
    pixels = canvases[0].copy()
    for top in range(0, box.height, ROWS):
        black, white = (decode(canvas[top : top + ROWS, :, :3], document.light) for canvas in canvases)
        alpha = np.clip(1 - (white - black).mean(axis=-1, keepdims=True), 0, 1)
        pixels[top : top + ROWS, :, 3:] = encode(alpha, Light.SRGB)
        pixels[top : top + ROWS, :, :3] = encode(black / np.maximum(alpha, np.float32(1 / 255)), document.light)
    return pixels


def _what_is_left(below: LayerDocument, shown: tuple[Layer, ...], merged: Layer, sources: Sources, box: Box) -> Differences:
    """(box.height, box.width, 4) int16 that makes the merged layer give what its members gave; 0 beyond the canvas."""
    difference = np.zeros((box.height, box.width, 4), np.int16)
    cut = box.cut_at(below.extent)
    if cut is not None:
        apart, joined = (
            render(replace(below, layers=(*below.layers, *layers)), sources, box=cut).astype(np.int16) for layers in (shown, (merged,))
        )
        x, y = cut.x - box.x, cut.y - box.y
        difference[y : y + cut.height, x : x + cut.width] = apart - joined
    return difference
