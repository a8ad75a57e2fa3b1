"""The pictures of a folder, or files that were dropped: names alone, no file is opened."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from modules.base.errors import InvalidRequest

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".avif", ".gif", ".bmp", ".tif", ".tiff"})
_DIGITS = re.compile(r"(\d+)")


class LeftOut(Enum):
    """Why an entry of a folder is not taken."""

    HIDDEN = "hidden"
    NO_PICTURE = "no_picture"
    FOLDER = "folder"
    LINK = "link"


@dataclass(frozen=True)
class PictureFile:
    """A file as it was found.

    Attributes:
        path: Where it is; for a link, what it points to.
        name: What the person calls it.
        mark: Changes when the file does; names and marks tell after a restart whether it is the same file.
    """

    path: Path
    name: str
    mark: str

    @property
    def stem(self) -> str:
        """The name without its last suffix; ".hidden" is all stem."""
        return os.path.splitext(self.name)[0]

    def as_json(self) -> dict[str, str]:
        return {"path": str(self.path), "name": self.name, "mark": self.mark}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> PictureFile:
        return cls(Path(values["path"]), str(values["name"]), str(values["mark"]))


@dataclass(frozen=True)
class Listing:
    """What a folder holds.

    Attributes:
        files: In the order of their names.
        left_out: How many entries were not taken, by reason.
    """

    files: tuple[PictureFile, ...]
    left_out: Mapping[LeftOut, int] = field(default_factory=dict)


def list_folder(folder: Path, name: str = "folder") -> Listing:
    """The pictures right in a folder, by their suffixes; hidden files, folders, and links that lead out of it are left out.

    Args:
        name: Of the request's field, for errors.

    Raises:
        InvalidRequest: It is no folder, or cannot be read.
    """
    files: list[PictureFile] = []
    left_out: Counter[LeftOut] = Counter()
    try:
        with os.scandir(folder) as entries:
            home = folder.resolve()
            for entry in entries:
                found = _take(entry, home)
                if isinstance(found, LeftOut):
                    left_out[found] += 1
                else:
                    files.append(found)
    except OSError as error:
        raise InvalidRequest(name, str(folder), f"a folder that can be read ({error.strerror or error})") from error
    return Listing(in_order(files), dict(left_out))


def in_order(files: Iterable[PictureFile]) -> tuple[PictureFile, ...]:
    """Sorted as people count: 2 before 10, whatever the case."""
    return tuple(sorted(files, key=lambda file: (_counted(file.name), file.name, str(file.path))))


def fold(text: str) -> str:
    """A name under which differences of case and of Unicode's two ways to write an accent vanish."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def mark_of(status: os.stat_result) -> str:
    """Size and time of last change."""
    return f"{status.st_size}-{status.st_mtime_ns}"


def _take(entry: os.DirEntry[str], home: Path) -> PictureFile | LeftOut:
    if entry.name.startswith("."):
        return LeftOut.HIDDEN
    path = Path(entry.path)
    try:
        if entry.is_symlink():
            path = path.resolve(strict=True)
            if not path.is_relative_to(home):
                return LeftOut.LINK
        if entry.is_dir():
            return LeftOut.FOLDER
        if not entry.is_file() or os.path.splitext(entry.name)[1].casefold() not in SUFFIXES:
            return LeftOut.NO_PICTURE
        return PictureFile(path, entry.name, mark_of(entry.stat()))
    except OSError:  # a link to nowhere, or a file that went away just now
        return LeftOut.LINK
    except RuntimeError:  # links in a circle, before Python 3.13
        return LeftOut.LINK


def _counted(name: str) -> list[tuple[int, int, str]]:
    parts = [part for part in _DIGITS.split(fold(name)) if part]
    return [(0, int(part), "") if part.isdecimal() and part.isascii() else (1, 0, part) for part in parts]
