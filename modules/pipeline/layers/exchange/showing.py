"""Our layers as pieces: placed, adjusted, with their effects; differences as pairs of layers or baked in."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from modules.imaging.geometry import Box
from modules.imaging.layering.blend_mode import BlendMode, Light
from modules.imaging.layering.compositing import SHARES, Floats, blend
from modules.pipeline.layers.document import Layer, LayerDocument
from modules.pipeline.layers.exchange.pieces import Piece, Pixels, Role, spread, trimmed
from modules.pipeline.layers.render import PlacedLayer, lay, render_layer
from modules.pipeline.layers.sources import Differences, Sources


@dataclass(frozen=True)
class Baked:
    """A document as plain layers without differences.

    Attributes:
        pieces: Bottom first.
        holds: Ids of layers that were worked into the piece of another layer, by that layer's id.
        changed: Names of the layers whose difference, mode or light was worked into their colours.
        worst, mean: Of 255: how far another program, mixing in sRGB, is from the exact picture.
    """

    pieces: tuple[Piece, ...]
    holds: dict[str, tuple[str, ...]]
    changed: tuple[str, ...]
    worst: int
    mean: float


def show_pixels(layer: Layer, placed: PlacedLayer) -> Piece:
    """A layer without its difference; one transparent pixel where it shows nothing."""
    box, pixels = placed.box, placed.pixels
    if pixels is None or not pixels.size:
        box, pixels = Box(box.x, box.y, 1, 1), np.zeros((1, 1, 4), np.uint8)
    return Piece(layer.name, box, pixels, layer.blend, layer.opacity, layer.is_visible, layer.is_locked, layer=layer.id)


def show_difference(layer: Layer, placed: PlacedLayer) -> list[Piece]:
    """What is to be added and what subtracted, each where there is any, cut to where it is; changes of alpha cannot be shown."""
    if placed.difference is None:
        return []
    pieces = []
    for role, sign, mode, ending in ((Role.PLUS, 1, BlendMode.ADD, "+"), (Role.MINUS, -1, BlendMode.SUBTRACT, "-")):
        amount = np.clip(sign * placed.difference[..., :3], 0, 255).astype(np.uint8)
        alpha = np.where(amount.any(axis=2), 255, 0).astype(np.uint8)
        if alpha.any():
            piece = replace(show_pixels(layer, PlacedLayer(placed.box, np.dstack([amount, alpha]), None)), name=f"{layer.name} {ending}")
            box, pixels = trimmed(piece)
            pieces.append(replace(piece, box=box, pixels=pixels, blend=mode, role=role))
    return pieces


def difference_of(plus: Piece | None, minus: Piece | None, target: Box) -> Differences:
    """The way back from `show_difference`: (target.height, target.width, 4) int16, its alpha 0."""
    total = np.zeros((target.height, target.width, 4), np.int16)
    for sign, piece in ((1, plus), (-1, minus)):
        if piece is not None:
            pixels = spread(piece.pixels, piece.box, target).astype(np.int32)
            total[..., :3] += sign * ((pixels[..., :3] * pixels[..., 3:] + 127) // 255).astype(np.int16)
    return total


def show_document(document: LayerDocument, sources: Sources, *, has_residuals: bool) -> list[list[Piece]]:
    """All layers, bottom first, each as its pieces.

    Args:
        document: What to show.
        sources: Its pixels.
        has_residuals: Whether layers with pixels show their difference too; layers without any always do.
    """
    shown = []
    for layer in document.layers:
        placed = render_layer(layer, document, sources)
        pieces = [] if layer.source is None else [show_pixels(layer, placed)]
        if has_residuals or layer.source is None:
            pieces += show_difference(layer, placed)
        shown.append(pieces or [show_pixels(layer, PlacedLayer(placed.box, None, None))])
    return shown


def bake(document: LayerDocument, sources: Sources, modes: Collection[BlendMode]) -> Baked:
    """Work differences, unknown modes and linear light into the layers' colours, for what lies below them now.

    Args:
        document: What to show.
        sources: Its pixels.
        modes: The blend modes that the other program knows; NORMAL is one.
    """
    oven = _Oven(document, modes)
    for layer in document.layers:
        oven.add(layer, render_layer(layer, document, sources))
    return oven.baked()


class _Oven:
    def __init__(self, document: LayerDocument, modes: Collection[BlendMode]) -> None:
        self.document, self.modes = document, modes
        self.pieces: list[Piece] = []
        self.holds: dict[str, tuple[str, ...]] = {}
        self.changed: list[str] = []
        self.exact: Pixels = np.zeros((*document.extent.shape, 4), np.uint8)

    def add(self, layer: Layer, placed: PlacedLayer) -> None:
        box = placed.box
        area = slice(box.y, box.y + box.height), slice(box.x, box.x + box.width)
        before, after = self.exact[area].copy(), self.exact.copy() if not layer.is_visible else self.exact
        lay(after, placed, layer, self.document)
        if placed.pixels is None:
            self._add_difference(layer, placed, after[area])
            return
        piece = show_pixels(layer, placed)
        is_mixed = self.document.light is Light.LINEAR and (layer.opacity < 1 or bool((piece.pixels[..., 3] < 255).any()))
        if placed.difference is not None or layer.blend not in self.modes or is_mixed:
            piece = _solve(piece, before, after[area], layer.blend in self.modes)
            self.changed.append(layer.name)
        self.pieces.append(piece)

    def _add_difference(self, layer: Layer, placed: PlacedLayer, after: Pixels) -> None:
        """Into the piece below where that one decides the colour, else as a patch of the picture."""
        if placed.difference is None or not placed.difference.any():
            self.pieces.append(show_pixels(layer, placed))
            return
        self.changed.append(layer.name)
        is_touched: NDArray[np.bool_] = np.asarray(placed.difference.any(axis=2))
        last = next((place for place in reversed(range(len(self.pieces))) if self.pieces[place].is_visible), None)
        if last is not None and layer.is_visible and _decides(self.pieces[last], placed.box, is_touched):
            piece = self.pieces[last]
            merged = piece.pixels.copy()
            whole = spread(after, placed.box, piece.box)
            touched = spread(is_touched, placed.box, piece.box)
            merged[touched] = whole[touched]
            self.pieces[last] = replace(piece, pixels=merged)
            self.holds[piece.layer] = (*self.holds.get(piece.layer, ()), layer.id)
            return
        patch = np.where(is_touched[..., None], after, 0).astype(np.uint8)
        self.pieces.append(replace(show_pixels(layer, PlacedLayer(placed.box, patch, None)), blend=BlendMode.NORMAL, opacity=1.0))

    def baked(self) -> Baked:
        canvas = np.zeros_like(self.exact)
        for piece in self.pieces:
            if piece.is_visible:
                blend(canvas, piece.box, piece.pixels, piece.blend or BlendMode.NORMAL, 1.0 if piece.opacity is None else piece.opacity)
        apart = np.abs(canvas.astype(np.int16) - self.exact)
        return Baked(tuple(self.pieces), self.holds, tuple(self.changed), int(apart.max(initial=0)), float(apart.mean()))


def _decides(piece: Piece, box: Box, is_touched: NDArray[np.bool_]) -> bool:
    """Whether what shows at the touched pixels is the piece's own colour."""
    alpha = spread(piece.pixels[..., 3], piece.box, box)
    return piece.blend is BlendMode.NORMAL and piece.opacity == 1 and bool((alpha[is_touched] == 255).all())


