"""Writing that cannot leave half a file behind."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from modules.base.errors import SaveFailed

REPLACE_TRIES, REPLACE_AFTER_S = 5, 0.05


def write_atomically(path: Path, data: bytes) -> None:
    """Write `data` to a temporary name beside `path`, then rename over it.

    Raises:
        SaveFailed: Disk full, no permission, or any other `OSError`; an existing `path` is untouched.
    """
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        _replace(temporary, path)
    except OSError as error:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)
        raise SaveFailed(f"cannot write {path.name} in {path.parent}: {error.strerror or error}") from error


def _replace(temporary: str, path: Path) -> None:
    """Rename over `path`; Windows refuses for as long as another thread reads it, which is mostly short."""
    for _ in range(REPLACE_TRIES - 1):
        try:
            return os.replace(temporary, path)
        except PermissionError:
            time.sleep(REPLACE_AFTER_S)
    os.replace(temporary, path)


def keep_aside(path: Path) -> Path:
    """Rename a file that cannot be read to the first free of `name.broken.ext`, `name.broken-2.ext` ...; returns its new path.

    Raises:
        SaveFailed: The folder cannot be written.
    """
    try:
        aside = _free_name(path)
        path.replace(aside)
    except OSError as error:
        raise SaveFailed(f"cannot put {path.name} aside in {path.parent}: {error.strerror or error}") from error
    return aside


def _free_name(path: Path) -> Path:
    number, aside = 1, path.with_name(f"{path.stem}.broken{path.suffix}")
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.stem}.broken-{number}{path.suffix}")
    return aside
