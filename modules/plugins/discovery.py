"""Where scripts are found, and in which order."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ScriptFile:
    """A file that may hold scripts.

    Attributes:
        path: The file.
        basedir: The extension it belongs to, or the program's own folder.
    """

    path: Path
    basedir: Path


def find_scripts(scripts: Path, *extension_folders: Path) -> list[ScriptFile]:
    """All script files: the program's own by name, then those of each extension, extensions by name.

    Args:
        scripts: The folder of the program's own scripts.
        extension_folders: Folders of extensions, each of which may have a folder `scripts`; in order.
    """
    found = [ScriptFile(path, scripts.parent) for path in _python_files(scripts)]
    for folder in extension_folders:
        for extension in _folders(folder):
            found += [ScriptFile(path, extension) for path in _python_files(extension / "scripts")]
    return found


def _folders(folder: Path) -> list[Path]:
    return [path for path in _entries(folder) if path.is_dir() and path.name != "__pycache__"]


def _python_files(folder: Path) -> list[Path]:
    return [path for path in _entries(folder) if path.suffix == ".py" and path.is_file()]


def _entries(folder: Path) -> Iterable[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        logger.warning("%s cannot be read: %s", folder, error)
        return []
