"""sha256 of large files, remembered by size and time of change."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from pathlib import Path
from typing import Any

from modules.base.errors import SaveFailed
from modules.base.files import write_atomically

log = logging.getLogger(__name__)
_CHUNK = 1 << 20


class HashCache:
    """A JSON file: path -> size, mtime_ns, sha256. Safe to share between threads.

    Args:
        file: Where it is kept; a missing or unreadable one is an empty one.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._entries: dict[str, dict[str, Any]] = _read_entries(file)

    def get(self, path: Path, size: int, mtime_ns: int) -> str:
        """The sha256 of `path` as it is now, in lower-case hex; "" when it was never computed."""
        entry = self._entries.get(str(path))
        is_same = entry is not None and entry.get("size") == size and entry.get("mtime_ns") == mtime_ns
        return str(entry["sha256"]) if entry is not None and is_same else ""

    def put(self, path: Path, size: int, mtime_ns: int, digest: str) -> None:
        """Remember the sha256 of `path` as it is now, and write the file."""
        with self._lock:
            self._entries[str(path)] = {"size": size, "mtime_ns": mtime_ns, "sha256": digest}
            data = json.dumps({"version": 1, "files": self._entries}, indent=1).encode()
            try:
                write_atomically(self._file, data)
            except SaveFailed as error:
                log.warning("Checkpoint hashes will be computed again next time: %s", error)


def hash_file(path: Path, start: int = 0) -> str:
    """sha256 of everything from byte `start` on, in lower-case hex; about a second a GiB."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        file.seek(start)
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _read_entries(file: Path) -> dict[str, dict[str, Any]]:
    try:
        document = json.loads(file.read_bytes())
        return {str(path): dict(entry) for path, entry in document["files"].items() if isinstance(entry["sha256"], str)}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("%s is unreadable and will be written anew: %s", file.name, error)
        return {}
