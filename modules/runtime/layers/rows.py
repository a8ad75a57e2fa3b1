"""Tables that people make in spreadsheets: CSV in any common encoding, or JSON, as rows by column name."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from modules.base.errors import InvalidRequest

MAX_BYTES, MAX_ROWS, MAX_COLUMNS, MAX_CELL = 32 << 20, 10_000, 200, 100_000
ENCODINGS = (("utf-8-sig", ""), ("gb18030", "gbk"))
"""In this order, with the key of the note; bytes that are no UTF-8 are taken for GBK, as Chinese Excel writes it."""


@dataclass(frozen=True)
class Table:
    """What a table holds.

    Attributes:
        columns: In order.
        rows: Text by column; empty cells are left out.
        problems: By row number (from 1): why it cannot be used.
        notes: What a person should know: {"key": ..., ...}.
    """

    columns: tuple[str, ...]
    rows: tuple[dict[str, str], ...]
    problems: dict[int, str]
    notes: tuple[dict[str, Any], ...] = ()


def read_table(data: bytes, name: str = "table") -> Table:
    """Read a CSV file (comma, semicolon or tab) or a JSON file (a list of objects, or {"rows": [...]}).

    Raises:
        InvalidRequest: Too large, empty, without a header, a column twice, or no such file.
    """
    if len(data) > MAX_BYTES:
        raise InvalidRequest(name, f"{len(data) / 1e6:.1f} MB", f"a table of at most {MAX_BYTES >> 20} MB")
    text, notes = _decode(data, name)
    if "\0" in text:
        raise InvalidRequest(name, "bytes of 0", "a text file: CSV or JSON (spreadsheets: save as CSV)")
    if text.lstrip().startswith(("[", "{")):
        try:
            values = json.loads(text)
        except ValueError as error:
            raise InvalidRequest(name, text[:40], f"JSON that can be read ({error})") from error
        rows = values.get("rows") if isinstance(values, dict) else values
        table = from_values(rows, name)
    else:
        table = _read_csv(text, name)
    return Table(table.columns, table.rows, table.problems, tuple(notes))


def from_values(rows: Any, name: str = "rows") -> Table:
    """Rows of JSON values: texts, numbers, true and false; null = leave as it is.

    Raises:
        InvalidRequest: No list of objects, too many, or none.
    """
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidRequest(name, type(rows).__name__, "a list of objects, one a row")
    problems: dict[int, str] = {}
    read = []
    for number, row in enumerate(rows, 1):
        cells = {str(column).strip(): _text(value) for column, value in row.items() if value is not None and value != ""}
        wrong = next((column for column, value in cells.items() if value is None), None)
        if wrong is not None:
            problems[number] = f"{wrong}: a text, a number, true or false is wanted"
        read.append({column: value for column, value in cells.items() if value is not None})
    columns = list(dict.fromkeys(str(column).strip() for row in rows for column in row))
    return _checked(columns, read, problems, name)


def _read_csv(text: str, name: str) -> Table:
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t", key=first.count)
    try:
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(cell.strip() for cell in line)]
    except csv.Error as error:
        raise InvalidRequest(name, first[:40], f"a CSV file that can be read ({error})") from error
    if not lines:
        raise InvalidRequest(name, "nothing", "a table with a line of column names and at least one row")
    columns = [cell.strip() for cell in lines[0]]
    while columns and not columns[-1]:
        columns.pop()
    problems, rows = {}, []
    for number, line in enumerate(lines[1:], 1):
        if any(cell.strip() for cell in line[len(columns) :]):
            problems[number] = f"it has {len(line)} cells, and the table {len(columns)} columns: put texts with commas into quotes"
        rows.append({column: cell for column, cell in zip(columns, line, strict=False) if cell.strip()})
    return _checked(columns, rows, problems, name)


def _checked(columns: list[str], rows: list[dict[str, str]], problems: dict[int, str], name: str) -> Table:
    twice = [column for column, count in Counter(columns).items() if count > 1]
    if twice:
        raise InvalidRequest(name, twice[0], "each column name once")
    if "" in columns or not columns:
        raise InvalidRequest(name, columns, "a name for every column in the first line")
    if not rows:
        raise InvalidRequest(name, "no rows", "at least one row below the column names")
    if len(rows) > MAX_ROWS or len(columns) > MAX_COLUMNS:
        raise InvalidRequest(name, f"{len(rows)} rows, {len(columns)} columns", f"at most {MAX_ROWS} rows and {MAX_COLUMNS} columns")
    for number, row in enumerate(rows, 1):
        long = next((column for column, value in row.items() if len(value) > MAX_CELL), None)
        if long is not None:
            problems.setdefault(number, f"{long}: more than {MAX_CELL} characters")
    return Table(tuple(columns), tuple(rows), problems)


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ";".join(value)
    return str(value) if isinstance(value, str | int | float) else None


def _decode(data: bytes, name: str) -> tuple[str, list[dict[str, Any]]]:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace"), []
    for encoding, note in ENCODINGS:
        try:
            return data.decode(encoding), [{"key": "read_as", "encoding": note}] if note else []
        except UnicodeDecodeError:
            continue
    raise InvalidRequest(name, data[:20], "text in UTF-8 or GBK; save the table as CSV UTF-8")
