"""Where scripts are found, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from modules.plugins.extensions import Extension, entries, sort_by_wishes


@dataclass(frozen=True)
class ScriptFile:
    """A file that may hold scripts.

    Attributes:
        path: The file.
        basedir: The extension it belongs to, or the program's own folder.
    """

    path: Path
    basedir: Path


@dataclass(frozen=True)
class _Place:
    """A script file, the name that others' `metadata.ini` may call it by, and its extension (None = the program's own)."""

    file: ScriptFile
    name: str
    extension: Extension | None

    def wishes(self, *keys: str) -> list[str]:
        if self.extension is None:
            return []
        sections = ("scripts", f"scripts/{self.file.path.name}")
        return [name for key in keys for name in self.extension.metadata.names(key, *sections)]


def find_scripts(scripts: Path, extensions: Sequence[Extension] = ()) -> list[ScriptFile]:
    """All script files: the program's own by name, then those of each enabled extension, as `metadata.ini` files order them.

    Args:
        scripts: The folder of the program's own scripts.
        extensions: In order, each with its files in a folder `scripts`.
    """
    places = [_Place(ScriptFile(path, scripts.parent), path.name.lower(), None) for path in _python_files(scripts)]
    for extension in extensions:
        if extension.is_enabled:
            prefix = "builtin/" if extension.is_builtin else ""
            for path in extension.files("scripts", (".py",)):
                name = f"{prefix}{extension.canonical_name}/{path.name.lower()}"
                places.append(_Place(ScriptFile(path, extension.path), name, extension))
    return _in_order(places)


def _in_order(places: Sequence[_Place]) -> list[ScriptFile]:
    by_key = {str(place.file.path): place for place in places}
    called: dict[str, list[str]] = {}
    for key, place in by_key.items():
        for name in {place.name, place.extension.canonical_name if place.extension else place.name}:
            called.setdefault(name, []).append(key)

    def wishes(*keys: str) -> dict[str, list[str]]:
        return {key: [other for name in place.wishes(*keys) for other in called.get(name, ())] for key, place in by_key.items()}

    return [by_key[key].file for key in sort_by_wishes(list(by_key), wishes("before"), wishes("after", "requires"))]


def _python_files(folder: Path) -> list[Path]:
    return [path for path in entries(folder) if path.suffix == ".py" and path.is_file()]
