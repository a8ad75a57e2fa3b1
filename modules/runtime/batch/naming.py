"""What results are called: after their pictures, and never as a file that is already there."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from modules.imaging.naming import fit_name, sanitize_part
from modules.runtime.batch.listing import PictureFile, fold

MAX_STEM_CHARS, MAX_STEM_BYTES = 120, 200
"""So that a number still has room in a file's name."""
FIRST_NUMBER = 2


class Names:
    """Hands out names for results, each once.

    Pictures of the same stem keep their suffixes: a.png and a.jpg give a.png.png and a.jpg.png. Where a name is taken, it gets a
    number: a-2.png.

    Args:
        pictures: All of the batch.
        taken: Names that are in the output folder already.
        extension: Of results, without a dot.
    """

    def __init__(self, pictures: Sequence[PictureFile], taken: Iterable[str], extension: str) -> None:
        self._extension = extension
        self._taken = {fold(name) for name in taken}
        self._numbers: dict[tuple[str, int], int] = {}
        self._stems = Counter(fold(_clean(picture.stem)) for picture in pictures)

    def give(self, picture: PictureFile, count: int) -> tuple[str, ...]:
        """Names for `count` results of a picture: a.png, or a-1.png, a-2.png ... where there are several."""
        is_shared = self._stems[fold(_clean(picture.stem))] > 1
        base = _clean(picture.name if is_shared else picture.stem)
        place = fold(base), count
        for number in itertools.count(self._numbers.get(place, FIRST_NUMBER - 1)):  # those before are taken, and stay so
            names = tuple(self._names(_numbered(base, number), count))
            if not any(fold(name) in self._taken for name in names):
                self._taken.update(fold(name) for name in names)
                self._numbers[place] = number + 1
                return names
        raise AssertionError("numbers do not end")

    def _names(self, stem: str, count: int) -> Iterator[str]:
        for number in range(1, count + 1):
            yield fit_name(stem if count == 1 else f"{stem}-{number}", self._extension)


def further_names(name: str) -> Iterator[str]:
    """`name`, and what to try when somebody else has taken it meanwhile."""
    stem, extension = os.path.splitext(name)
    return (fit_name(_numbered(stem, number), extension[1:]) for number in itertools.count(FIRST_NUMBER - 1))


def names_in(folder: Path) -> list[str]:
    """Names in a folder; none if it is not there."""
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def _numbered(base: str, number: int) -> str:
    return base if number < FIRST_NUMBER else f"{base}-{number}"


def _clean(name: str) -> str:
    short = name.encode("utf-8", "replace")[:MAX_STEM_BYTES].decode("utf-8", "ignore")
    return sanitize_part(short, limit=MAX_STEM_CHARS).lstrip(".") or "picture"
