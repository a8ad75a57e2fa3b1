"""One process a folder: a lock that the operating system takes back when its holder ends, however it ends."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from modules.base.errors import PentimentoError, SaveFailed

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

LOCKED_BYTE = 1 << 30
"""Far behind what the file holds, so that others can read it: on Windows a locked range cannot be read."""


class FolderInUse(PentimentoError):
    """Another process holds the lock; the message says which, and what to do."""


class FolderLock:
    """Held from `__enter__` to `__exit__`, or to the end of the process.

    Args:
        path: The lock's file; made when it is not there, and left there. It tells who holds it.
        folder: What is locked, for the message.
        about: Told to whoever finds the folder locked, such as the address that is served.
    """

    def __init__(self, path: Path, folder: Path, about: str = "") -> None:
        self._path, self._folder, self._about = path, folder, about
        self._file: IO[bytes] | None = None

    def __enter__(self) -> FolderLock:
        """Take the lock.

        Raises:
            FolderInUse: Another process has it.
            SaveFailed: The file cannot be made.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = self._path.open("a+b")
        except OSError as error:
            why = error.strerror or error
            raise SaveFailed(f"the folder {self._folder} cannot be written ({why}); choose another one with --data-dir") from error
        try:
            _lock(file)
        except OSError:
            holder = _read(file)
            file.close()
            raise FolderInUse(self._describe(holder)) from None
        file.seek(0)
        file.truncate()
        file.write(json.dumps({"pid": os.getpid(), "about": self._about, "since_s": time.time()}).encode())
        file.flush()
        self._file = file
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _describe(self, holder: dict[str, Any]) -> str:
        known = [f"process {holder['pid']}"] if "pid" in holder else []
        known += [str(holder["about"])] if holder.get("about") else []
        known += [f"since {time.strftime('%Y-%m-%d %H:%M', time.localtime(holder['since_s']))}"] if "since_s" in holder else []
        who = f" ({', '.join(known)})" if known else ""
        return (
            f"another Pentimento{who} already uses the folder {self._folder}: use that one, stop it, or start this one with a folder "
            "of its own, --data-dir FOLDER"
        )


def _lock(file: IO[bytes]) -> None:
    if sys.platform == "win32":
        file.seek(LOCKED_BYTE)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _read(file: IO[bytes]) -> dict[str, Any]:
    """What the holder wrote, as far as it makes sense."""
    try:
        file.seek(0)
        values = json.loads(file.read(4096))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}
