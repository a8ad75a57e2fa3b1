"""In which order callbacks and hooks of several extensions are called, as their `metadata.ini` files ask."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from modules.plugins.extensions import METADATA, Metadata, sort_by_wishes

SECTION = "callbacks/"


class CallbackOrder:
    """What is known of extensions: their folders, their names, and the order they want.

    A callback's name is "<extension>/<file>/<moment>" and perhaps "/<its own name>"; for hooks of scripts the moment is "script_<hook>"
    and the last part the class. A section `[callbacks/<name>]` has `Before` and `After`; a name there stands for all that begin with it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: dict[Path, str] = {}
        self._metadata: list[Metadata] = []
        self._sorted: dict[tuple[str, ...], list[int]] = {}

    def learn(self, folders: Iterable[Path]) -> None:
        """Know these extensions, by their folders, and no others."""
        known = {folder: Metadata.read(folder / METADATA) for folder in dict.fromkeys(folders)}
        with self._lock:
            self._names = {folder: metadata.name or folder.name.lower() for folder, metadata in known.items()}
            self._metadata = [metadata for metadata in known.values() if any(name.startswith(SECTION) for name in metadata.sections)]
            self._sorted.clear()

    def full_name(self, file: str | Path, moment: str, label: str | None = None) -> str:
        """The name of a callback that `file` brings."""
        folder = self.folder_of(file)
        extension = "base" if folder is None else self._names[folder]
        return "/".join((extension, Path(file).name, moment, *([label] if label else [])))

    def folder_of(self, file: str | Path) -> Path | None:
        """The extension's folder that a file lies in; None = it belongs to none."""
        return next((folder for folder in self._names if Path(file).is_relative_to(folder)), None)

    def places(self, names: Sequence[str]) -> list[int]:
        """The order of these callbacks, as places in `names`."""
        if not self._metadata:
            return list(range(len(names)))
        key = tuple(name.lower() for name in names)
        with self._lock:
            if key not in self._sorted:
                order = sort_by_wishes([str(place) for place in range(len(key))], self._wishes(key, "before"), self._wishes(key, "after"))
                self._sorted[key] = [int(place) for place in order]
            return self._sorted[key]

    def _wishes(self, names: Sequence[str], field: str) -> dict[str, list[str]]:
        wishes: dict[str, list[str]] = {}
        for metadata in self._metadata:
            for section in metadata.sections:
                if section.startswith(SECTION):
                    others = [place for wanted in metadata.names(field, section) for place in _meant(names, wanted)]
                    for place in _meant(names, section.removeprefix(SECTION)):
                        wishes.setdefault(place, []).extend(others)
        return wishes


def _meant(names: Sequence[str], wanted: str) -> list[str]:
    return [str(place) for place, name in enumerate(names) if name == wanted or name.startswith(f"{wanted}/")]


ORDER = CallbackOrder()
