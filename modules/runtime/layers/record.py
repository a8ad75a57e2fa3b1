"""What is known of a kept document without opening it: a small JSON file beside it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from modules.base.errors import PentimentoError
from modules.base.files import write_atomically

DOCUMENT, RECORD = ".layers", ".json"


class UnknownDocument(PentimentoError):
    """No document is kept under that id, or it is another person's."""

    def __init__(self, document_id: object) -> None:
        super().__init__(f"no layered document is kept under the id {str(document_id)[:80]!r}: it was deleted, or never was")


class StaleRevision(PentimentoError):
    """The document was changed meanwhile, by another tab or a job; nothing was changed now.

    Attributes:
        revision: The one in force.
    """

    def __init__(self, got: int, revision: int) -> None:
        self.revision = revision
        super().__init__(
            f"revision: got {got}, wanted {revision}: the document was changed meanwhile, perhaps in another tab. "
            "Nothing was saved over; load the newer one, or keep yours as a copy"
        )


@dataclass(frozen=True)
class Record:
    """One document.

    Attributes:
        id: The document's.
        owner: Login of the person it belongs to; None = there are no logins, and it is everybody's.
        revision: Grows with every change; raised before the change is written, so that no one takes an older state for the newer.
        created_s, changed_s: Seconds since the epoch.
        notes: What a person should know of it: {"key": ..., ...}.
    """

    id: str
    name: str
    owner: str | None = None
    revision: int = 0
    created_s: float = field(default_factory=time.time)
    changed_s: float = field(default_factory=time.time)
    width: int = 0
    height: int = 0
    layers: int = 0
    notes: tuple[Mapping[str, Any], ...] = ()

    def belongs_to(self, user: str | None) -> bool:
        """Whether a person of that login may see it; without logins (None) everybody sees all."""
        return user is None or self.owner == user

    def raised(self) -> Record:
        """With the next revision."""
        return replace(self, revision=self.revision + 1, changed_s=time.time())

    def as_json(self) -> dict[str, Any]:
        """For the API: nothing about whose it is."""
        values = asdict(self)
        del values["owner"]
        return values | {"notes": [dict(note) for note in self.notes]}

    def write(self, folder: Path) -> None:
        """Write it beside the document; raises `SaveFailed`."""
        data = json.dumps(asdict(self), ensure_ascii=False, indent=1).encode("utf-8", "replace")
        write_atomically(folder / f"{self.id}{RECORD}", data)


def read_record(path: Path) -> Record | None:
    """The record in a file; None where it cannot be read or makes no sense."""
    try:
        values = json.loads(path.read_bytes())
        known = {entry.name for entry in fields(Record)}
        given = {name: value for name, value in values.items() if name in known}
        given["notes"] = tuple(dict(note) for note in given.get("notes", ()))
        record = Record(**given)
        is_sane = record.id == path.stem and isinstance(record.name, str) and isinstance(record.revision, int)
    except (OSError, ValueError, TypeError, AttributeError):
        return None
    return record if is_sane else None
