"""A1111's `scripts.list_scripts`: files of the program and of extensions, as scripts look for them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from modules.plugins.extensions import entries
from modules.runtime.shared_objects import SHARED


class ListedFile(NamedTuple):
    """A file; the names are A1111's. `basedir` is the extension's folder or the program's own."""

    basedir: str
    filename: str
    path: str


def list_scripts(scriptdirname: str, extension: str, *, include_extensions: bool = True) -> list[ListedFile]:
    """Files with this suffix in this folder of the program and of every enabled extension, by name."""
    folders = [SHARED.session.paths.scripts.parent, *(_extension_folders() if include_extensions else [])]
    return [
        ListedFile(str(folder), path.name, str(path))
        for folder in folders
        for path in entries(folder / scriptdirname)
        if path.suffix.lower() == extension.lower() and path.is_file()
    ]


def list_files_with_name(filename: str) -> list[str]:
    """Files of this name right in the folders of the program and of enabled extensions."""
    folders = [SHARED.session.paths.scripts.parent, *_extension_folders()]
    return [str(folder / filename) for folder in folders if (folder / filename).is_file()]


def _extension_folders() -> list[Path]:
    return [extension.path for extension in SHARED.session.extensions if extension.is_enabled]
