"""Which mask goes with which picture."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from modules.base.errors import PentimentoError
from modules.runtime.batch.listing import PictureFile, fold

Masks = dict[str, list[PictureFile]]


class Problem(Enum):
    """Why a file is not run."""

    NO_MASK = "no_mask"
    MANY_MASKS = "many_masks"
    UNREADABLE = "unreadable"
    UNREADABLE_MASK = "unreadable_mask"
    MASK_SHAPE = "mask_shape"

    def explain(self, detail: str) -> str:
        """A sentence in English, for reports."""
        return _WORDS[self].format(detail=detail)


_WORDS = {
    Problem.NO_MASK: "no mask is called {detail!r}",
    Problem.MANY_MASKS: "several masks have this name: {detail}",
    Problem.UNREADABLE: "not usable as a picture; wanted {detail}",
    Problem.UNREADABLE_MASK: "its mask is not usable as a picture; wanted {detail}",
    Problem.MASK_SHAPE: "mask and picture have different shapes: {detail}",
}


class FileProblem(PentimentoError):
    """One file of a batch cannot be used; the others can."""

    def __init__(self, problem: Problem, detail: str) -> None:
        self.problem, self.detail = problem, detail
        super().__init__(problem.explain(detail))


@dataclass(frozen=True)
class Pair:
    """A picture and its mask.

    Attributes:
        mask: None = there is none, or it is not known which.
        problem: None = it can be run.
        detail: What a sentence about the problem needs: names of masks, sizes, what was read.
    """

    picture: PictureFile
    mask: PictureFile | None = None
    problem: Problem | None = None
    detail: str = ""


def pair_masks(pictures: Sequence[PictureFile], masks: Sequence[PictureFile] | None) -> list[Pair]:
    """Give each picture its mask: the only one there is, else the one of the same name, else of the same stem.

    Stems are compared as they are written, then without regard to case. Several pictures may share a mask.

    Args:
        masks: None = none are wanted. An empty list leaves every picture without the mask it needs.
    """
    if masks is None:
        return [Pair(picture) for picture in pictures]
    if len(masks) == 1:
        return [Pair(picture, masks[0]) for picture in pictures]
    return pair_names(pictures, masks)


def pair_names(pictures: Sequence[PictureFile], masks: Sequence[PictureFile]) -> list[Pair]:
    """As `pair_masks`, but a single mask is not taken for all."""
    tables = [_table(masks, key) for key in (_whole, _stem, _folded)]
    return [_pair(picture, tables) for picture in pictures]


def _pair(picture: PictureFile, tables: list[Masks]) -> Pair:
    for table, key in zip(tables, (_whole, _stem, _folded), strict=True):
        found = table.get(key(picture), [])
        if len(found) == 1:
            return Pair(picture, found[0])
        if found:
            return Pair(picture, None, Problem.MANY_MASKS, ", ".join(mask.name for mask in found))
    return Pair(picture, None, Problem.NO_MASK, picture.stem)


def _table(masks: Sequence[PictureFile], key: Callable[[PictureFile], str]) -> Masks:
    table: Masks = defaultdict(list)
    for mask in masks:
        table[key(mask)].append(mask)
    return table


def _whole(file: PictureFile) -> str:
    return unicodedata.normalize("NFC", file.name)


def _stem(file: PictureFile) -> str:
    return unicodedata.normalize("NFC", file.stem)


def _folded(file: PictureFile) -> str:
    return fold(file.stem)
