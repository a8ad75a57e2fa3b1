"""A document that was sent out and comes back: what nobody touched stays as it was to the bit, the rest is taken as it is now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from modules.imaging.geometry import Box, Extent
from modules.imaging.layering.placement import Placement
from modules.pipeline.layers.building import new_document_id
from modules.pipeline.layers.checks import check_document
from modules.pipeline.layers.document import Adjustments, Effects, Layer, LayerDocument
from modules.pipeline.layers.exchange.carrying import Carried, CarriedPiece
from modules.pipeline.layers.exchange.foreign import layer_of
from modules.pipeline.layers.exchange.matching import Found, look_at, match
from modules.pipeline.layers.exchange.pieces import Note, Piece, Role, note, spread
from modules.pipeline.layers.exchange.showing import difference_of
from modules.pipeline.layers.naming import free_name, tidy_name
from modules.pipeline.layers.render import render_layer
from modules.pipeline.layers.sources import Sources

OPACITY_STEP = 0.6 / 255
"""Files hold opacities in 255 steps."""


@dataclass(frozen=True)
class _Own:
    """One of our layers, what it looked like, and what came back of it."""

    layer: Layer
    pieces: tuple[tuple[CarriedPiece, Found | None], ...]

    def now(self, role: Role) -> Piece | None:
        return next((found.piece for piece, found in self.pieces if piece.role is role and found is not None), None)

    @property
    def main(self) -> tuple[CarriedPiece | None, Found | None]:
        """The pair that tells place and values of the layer: its pixels, else what is left of its difference."""
        whole = [pair for pair in self.pieces if pair[0].role is Role.PIXELS] or [pair for pair in self.pieces if pair[1] is not None]
        return whole[0] if whole else (None, None)

    @property
    def is_repainted(self) -> bool:
        return any(found is not None and found.sha != piece.sha for piece, found in self.pieces if piece.role is Role.PIXELS)

    @property
    def has_other_difference(self) -> bool:
        return any(found is None or found.sha != piece.sha for piece, found in self.pieces if piece.role is not Role.PIXELS)


def restore(
    carried: Carried,
    pieces: Sequence[Piece],
    extent: Extent,
    sources: Sources,
    show_again: Callable[[], Sequence[Piece]],
    *,
    is_ordered: bool,
) -> tuple[LayerDocument, list[Note]]:
    """Bring a document and its file together.

    Args:
        carried: What went out; its pixels are in `sources`.
        pieces: What came back, bottom first.
        extent: Of the file's canvas.
        sources: Gets new pixels.
        show_again: Makes the pieces that went out once more; called only when a layer was repainted.
        is_ordered: Whether the order of `pieces` says how layers lie on each other.

    Raises:
        InvalidRequest: The whole is no document any more.
    """
    found = look_at(pieces)
    pairs, strangers = match(carried.pieces, found)
    worker = _Restorer(carried, sources, show_again)
    placed: list[tuple[float, Layer]] = []
    at = -1.0
    for layer in carried.document.layers:
        own = _Own(layer, tuple((piece, pairs.get(place)) for place, piece in enumerate(carried.pieces) if piece.layer == layer.id))
        kept = worker.bring_back(own)
        main = own.main[1]
        at = float(main.place) if main is not None and is_ordered else at
        if kept is not None:
            placed.append((at, kept))
    for one in strangers:
        new, notes = layer_of(one.piece, sources)
        worker.notes += [note("added", f"{new.name}: a new layer", layer=new.name), *notes]
        placed.append((one.place if is_ordered else float("inf"), new))
    layers = worker.finish([layer for _, layer in sorted(placed, key=lambda pair: pair[0])])
    if extent != carried.document.extent:
        worker.notes.append(
            note("canvas", f"the canvas is {extent.width}x{extent.height} px now", width=extent.width, height=extent.height)
        )
    document = replace(carried.document, id=new_document_id(), extent=extent, layers=layers)
    check_document(document)
    return document, worker.notes


class _Restorer:
    def __init__(self, carried: Carried, sources: Sources, show_again: Callable[[], Sequence[Piece]]) -> None:
        self.carried, self.sources, self._show_again = carried, sources, show_again
        self.notes: list[Note] = []
        self._gone: set[str] = set()
        self._shown: dict[tuple[str, Role], Piece] | None = None
        self._repainted: dict[str, tuple[Box, np.ndarray]] = {}
        self._holders = {held: holder for holder, all_held in carried.holds.items() for held in all_held}

    def bring_back(self, own: _Own) -> Layer | None:
        """The layer as it is now; None = it was removed."""
        layer = own.layer
        if not own.pieces:
            return self._held(layer)
        piece, found = own.main
        if piece is None or found is None:
            self._gone.add(layer.id)
            self._note("removed", layer, "was removed")
            return None
        if own.is_repainted or own.has_other_difference:
            repainted = self._repaint(own, piece, found)
            self._note("repainted" if own.is_repainted else "difference", layer, "was changed, and is taken as it is now")
            return None if repainted is None else _retold(repainted, piece, found)
        return self._moved(layer, piece, found)

    def finish(self, layers: Sequence[Layer]) -> tuple[Layer, ...]:
        """Names told apart, and nobody follows a layer that is gone."""
        done: list[Layer] = []
        for layer in layers:
            name = free_name(tidy_name("name", layer.name), [other.name for other in done])
            done.append(replace(layer, name=name, follows="" if layer.follows in self._gone else layer.follows))
        return tuple(done)

    def _moved(self, layer: Layer, piece: CarriedPiece, found: Found) -> Layer:
        dx, dy = found.box.x - piece.box.x, found.box.y - piece.box.y
        if dx or dy:
            self._note("moved", layer, f"was moved by {dx}, {dy} px", dx=dx, dy=dy)
            where = replace(layer.placement, left=layer.placement.left + dx, top=layer.placement.top + dy)
            layer = replace(layer, placement=where)
        told = _retold(layer, piece, found)
        if told != layer:
            self._note("set", layer, "has another name, opacity, mode, visibility or lock")
        return told

    def _held(self, layer: Layer) -> Layer | None:
        """A layer that was worked into the piece of another: gone with it, and blank where that one was repainted."""
        holder = self._holders.get(layer.id, "")
        if holder in self._gone:
            self._gone.add(layer.id)
            self._note("removed", layer, "was removed with the layer that held it")
            return None
        if holder in self._repainted and layer.difference is not None:
            box, is_changed = self._repainted[holder]
            placed = render_layer(layer, self.carried.document, self.sources)
            difference = spread(placed.difference, placed.box, placed.box) if placed.difference is not None else None
            if difference is not None:
                difference[spread(is_changed, box, placed.box)] = 0
                return self._laid(layer, placed.box, None, difference)
        return layer

    def _repaint(self, own: _Own, piece: CarriedPiece, found: Found) -> Layer | None:
        """The new pixels where they differ from what went out, the original ones and their difference elsewhere."""
        layer, document = own.layer, self.carried.document
        placed = render_layer(layer, document, self.sources)
        boxes = [box for box in (placed.box, found.box) if box.width]
        target = boxes[0].joined(boxes[-1])
        shape = (target.height, target.width, 4)
        pixels = None if placed.pixels is None else spread(placed.pixels, placed.box, target)
        difference = np.zeros(shape, np.int16) if placed.difference is None else spread(placed.difference, placed.box, target)
        if own.has_other_difference:
            difference[..., :3] = difference_of(own.now(Role.PLUS), own.now(Role.MINUS), target)[..., :3]
        if own.is_repainted:
            new = spread(found.piece.pixels, found.piece.box, target)
            old_piece = self._piece_before(layer.id, piece.role)
            old = spread(old_piece.pixels, old_piece.box, target)
            new[new[..., 3] == 0], old[old[..., 3] == 0] = 0, 0
            is_changed = (new != old).any(axis=2)
            if piece.blend is not layer.blend or pixels is None:  # its colours were made for another mode
                is_changed[:] = True
                layer = replace(layer, blend=piece.blend)
            pixels = new if pixels is None else np.where(is_changed[..., None], new, pixels)
            difference[is_changed] = 0
            self._repainted[layer.id] = target, is_changed
        return self._laid(layer, target, pixels, difference)

    def _laid(self, layer: Layer, box: Box, pixels: np.ndarray | None, difference: np.ndarray) -> Layer | None:
        """The layer with what it shows now as its source, untransformed; None = nothing is left."""
        if pixels is None and not difference.any():
            self._gone.add(layer.id)
            return None
        return replace(
            layer,
            source=None if pixels is None else self.sources.add_pixels(pixels),
            difference=self.sources.add_difference(difference) if difference.any() else None,
            enlarged=None,
            placement=Placement(left=float(box.x), top=float(box.y)),
            adjustments=Adjustments(),
            effects=Effects(),
            members=(),
            text=None if layer.text is None else replace(layer.text, is_typeset=False),
        )

    def _piece_before(self, layer: str, role: Role) -> Piece:
        if self._shown is None:
            self._shown = {(piece.layer, piece.role): piece for piece in self._show_again()}
        return self._shown[layer, role]

    def _note(self, key: str, layer: Layer, words: str, **values: object) -> None:
        self.notes.append(note(key, f"{layer.name}: {words}", layer=layer.name, **values))


def _retold(layer: Layer, piece: CarriedPiece, found: Found) -> Layer:
    """Name, mode, opacity, visibility and lock, where the file says something else than it did."""
    now = found.piece
    told: dict[str, object] = {}
    if now.name != piece.name and now.name.strip():
        ending = " +" if piece.role is Role.PLUS else " -" if piece.role is Role.MINUS else ""
        told["name"] = now.name.removesuffix(ending)
    if now.opacity is not None and abs(now.opacity - piece.opacity) > OPACITY_STEP:
        told["opacity"] = now.opacity
    if now.blend is not None and now.blend is not piece.blend and piece.role is Role.PIXELS:
        told["blend"] = now.blend
    if now.is_visible is not None and now.is_visible != piece.is_visible:
        told["is_visible"] = now.is_visible
    if now.is_locked is not None and now.is_locked != piece.is_locked:
        told["is_locked"] = now.is_locked
    return replace(layer, **told)  # type: ignore[arg-type]