def _solve(piece: Piece, before: Pixels, after: Pixels, keeps_mode: bool) -> Piece:
    """Colours with which the piece gives `after` over `before`: in its own mode where that can be solved, else in Normal.

    Args:
        piece: Of the same extent as the two pictures.
        before, after: (h, w, 4) uint8, below the piece and with it.
        keeps_mode: Whether its mode is known to the other program.
    """
    mode = piece.blend or BlendMode.NORMAL
    pixels = piece.pixels.copy()
    if not keeps_mode:
        pixels[..., 3] = _alpha_for_normal(pixels, mode)
        mode = BlendMode.NORMAL
    low, high = SHARES[before[..., :3]], SHARES[after[..., :3]]
    opacity = np.float32(1.0 if piece.opacity is None else piece.opacity)
    if mode in (BlendMode.NORMAL, BlendMode.MULTIPLY, BlendMode.SCREEN) and opacity > 0:
        least = np.floor(_least_alpha(low, high, mode) / opacity * 255 + 0.999).clip(0, 255).astype(np.uint8)
        pixels[..., 3] = np.where(pixels[..., 3] > 0, np.maximum(pixels[..., 3], least), 0)
    share = SHARES[pixels[..., 3:]] * opacity
    can = np.broadcast_to((share > 0) & (before[..., 3:] == 255) & (after[..., 3:] == 255), low.shape).copy()
    with np.errstate(divide="ignore", invalid="ignore"):
        if mode is BlendMode.NORMAL:
            color = (high - (1 - share) * low) / share
        elif mode is BlendMode.MULTIPLY:
            can &= low > 0
            color = (high / low - 1 + share) / share
        elif mode is BlendMode.SCREEN:
            can &= low < 1
            color = (high - low) / (share * (1 - low))
        else:
            return piece
    solved = np.floor(np.clip(np.where(can, color, 0), 0, 1) * 255 + 0.5).astype(np.uint8)
    pixels[..., :3] = np.where(can, solved, pixels[..., :3])
    return replace(piece, pixels=pixels, blend=mode)


def _least_alpha(low: Floats, high: Floats, mode: BlendMode) -> Floats:
    """(h, w) 0..1: how much a layer must cover at least, for any colour of it to make `high` of `low`."""
    darker = np.clip(low - high, 0, None) / np.maximum(low, SHARES[1])
    lighter = np.clip(high - low, 0, None) / np.maximum(1 - low, SHARES[1])
    if mode is BlendMode.MULTIPLY:
        return darker.max(axis=2)
    return lighter.max(axis=2) if mode is BlendMode.SCREEN else np.maximum(darker, lighter).max(axis=2)


def _alpha_for_normal(pixels: Pixels, mode: BlendMode) -> Pixels:
    """How much a layer covers once it is laid on in Normal: a grey shadow becomes black of that alpha, a grey light white."""
    alpha = pixels[..., 3].astype(np.uint16)
    if mode in (BlendMode.MULTIPLY, BlendMode.SUBTRACT):
        strength = pixels[..., :3].max(axis=2) if mode is BlendMode.SUBTRACT else 255 - pixels[..., :3].min(axis=2)
    elif mode in (BlendMode.SCREEN, BlendMode.ADD):
        strength = pixels[..., :3].max(axis=2)
    else:
        return pixels[..., 3]
    return ((alpha * strength + 254) // 255).astype(np.uint8)
