"""How the parts of a long work stand, on disk: one line whenever a state changes, so that what was left can be gone on with."""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from modules.base.errors import SaveFailed
from modules.base.files import write_atomically

BOM = "\ufeff"
"""Without it, Excel reads UTF-8 as the local encoding."""
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
MAX_ATTEMPTS = 3
"""How often a part is tried that took the whole program with it."""
CRASHED = "the program ended several times while it worked on this"
RUNNING, DONE, FAILED = "running", "done", "failed"


class Ledger:
    """States by key, in a file of JSON lines; the last of a key counts, and a line that was cut off is none.

    Args:
        path: The file; made with the first state.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._states: dict[str, dict[str, Any]] = {}
        self._makers: dict[str, str] = {}  # by file: the key that was last to write it
        self._read()

    def is_done(self, key: str) -> bool:
        """Whether it is made, and all its files are still there, and no other part has written over them since."""
        state = self._states.get(key, {})
        return state.get("state") == DONE and all(
            self._makers.get(name) == key and (self._path.parent / name).exists() for name in state.get("files", ())
        )

    def state(self, key: str) -> Mapping[str, Any]:
        """{"state", "files", "error", ...}; empty where nothing was begun."""
        return self._states.get(key, {})

    def strangers(self) -> list[str]:
        """Names in the folder that no work noted here has made: nothing may be written over them."""
        try:
            names = os.listdir(self._path.parent)
        except OSError:
            return []
        return [name for name in names if name not in self._makers and name != self._path.name]

    def begin(self, key: str, files: Sequence[str]) -> bool:
        """Note that it is begun, and what it will write; False = the program ended too often while it worked on this."""
        before = self._states.get(key, {})
        attempts = before.get("attempts", 0) if before.get("state") == RUNNING else 0
        if attempts >= MAX_ATTEMPTS:
            self.note(key, {"state": FAILED, "error": CRASHED})
            return False
        self.note(key, {"state": RUNNING, "attempts": attempts + 1, "files": list(files)})
        return True

    def forget(self, key: str) -> None:
        """It was put off, and counts as not begun."""
        self.note(key, {})

    def note(self, key: str, state: Mapping[str, Any]) -> None:
        """Write a state down.

        Raises:
            SaveFailed: It cannot be written.
        """
        self._take(key, state)
        line = json.dumps({"key": key, **state}, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise SaveFailed(f"cannot write {self._path.name} in {self._path.parent}: {error.strerror or error}") from error

    def _take(self, key: str, state: Mapping[str, Any]) -> None:
        self._states[key] = dict(state)
        self._makers.update(dict.fromkeys(map(str, state.get("files", ())), key))

    def _read(self) -> None:
        try:
            lines = self._path.read_bytes().splitlines()
        except OSError:
            return
        for line in lines:
            try:
                state = json.loads(line)
                self._take(str(state.pop("key")), state)
            except (ValueError, KeyError, AttributeError, TypeError):
                continue


def key_of(*parts: object) -> str:
    """A short name for what a part is made from: another picture, settings or template = another part."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode("utf-8", "replace")).hexdigest()[:24]


def write_table(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """A CSV file in UTF-8 with a mark of its encoding; raises `SaveFailed`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in columns])
    write_atomically(path, (BOM + text.getvalue()).encode("utf-8", "replace"))


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """A JSON file; raises `SaveFailed`."""
    write_atomically(path, json.dumps(values, ensure_ascii=False, indent=1).encode("utf-8", "replace"))


def _cell(value: object) -> object:
    """A cell's text; what a spreadsheet would take for a formula gets an apostrophe, as OWASP's page on CSV injection advises."""
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        value = "\n".join(str(part) for part in value)
    if isinstance(value, str) and value.startswith(FORMULA_SIGNS) and not value.lstrip("-").isdigit():
        return f"'{value}"
    return value


def numbered(stem: str) -> Iterator[str]:
    """stem, stem-2, stem-3 ..."""
    yield stem
    for number in itertools.count(2):
        yield f"{stem}-{number}"
