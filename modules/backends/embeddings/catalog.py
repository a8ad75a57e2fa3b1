"""The textual inversions on disk: found in some folders, read once, and looked up by the tokens of their names."""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modules.backends.catalog import FileStamp
from modules.backends.embeddings.file import PICKLES, read_vectors
from modules.base.errors import UnusableNetwork
from modules.base.registry import load_dotted
from modules.engine.model import TextEncoder

if TYPE_CHECKING:
    from modules.backends.embeddings.table import TokenTable

log = logging.getLogger(__name__)
MOST_FILES = 20_000


@dataclass(frozen=True)
class EmbeddingInfo:
    """One file.

    Attributes:
        name: What a prompt calls it: the file name without folder and extension.
        vectors, width: Shape of its tensor; 0 where `problem` is.
        problem: Why it cannot be used whatever the model; "" for nothing.
    """

    name: str
    stamp: FileStamp
    vectors: int = 0
    width: int = 0
    sha256: str = ""
    problem: str = ""

    @property
    def path(self) -> Path:
        return self.stamp.path

    @property
    def shape(self) -> int:
        """The width, as A1111's scripts call it."""
        return self.width

    @property
    def filename(self) -> str:
        """The path as text."""
        return str(self.path)


class EmbeddingCatalog:
    """Textual inversions below some folders. Safe to share between threads.

    Args:
        folders: Searched in this order, links followed; missing ones are empty ones. Of files with the same name the first one counts.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = list(folders)
        self._lock = threading.Lock()
        self._known: dict[Path, EmbeddingInfo] = {}
        self._table: _MadeTable | None = None

    def scan(self) -> list[EmbeddingInfo]:
        """List what is there now, sorted by name without case; unchanged files are not opened again."""
        with self._lock:
            before, self._known = self._known, {}
            for path in _find_files(self.folders):
                if len(self._known) >= MOST_FILES:
                    log.warning("More than %d embedding files; the others are left out", MOST_FILES)
                    break
                info = _describe(path, before.get(path))
                if info is not None:
                    self._known[path] = info
            found = _mark_doubles(list(self._known.values()))
        return sorted(found, key=lambda info: info.name.lower())

    def table(self, encoder: TextEncoder) -> TokenTable:
        """Those that fit `encoder`, by the tokens of their names; made anew when a file or the encoder changed.

        Raises:
            UnusableNetwork: A file changed while it was read.
        """
        infos = self.scan()
        fitting = [info for info in infos if not problem_with(info, encoder.width)]
        key = tuple((info.stamp, info.sha256) for info in infos)
        with self._lock:
            if self._table is not None and self._table.made_from == key and self._table.encoder() is encoder:
                return self._table.table
        usable = {info.name for info in fitting}
        skipped = {info.name: problem_with(info, encoder.width) for info in infos if info.name not in usable}
        make_table: Any = load_dotted("modules.backends.embeddings.table:TokenTable")
        table: TokenTable = make_table(fitting, encoder, skipped)
        with self._lock:
            self._table = _MadeTable(key, weakref.ref(encoder), table)
        return table


@dataclass(frozen=True)
class _MadeTable:
    """The last table, and what it was made of; the encoder is not kept in memory for its sake."""

    made_from: Hashable
    encoder: weakref.ref[TextEncoder]
    table: TokenTable


def problem_with(info: EmbeddingInfo, width: int | None) -> str:
    """Why `info` cannot be used with a text encoder of this width (None = any); "" when it can."""
    if info.problem or width in (None, info.width):
        return info.problem
    return f"its vectors are {info.width} numbers wide, the model's text encoder takes {width}"


def _describe(path: Path, before: EmbeddingInfo | None) -> EmbeddingInfo | None:
    try:
        stamp = FileStamp.of(path)
    except OSError:
        return None
    if before is not None and before.stamp == stamp:
        return before
    if stamp.size == 0:
        return EmbeddingInfo(path.stem, stamp, problem="the file is empty")
    try:
        read = read_vectors(path)
    except UnusableNetwork as error:
        log.warning("Embedding %s is skipped: %s", path.name, error)
        return EmbeddingInfo(path.stem, stamp, problem=str(error))
    vectors, width = read.values.shape
    return EmbeddingInfo(path.stem, stamp, vectors, width, read.sha256)


def _mark_doubles(infos: Sequence[EmbeddingInfo]) -> list[EmbeddingInfo]:
    """Of usable files with one name the first stays; a broken one does not stand in the way of a usable one."""
    first = {info.name: info for info in reversed(infos) if not info.problem}
    return [
        EmbeddingInfo(info.name, info.stamp, problem=f"{first[info.name].path} has the same name and comes first")
        if not info.problem and first[info.name] is not info
        else info
        for info in infos
    ]


def _find_files(folders: Sequence[Path]) -> Iterator[Path]:
    """Embedding files below `folders`, each once; hidden ones left out."""
    seen: set[Path] = set()
    for folder in folders:
        for here, below, files in os.walk(folder, followlinks=True):
            place = Path(here)
            if place.resolve() in seen:
                below.clear()
                continue
            seen.add(place.resolve())
            below[:] = sorted(name for name in below if not name.startswith("."))
            for name in sorted(files):
                if name.lower().endswith((".safetensors", *PICKLES)) and not name.startswith("."):
                    yield place / name
