"""What is put in order after a start, in the background: leavings of a process that was killed, and pictures that nothing needs."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from modules.base.errors import UnsafePath
from modules.base.paths import Paths, contain
from modules.runtime.history.history import History
from modules.settings.options import Options

logger = logging.getLogger(__name__)

STILL_FOR_S = 3.0
"""A half-written file that another program (`launch.py img2img`) is at changes or disappears within this time."""


def start_upkeep(history: History, paths: Paths, options: Options) -> threading.Thread:
    """Run `tend` in a thread of its own."""
    folders = written_folders(paths, options)
    thread = threading.Thread(target=tend, args=(history, folders), name="pentimento-upkeep", daemon=True)
    thread.start()
    return thread


def written_folders(paths: Paths, options: Options) -> list[Path]:
    """Where results go: `outputs`, and what the folder options name elsewhere in the data folder."""
    folders = [paths.outputs]
    for name in (value for key, value in options.as_dict().items() if key.startswith("outdir_") and value):
        try:
            folder = contain(paths.data, name)
        except UnsafePath:
            continue
        if folder != paths.data and not any(folder.is_relative_to(known) for known in folders):
            folders.append(folder)
    return folders


def tend(history: History, folders: Sequence[Path]) -> None:
    """Remove half files, forgotten jobs, pictures that nothing needs, and entries beyond the budget."""
    try:
        removed = remove_half_files(folders)
        history.jobs.prune()
        orphans = history.collect_orphans()
        history.keep_budget()
    except Exception:
        logger.exception("the history's folder could not be put in order")
    else:
        logger.debug("%d half files and %d pictures that nothing needed were removed", removed, orphans)


def remove_half_files(folders: Iterable[Path], still_for_s: float = STILL_FOR_S) -> int:
    """Remove what `write_atomically` and the like left behind when the process was killed; returns how many files."""
    seen = {path: _state(path) for folder in folders for path in _half_files(folder)}
    if not seen:
        return 0
    time.sleep(still_for_s)
    stale = [path for path, state in seen.items() if state is not None and _state(path) == state]
    for path in stale:
        path.unlink(missing_ok=True)
    return len(stale)


def _half_files(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        yield from (Path(place, name) for name in names if name.startswith(".") and name.endswith(".part"))


def _state(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
