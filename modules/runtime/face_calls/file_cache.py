"""A1111's `hashes` and `cache`: what extensions remember of files between starts."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from modules.backends.hashes import HashCache, hash_file
from modules.base.files import write_atomically
from modules.runtime.shared_objects import SHARED

MAKING = threading.RLock()
HASHES = "extensions-hashes.json"


def calculate_sha256(filename: str) -> str:
    """Of a whole file, in lower-case hex."""
    return hash_file(Path(filename))


def sha256(filename: str, title: str = "", use_addnet_hash: bool = False) -> str | None:
    """The same, remembered by size and time of change; None where there is no file.

    Args:
        title: Accepted.
        use_addnet_hash: Of the tensors of a `.safetensors` file alone, without its head.
    """
    path = Path(filename)
    if not path.is_file():
        return None
    if use_addnet_hash:
        with path.open("rb") as file:
            return addnet_hash_safetensors(file)
    status = path.stat()
    cache = HashCache(SHARED.paths.cache / HASHES)
    known = cache.get(path, status.st_size, status.st_mtime_ns)
    if not known:
        known = hash_file(path)
        cache.put(path, status.st_size, status.st_mtime_ns, known)
    return known


def sha256_from_cache(filename: str, title: str = "", use_addnet_hash: bool = False) -> str | None:
    """The remembered one, or None."""
    path = Path(filename)
    if not path.is_file() or use_addnet_hash:
        return None
    status = path.stat()
    return HashCache(SHARED.paths.cache / HASHES).get(path, status.st_size, status.st_mtime_ns) or None


def addnet_hash_safetensors(b: Any) -> str:
    """sha256 of what comes behind the head of an open `.safetensors` file."""
    b.seek(0)
    length = int.from_bytes(b.read(8), "little")
    b.seek(length + 8)
    return hashlib.file_digest(b, "sha256").hexdigest()


class FileCache(dict[str, Any]):
    """`cache.cache(name)`: a table that an extension keeps between starts, in the folder cache/extensions; every change is written.

    Args:
        file: Where it lies; a missing or unreadable one is an empty one.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            stored = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            stored = {}
        super().__init__(stored if isinstance(stored, dict) else {})

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        self.save()

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self.save()

    def save(self) -> None:
        """Write it now."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self._file, json.dumps(self, default=str).encode())


CACHES: dict[str, FileCache] = {}


def cache(subsection: str) -> FileCache:
    """The table of that name."""
    with MAKING:
        safe = "".join(sign if sign.isalnum() or sign in "-_" else "_" for sign in subsection)
        if safe not in CACHES:
            CACHES[safe] = FileCache(SHARED.paths.cache / "extensions" / f"{safe}.json")
        return CACHES[safe]


def cached_data_for_file(subsection: str, title: str, filename: str, func: Callable[[], Any]) -> Any:
    """What `func` gives for a file, remembered until the file changes; None is not remembered."""
    changed_s = os.path.getmtime(filename)
    entries = cache(subsection)
    entry = entries.get(title)
    if isinstance(entry, dict) and entry.get("mtime", 0) >= changed_s and "value" in entry:
        return entry["value"]
    value = func()
    if value is not None:
        entries[title] = {"mtime": changed_s, "value": value}
    return value


def dump_cache() -> None:
    """Accepted: every change is written when it is made."""
