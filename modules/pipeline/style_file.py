"""Editing A1111's `styles.csv`: cells, columns and rows that we do not know stay as they are."""

from __future__ import annotations

import csv
import io
import threading
from dataclasses import dataclass, field
from pathlib import Path

from modules.base.errors import InvalidRequest, SaveFailed
from modules.base.files import keep_aside, write_atomically
from modules.pipeline.styles import LARGEST_FILE_BYTES, Style, read_styles

COLUMNS = ("name", "prompt", "negative_prompt")
OLD_NAMES = {"prompt": "text"}
"""What A1111 called a column before."""
LONGEST_NAME = 200
BYTE_ORDER_MARK = "\ufeff"
_editing = threading.Lock()


@dataclass
class StyleTable:
    """The cells of a `styles.csv`.

    Attributes:
        header: Names of the columns.
        rows: Cells of each row, perhaps fewer or more than columns.
        has_mark: The file begins with a byte order mark, as A1111 writes it.
        newline: How its lines end.
    """

    header: list[str] = field(default_factory=lambda: list(COLUMNS))
    rows: list[list[str]] = field(default_factory=list)
    has_mark: bool = True
    newline: str = "\r\n"

    def find(self, name: str) -> int | None:
        """Index of the row whose style is used under `name`: the last of them."""
        place = self._column("name")
        found = [index for index, row in enumerate(self.rows) if place < len(row) and row[place] == name]
        return found[-1] if found else None

    def put(self, index: int | None, style: Style) -> None:
        """Write a style into a row; None = a new one at the end. Other cells of the row stay."""
        if index is None:
            self.rows.append([])
            index = len(self.rows) - 1
        row = self.rows[index]
        for column in COLUMNS:
            place = self._column(column)
            row.extend([""] * (place + 1 - len(row)))
            row[place] = getattr(style, column)

    def remove(self, name: str) -> bool:
        """Take out all rows of that name; returns whether there were any."""
        place, before = self._column("name"), len(self.rows)
        self.rows = [row for row in self.rows if place >= len(row) or row[place] != name]
        return len(self.rows) < before

    def _column(self, name: str) -> int:
        for known in (name, OLD_NAMES.get(name)):
            if known in self.header:
                return self.header.index(known)
        self.header.append(name)
        return len(self.header) - 1

    def encode(self) -> bytes:
        """The file's bytes; quoted where needed, as `csv` and A1111 do."""
        lines = [",".join(_quote(cell) for cell in row) for row in (self.header, *self.rows)]
        return ((BYTE_ORDER_MARK if self.has_mark else "") + "".join(line + self.newline for line in lines)).encode("utf-8")


def _quote(cell: str) -> str:
    # A space in front would be skipped on reading (`skipinitialspace`).
    if cell.startswith(" ") or any(sign in cell for sign in ',"\r\n'):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def read_table(path: Path) -> StyleTable:
    """The cells of `path`; a missing or empty file is an empty table.

    Raises:
        ValueError: It is no such table: not UTF-8, no columns `name` and `prompt`, a broken or overlong field.
        SaveFailed: It cannot be read at all.
    """
    try:
        if not path.exists() or path.stat().st_size == 0:
            return StyleTable()
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise ValueError(f"more than {LARGEST_FILE_BYTES} bytes")
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise SaveFailed(f"cannot read {path.name}: {error.strerror or error}") from error
    marked, text = text.startswith(BYTE_ORDER_MARK), text.removeprefix(BYTE_ORDER_MARK)
    try:
        cells = [row for row in csv.reader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True) if row]
    except csv.Error as error:
        raise ValueError(str(error)) from error
    header = cells[0] if cells else list(COLUMNS)
    if "name" not in header or not {"prompt", OLD_NAMES["prompt"]} & set(header):
        raise ValueError("it has no columns name and prompt")
    return StyleTable(header, cells[1:], marked, "\r\n" if "\r\n" in text else "\n")


@dataclass(frozen=True)
class Rescue:
    """A `styles.csv` that could not be read: where it lies now, what is wrong with it, and how many of its styles went into a new one."""

    aside: Path
    reason: str
    saved: int


def check_file(path: Path) -> Rescue | None:
    """Put a `styles.csv` aside that is no table, so that nothing overwrites it, and begin a new one with what can be read of it.

    Returns:
        What was done; None = nothing was wrong.

    Raises:
        SaveFailed: The folder cannot be written.
    """
    with _editing:
        try:
            read_table(path)
        except ValueError as error:
            aside = keep_aside(path)
            styles = read_styles(aside)
            if styles:
                write_atomically(path, StyleTable(rows=[[style.name, style.prompt, style.negative_prompt] for style in styles]).encode())
            return Rescue(aside, str(error), len(styles))
        except SaveFailed:
            return None
    return None


def save_style(path: Path, style: Style, old_name: str | None = None) -> None:
    """Add a style, or change the one named `old_name`.

    Raises:
        InvalidRequest: The name is empty, too long, or another style's.
        SaveFailed: The file cannot be written; it is as it was.
        ValueError: The file is no table; see `check_file`.
    """
    if not style.name.strip() or len(style.name) > LONGEST_NAME or "\n" in style.name:
        raise InvalidRequest("name", style.name, f"one line of 1 to {LONGEST_NAME} characters")
    with _editing:
        table = read_table(path)
        index = table.find(old_name) if old_name else None
        if style.name != old_name and table.find(style.name) is not None:
            raise InvalidRequest("name", style.name, "a name that no other style has")
        table.put(index, style)
        write_atomically(path, table.encode())


def delete_style(path: Path, name: str) -> None:
    """Remove a style.

    Raises:
        InvalidRequest: There is none of that name.
        SaveFailed: The file cannot be written; it is as it was.
        ValueError: The file is no table; see `check_file`.
    """
    with _editing:
        table = read_table(path)
        if not table.remove(name):
            raise InvalidRequest("name", name, "the name of a style")
        write_atomically(path, table.encode())
