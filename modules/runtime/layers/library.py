"""All layered documents of an installation: listed, opened, changed one step at a time and saved after each.

A document is one file `<id>.layers`, written whole under another name first, with a small record beside it. Heavy libraries come with the
first document that is opened: what renders is loaded by dotted name.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from modules.base.errors import InvalidRequest, PentimentoError, SaveFailed
from modules.base.registry import load_dotted
from modules.pipeline.layers.document import LayerDocument
from modules.runtime.layers.opened import Opened, apply_edits, create_opened, open_file
from modules.runtime.layers.record import DOCUMENT, RECORD, Record, StaleRevision, UnknownDocument, read_record

logger = logging.getLogger(__name__)

BIN, KEPT_IN_BIN_S = "deleted", 30 * 24 * 3600.0
KEPT_OPEN = 3
_ID = re.compile(r"[0-9A-Za-z_-]{16,64}")

Change = Callable[[LayerDocument, Any], LayerDocument]
"""(document, sources) -> the changed one."""


@dataclass(frozen=True)
class State:
    """A document as it stands."""

    record: Record
    document: LayerDocument
    can_undo: bool
    can_redo: bool


class LayerLibrary:
    """May be used from any thread; changes of one document wait for each other.

    Args:
        folder: Where the documents are; made with the first.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._opened: OrderedDict[str, Opened] = OrderedDict()
        self._locks: WeakValueDictionary[str, threading.RLock] = WeakValueDictionary()

    def list(self, user: str | None = None) -> list[Record]:
        """A person's documents, the last changed first."""
        try:
            names = [entry.name for entry in os.scandir(self.folder) if entry.name.endswith(DOCUMENT)]
        except FileNotFoundError:
            return []
        records = (self._record(name.removesuffix(DOCUMENT)) for name in names if not name.startswith("."))
        own = [record for record in records if record is not None and record.belongs_to(user)]
        return sorted(own, key=lambda record: record.changed_s, reverse=True)

    def has(self, document_id: str, user: str | None = None) -> bool:
        """Whether that person may open it."""
        record = self._record(document_id)
        return record is not None and record.belongs_to(user)

    def create(self, document: LayerDocument, sources: Any, user: str | None = None, notes: Sequence[Mapping[str, Any]] = ()) -> State:
        """Keep a new document.

        Args:
            sources: Have its pixels.

        Raises:
            SaveFailed: It cannot be written.
        """
        with self._lock_of(document.id):
            record = replace(_describe(Record(document.id, document.name, user), document), notes=tuple(notes))
            record.write(self.folder)
            opened = create_opened(record, document, sources)
            try:
                opened.save(self._path(document.id))
            except BaseException:
                (self.folder / f"{document.id}{RECORD}").unlink(missing_ok=True)
                raise
            self._remember(opened)
            return _state(opened)

    def get(self, document_id: str, user: str | None = None) -> State:
        """The document as it stands.

        Raises:
            UnknownDocument: There is none, or it is another's.
            InvalidRequest: Its file is damaged, or of a newer version.
        """
        return self.look(document_id, user, _state)

    def look(self, document_id: str, user: str | None, ask: Callable[[Opened], Any]) -> Any:
        """What `ask` finds out of an open document, while nobody changes it; errors as `get`."""
        with self._lock_of(document_id):
            return ask(self._open(document_id, user))

    def change(self, document_id: str, revision: int | None, change: Change, user: str | None = None) -> State:
        """Change a document by one step that can be undone, and save it.

        Args:
            revision: The one that the change starts from; None = whichever is in force.
            change: Gives the new document; where it raises, nothing is changed.

        Raises:
            StaleRevision: It was changed meanwhile.
            UnknownDocument, InvalidRequest, SaveFailed: As told; the document is as before.
        """

        def step(opened: Opened) -> bool:
            document = change(opened.document, opened.sources)
            if document == opened.document:
                return False
            opened.push(document)
            return True

        return self._step(document_id, revision, step, user)

    def edit(self, document_id: str, revision: int | None, edits: Sequence[Mapping[str, Any]], user: str | None = None) -> State:
        """Carry out edits (`pipeline.layers.edits`) as one step: all of them, or none; errors as `change`."""
        return self.change(document_id, revision, lambda document, sources: apply_edits(document, edits, sources), user)

    def undo(self, document_id: str, revision: int | None = None, user: str | None = None) -> State:
        """One step back; errors as `change`."""
        return self._step(document_id, revision, Opened.undo, user)

    def redo(self, document_id: str, revision: int | None = None, user: str | None = None) -> State:
        """One step forth again; errors as `change`."""
        return self._step(document_id, revision, Opened.redo, user)

    def rename(self, document_id: str, name: str, user: str | None = None) -> State:
        """Give another name, as one step; errors as `change`."""
        name = name.strip()
        if not name or len(name) > 200 or not name.isprintable():
            raise InvalidRequest("name", name, "a name of 1 to 200 printable characters")
        return self.change(document_id, None, lambda document, sources: replace(document, name=name), user)

    def copy(self, document_id: str, name: str = "", user: str | None = None, wanted: Mapping[str, Any] | None = None) -> State:
        """A document of its own with the same layers and no steps to undo.

        Args:
            wanted: The state to copy, as JSON, where it is another than the one in force: what a tab had that came too late.

        Raises:
            UnknownDocument: There is none of theirs.
            InvalidRequest: `wanted` is no document, or names pixels that this one never had.
        """

        def take(opened: Opened) -> State:
            document = opened.document if wanted is None else opened.read_state(wanted)
            tidy_name: Any = load_dotted("modules.pipeline.layers.naming:tidy_name")
            named = tidy_name("name", name if name.strip() else f"{document.name[:100]} copy")
            document = replace(document, id=new_id(), name=named)
            return self.create(document, opened.sources_of(document), user)

        copied: State = self.look(document_id, user, take)
        return copied

    def delete(self, document_id: str, user: str | None = None) -> None:
        """Put a document into the bin, where `restore` finds it for a month.

        Raises:
            UnknownDocument: There is none of theirs.
            SaveFailed: It cannot be moved.
        """
        with self._lock_of(document_id):
            if not self.has(document_id, user):
                raise UnknownDocument(document_id)
            with self._lock:
                self._opened.pop(document_id, None)
            self._move(document_id, self.folder, self.folder / BIN)
        self.empty_bin()

    def restore(self, document_id: str, user: str | None = None) -> Record:
        """Take a document out of the bin again; errors as `delete`."""
        with self._lock_of(document_id):
            record = read_record(self.folder / BIN / f"{document_id}{RECORD}")
            if record is None or not record.belongs_to(user):
                raise UnknownDocument(document_id)
            self._move(document_id, self.folder / BIN, self.folder)
            return record

    def empty_bin(self, older_s: float = KEPT_IN_BIN_S) -> None:
        """Delete for good what was deleted longer ago."""
        with suppress(OSError):
            for path in (self.folder / BIN).iterdir():
                if time.time() - path.stat().st_mtime > older_s:
                    path.unlink(missing_ok=True)

    def _step(self, document_id: str, revision: int | None, step: Callable[[Opened], bool], user: str | None) -> State:
        with self._lock_of(document_id):
            opened = self._open(document_id, user)
            if revision is not None and revision != opened.record.revision:
                raise StaleRevision(revision, opened.record.revision)
            try:
                is_changed = step(opened)
            except BaseException:
                opened.forget_new()
                raise
            if not is_changed:
                opened.forget_new()
                return _state(opened)
            opened.record = _describe(opened.record.raised(), opened.document)
            try:
                opened.record.write(self.folder)
                opened.save(self._path(document_id))
            except BaseException:
                with self._lock:  # what is on the disk counts
                    self._opened.pop(document_id, None)
                raise
            return _state(opened)

    def _open(self, document_id: str, user: str | None) -> Opened:
        """The open document; its lock is held."""
        with self._lock:
            opened = self._opened.get(document_id)
            if opened is not None:
                self._opened.move_to_end(document_id)
        if opened is None:
            record = self._record(document_id)
            if record is None or not record.belongs_to(user):
                raise UnknownDocument(document_id)
            opened = open_file(self._path(document_id), record)
            self._remember(opened)
        if not opened.record.belongs_to(user):
            raise UnknownDocument(document_id)
        return opened

    def _remember(self, opened: Opened) -> None:
        with self._lock:
            self._opened[opened.record.id] = opened
            self._opened.move_to_end(opened.record.id)
            while len(self._opened) > KEPT_OPEN:
                self._opened.popitem(last=False)  # all of it is on the disk

    def _record(self, document_id: str) -> Record | None:
        """What is known of a document that is there; where its record is lost, what its file tells."""
        if not _ID.fullmatch(document_id) or not self._path(document_id).is_file():
            return None
        record = read_record(self.folder / f"{document_id}{RECORD}")
        if record is not None:
            return record
        try:
            document = open_file(self._path(document_id), Record(document_id, document_id)).document
        except (PentimentoError, OSError) as error:
            logger.warning("the document %s cannot be listed: %s", document_id, error)
            return Record(document_id, document_id, notes=({"key": "damaged", "detail": str(error)},))
        record = _describe(Record(document_id, document.name), document)
        with suppress(SaveFailed):
            record.write(self.folder)
        return record

    def _path(self, document_id: str) -> Path:
        return self.folder / f"{document_id}{DOCUMENT}"

    def _lock_of(self, document_id: str) -> threading.RLock:
        with self._lock:
            lock = self._locks.get(check_id(document_id)) or threading.RLock()
            self._locks[document_id] = lock  # for as long as anybody holds it
            return lock

    def _move(self, document_id: str, source: Path, target: Path) -> None:
        try:
            target.mkdir(parents=True, exist_ok=True)
            for suffix in (RECORD, DOCUMENT):
                if (source / f"{document_id}{suffix}").exists():
                    os.utime(source / f"{document_id}{suffix}")  # the bin counts from here
                    os.replace(source / f"{document_id}{suffix}", target / f"{document_id}{suffix}")
        except OSError as error:
            raise SaveFailed(f"cannot move the document {document_id}: {error.strerror or error}") from error


def check_id(document_id: str) -> str:
    """An id that can be a file's name.

    Raises:
        UnknownDocument: It cannot.
    """
    if not _ID.fullmatch(document_id):
        raise UnknownDocument(document_id)
    return document_id


def new_id() -> str:
    """For a new document; nobody can guess it."""
    return secrets.token_hex(16)


def _describe(record: Record, document: LayerDocument) -> Record:
    extent = document.extent
    return replace(record, name=document.name, width=extent.width, height=extent.height, layers=len(document.layers))


def _state(opened: Opened) -> State:
    return State(opened.record, opened.document, opened.can_undo, opened.can_redo)
