"""One SQLite file, opened when it is first needed, brought to this version's tables, and never made worse than it was found.

WAL with `synchronous=NORMAL`: a process that is killed loses nothing that was committed; when the machine loses power the last few
transactions may be missing, but the file stays whole (https://www.sqlite.org/pragma.html#pragma_synchronous).
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from modules.base.errors import PentimentoError
from modules.runtime.history.schema import MIGRATIONS, Migration

logger = logging.getLogger(__name__)

BUSY_TIMEOUT_S = 10.0
RETRY_AFTER_S = 30.0
COMPANIONS = ("", "-wal", "-shm")


class HistoryUnavailable(PentimentoError):
    """The history cannot be read or written now; the message says why."""


class Database:
    """Shared by all threads: one connection behind one lock.

    Args:
        path: The file; made when it is not there.
        migrations: See `schema`.

    Attributes:
        kept_aside: Where a damaged file was put; None = it was whole.
    """

    def __init__(self, path: Path, migrations: Sequence[Migration] = MIGRATIONS) -> None:
        self.path, self._migrations = path, migrations
        self.kept_aside: Path | None = None
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._problem, self._asked_s = "", 0.0

    @property
    def problem(self) -> str:
        """Why there is no history, or what became of the old one, for people; empty when all is well."""
        with self._lock, suppress(HistoryUnavailable):
            self._connect()
        if self._problem or self.kept_aside is None:
            return self._problem
        return f"{self.path.name} was damaged and is kept as {self.kept_aside.name}; a new history has begun (its pictures are still there)"

    @property
    def is_usable(self) -> bool:
        """Whether it can be read and written."""
        with self._lock, suppress(HistoryUnavailable):
            self._connect()
            return True
        return False

    def read(self, sql: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """Rows of a query; none while the database is unusable, which `problem` tells."""
        try:
            return self.read_surely(sql, values)
        except HistoryUnavailable:
            return []

    def read_surely(self, sql: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """Rows of a query, on which somebody decides what may be deleted.

        Raises:
            HistoryUnavailable: It cannot be opened, or read.
        """
        with self._lock:
            connection = self._connect()
            try:
                rows = connection.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                self._problem = f"the history cannot be read: {_explain(error)}"
                logger.error("%s", self._problem)
                raise HistoryUnavailable(self._problem) from error
            self._problem = ""
            return rows

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it or nothing.

        Raises:
            HistoryUnavailable: It cannot be opened, or written: disk full, no permission, damaged.
        """
        with self._lock:
            connection = self._connect()
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except sqlite3.Error as error:
                _roll_back(connection)
                raise HistoryUnavailable(f"the history cannot be written: {_explain(error)}") from error
            except BaseException:
                _roll_back(connection)
                raise

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def _connect(self) -> sqlite3.Connection:
        if self._connection is not None:
            return self._connection
        if self._problem and time.monotonic() - self._asked_s < RETRY_AFTER_S:
            raise HistoryUnavailable(self._problem)
        self._problem = ""
        try:
            self._connection = self._open_or_renew()
        except (sqlite3.Error, OSError, HistoryUnavailable) as error:
            self._problem, self._asked_s = _explain(error), time.monotonic()
            logger.error("no history: %s", self._problem)
            raise HistoryUnavailable(self._problem) from error
        return self._connection

    def _open_or_renew(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return self._open()
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise
            self.kept_aside = _put_aside(self.path)
            logger.error("%s is damaged (%s); kept as %s, and a new history begins", self.path.name, error, self.kept_aside.name)
            return self._open()

    def _open(self) -> sqlite3.Connection:
        self._refuse_newer()
        connection = sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        try:
            connection.row_factory = sqlite3.Row
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                damage = sqlite3.DatabaseError(found)
                damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
                raise damage
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("PRAGMA foreign_keys=ON")
            self._migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _refuse_newer(self) -> None:
        """Look at the version without writing a byte."""
        if not self.path.exists() or self.path.stat().st_size == 0:
            return
        with closing(sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S)) as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > len(self._migrations):
            raise HistoryUnavailable(
                f"{self.path.name} was written by a newer Pentimento (version {version}; this one reads {len(self._migrations)}). It is "
                "left as it is, and nothing is added to it: start the newer one, or give this one its own folder with --data-dir"
            )

    def _migrate(self, connection: sqlite3.Connection) -> None:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version >= len(self._migrations):
            return
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            backup = self.path.with_name(f"{self.path.stem}.v{version}.backup{self.path.suffix}")
            _back_up(connection, backup)
            logger.info("%s is brought to version %d; as it was, it is kept as %s", self.path.name, len(self._migrations), backup.name)
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = connection.execute("PRAGMA user_version").fetchone()[0]  # another process may have been quicker
            for migration in self._migrations[version:]:
                for statement in migration:
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version={max(version, len(self._migrations))}")
            connection.execute("COMMIT")
        except BaseException:
            _roll_back(connection)
            raise


def _back_up(connection: sqlite3.Connection, target: Path) -> None:
    """A whole copy, or none."""
    temporary = target.with_name(f".{target.name}.part")
    temporary.unlink(missing_ok=True)
    with closing(sqlite3.connect(temporary)) as copy:
        connection.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
    os.replace(temporary, target)


def _put_aside(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.stem}.broken{f'-{number}' if number > 1 else ''}{path.suffix}")).exists():
        number += 1
    for companion in COMPANIONS:
        with suppress(FileNotFoundError):
            os.replace(f"{path}{companion}", f"{aside}{companion}")
    return aside


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _explain(error: BaseException) -> str:
    if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
        return "the disk is full; make room, or set a smaller history_budget_gib"
    return str(error)
