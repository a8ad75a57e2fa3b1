"""Model files by the names that workflows have for them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from modules.backends.known_models import find_known, plain_name
from modules.base.errors import PentimentoError, UnknownName

CHECKPOINTS, VAES, LORAS, UPSCALERS, EMBEDDINGS = "checkpoints", "vaes", "loras", "upscalers", "embeddings"
KINDS = (CHECKPOINTS, VAES, LORAS, UPSCALERS, EMBEDDINGS)
MODEL_LISTS = (CHECKPOINTS, VAES, LORAS, UPSCALERS)
"""Those that nodes choose from."""
Stamp = tuple[str, int, int]


@dataclass(frozen=True)
class ModelFile:
    """One file.

    Attributes:
        name: As workflows call it: the path below its folder, with its extension.
        path: Where it is.
        entry: What its catalogue says of it; None = its path is all there is.
    """

    name: str
    path: Path
    entry: Any = None


class ModelFiles:
    """Looks into the program's own lists each time, so that what was just put there is found.

    Args:
        checkpoints: Gives `CheckpointInfo`s.
        vaes: Gives VAE files by name.
        loras: Gives `LoraInfo`s.
        upscalers: Gives upscalers that are files, or not (`NamedUpscaler`).
        embeddings: Gives `EmbeddingInfo`s.
    """

    def __init__(
        self,
        checkpoints: Callable[[], Iterable[Any]],
        vaes: Callable[[], dict[str, Path]],
        loras: Callable[[], Iterable[Any]],
        upscalers: Callable[[], Iterable[Any]],
        embeddings: Callable[[], Iterable[Any]],
    ) -> None:
        self._sources: dict[str, Callable[[], list[ModelFile]]] = {
            CHECKPOINTS: lambda: [ModelFile(info.name, info.path, info) for info in checkpoints() if info.is_supported],
            VAES: lambda: [ModelFile(name, path) for name, path in vaes().items()],
            LORAS: lambda: [ModelFile(info.place + info.path.suffix, info.path, info) for info in loras() if not info.is_pickle],
            UPSCALERS: lambda: [_upscaler(one) for one in upscalers()],
            EMBEDDINGS: lambda: [ModelFile(info.path.name, info.path, info) for info in embeddings() if not info.problem],
        }

    def files(self, kind: str) -> list[ModelFile]:
        """All of a kind, each name once.

        Raises:
            UnknownName: There is no such kind.
        """
        if kind not in self._sources:
            raise UnknownName("folder", kind, list(KINDS))
        return list({file.name: file for file in reversed(self._sources[kind]())}.values())[::-1]

    def names(self, kind: str) -> list[str]:
        """Names as widgets list them."""
        return sorted((file.name for file in self.files(kind)), key=str.casefold)

    def find(self, kind: str, name: str) -> ModelFile:
        """The file that a workflow's name means: as listed; else the only one with that file name, whatever folder it lies in; else the
        only one of that name with another ending (`.ckpt`), or of the same known model under another of its names.

        Raises:
            UnknownName: None does, or more than one.
        """
        found = next((files for files in _meant(self.files(kind), kind, name) if files), [])
        if len(found) != 1:
            raise UnknownName(
                {CHECKPOINTS: "ckpt_name", VAES: "vae_name", LORAS: "lora_name"}.get(kind, "model_name"), name, self.names(kind)
            )
        return found[0]

    def stand_in(self, kind: str, name: str) -> ModelFile | None:
        """The file that is taken for one that is not here under its own file name; None where that one is, or nothing can be taken."""
        try:
            found = self.find(kind, name)
        except UnknownName:
            return None
        return None if _file_name(found.name) == _file_name(name) else found

    def at_once(self) -> ModelFiles:
        """The same as it is now, for many questions in a row: each kind is listed once."""
        listed = copy.copy(self)
        listed._sources = {kind: cache(source) for kind, source in self._sources.items()}
        return listed

    def has(self, kind: str, name: str) -> bool:
        """Whether `find` finds it."""
        try:
            return bool(self.find(kind, name))
        except PentimentoError:
            return False

    def stamp(self, kind: str, name: str) -> Stamp | tuple[Stamp, ...] | None:
        """Size and time of change of a file, or of all embeddings where `name` is ""; None where there is none."""
        try:
            if not name:
                return tuple(sorted(_stamp(file.path) for file in self.files(kind)))
            return _stamp(self.find(kind, name).path)
        except (UnknownName, OSError):
            return None


def _meant(files: Sequence[ModelFile], kind: str, name: str) -> Iterator[list[ModelFile]]:
    """Files that a name could mean, the surest reading first."""
    plain = name.replace("\\", "/")
    yield [file for file in files if file.name == plain]
    yield [file for file in files if _file_name(file.name) == _file_name(plain)]
    yield [file for file in files if plain_name(file.name) == plain_name(plain)]
    known = find_known(plain) if kind == CHECKPOINTS else None
    yield [file for file in files if known is not None and find_known(file.name) is known]


def _file_name(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]


def _upscaler(one: Any) -> ModelFile:
    path = Path(one.data_path or one.name)
    return ModelFile(path.name if path.suffix else one.name, path, one)


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return str(path), status.st_size, status.st_mtime_ns
