"""Which layer of a file that comes back is which layer of ours: by content, name and mark, the surest signs first."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from modules.imaging.geometry import Box
from modules.pipeline.layers.exchange.carrying import CarriedPiece
from modules.pipeline.layers.exchange.pieces import Piece, fingerprint, trimmed


@dataclass(frozen=True)
class Found:
    """A piece that came back, with its place in the file (from 0 at the bottom) and what `trimmed` says of it."""

    piece: Piece
    place: int
    box: Box
    sha: str

    @property
    def name(self) -> str:
        return self.piece.name

    @property
    def mark(self) -> str:
        return self.piece.mark


def look_at(pieces: Sequence[Piece]) -> list[Found]:
    """Trim and fingerprint the pieces of a file, bottom first."""
    found = []
    for place, piece in enumerate(pieces):
        box, pixels = trimmed(piece)
        found.append(Found(piece, place, box, fingerprint(pixels)))
    return found


Sign = Callable[[CarriedPiece | Found], tuple[Hashable, ...]]
_SIGNS: tuple[Sign, ...] = (
    lambda one: (one.mark, one.name, one.sha),
    lambda one: (one.name, one.sha),
    lambda one: (one.mark, one.name),
    lambda one: (one.name,),
    lambda one: (one.mark, one.sha),
    lambda one: (one.sha, one.box),
    lambda one: (one.mark,),
)


def match(carried: Sequence[CarriedPiece], found: Sequence[Found]) -> tuple[dict[int, Found], list[Found]]:
    """Pair what went out with what came back.

    Returns:
        What came back for each place in `carried`, and what belongs to nothing.
    """
    pairs: dict[int, Found] = {}
    left = list(found)
    for sign in _SIGNS:
        waiting: dict[tuple[Hashable, ...], deque[Found]] = defaultdict(deque)
        for one in left:
            waiting[sign(one)].append(one)
        for place, piece in enumerate(carried):
            key = sign(piece)
            if place not in pairs and any(key) and waiting[key]:
                pairs[place] = waiting[key].popleft()
        taken = {one.place for one in pairs.values()}
        left = [one for one in left if one.place not in taken]
    return pairs, left
