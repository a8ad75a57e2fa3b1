"""What became of a batch, as a table: CSV for spreadsheets, JSON for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from modules.base.files import write_atomically
from modules.runtime.batch.manifest import Manifest

CSV, JSON = "report.csv", "report.json"
COLUMNS = ("file", "mask", "state", "outputs", "seeds", "seconds", "changed_outside", "error", "notes")
BOM = "\ufeff"
"""Without it, Excel reads UTF-8 as the local encoding."""
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def report_rows(manifest: Manifest) -> Iterator[dict[str, Any]]:
    """A row a file, in the order of the batch."""
    for item in manifest.plan.items:
        status = manifest.status(item)
        yield {
            "file": item.pair.picture.name,
            "mask": item.pair.mask.name if item.pair.mask else None,
            "state": status.state.value,
            "outputs": list(status.outputs) if status.state.value == "done" else [],
            "seeds": list(status.seeds),
            "seconds": status.seconds,
            "changed_outside": status.changed_outside,
            "error": status.error,
            "notes": list(status.notes),
        }


def as_csv(manifest: Manifest) -> bytes:
    """UTF-8 with a mark of its encoding; several values in a cell stand below each other."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in report_rows(manifest):
        writer.writerow([_cell(row[name]) for name in COLUMNS])
    return (BOM + text.getvalue()).encode("utf-8", "replace")


def as_json(manifest: Manifest) -> bytes:
    """The rows with the batch's own facts."""
    counts = {state.value: count for state, count in manifest.counts().items()}
    facts = {
        "id": manifest.id,
        "created": datetime.fromtimestamp(manifest.created_s).astimezone().isoformat(timespec="seconds"),
        "output_folder": str(manifest.plan.output_folder),
        "seed": manifest.seed,
        "counts": counts,
        "recipe": manifest.recipe,
        "files": list(report_rows(manifest)),
    }
    return json.dumps(facts, indent=1).encode()


def write_reports(manifest: Manifest) -> None:
    """Write both beside the manifest.

    Raises:
        SaveFailed: They cannot be written.
    """
    write_atomically(manifest.folder / CSV, as_csv(manifest))
    write_atomically(manifest.folder / JSON, as_json(manifest))


def _cell(value: object) -> object:
    """A cell's text. A name that a spreadsheet would take for a formula gets an apostrophe, as OWASP's page on CSV injection advises."""
    if value is None:
        return ""
    if isinstance(value, list):
        value = "\n".join(str(part) for part in value)
    if isinstance(value, str) and value.startswith(FORMULA_SIGNS) and not value.lstrip("-").isdigit():
        return f"'{value}"
    return value
