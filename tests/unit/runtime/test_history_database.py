"""The history's file: versions, damage, backups, threads."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from modules.runtime.history.database import Database, HistoryUnavailable
from modules.runtime.history.schema import MIGRATIONS

COUNT = "SELECT count(*) FROM t"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outputs" / "history.sqlite"


@pytest.fixture
def opened() -> Iterator[list[Database]]:
    databases: list[Database] = []
    yield databases
    for database in databases:
        database.close()


def make(path: Path, opened: list[Database], *migrations: tuple[str, ...]) -> Database:
    opened.append(Database(path, migrations or (("CREATE TABLE t (x)",),)))
    return opened[-1]


def add(database: Database, value: int) -> None:
    with database.write() as connection:
        connection.execute("INSERT INTO t VALUES (?)", (value,))


def test_a_new_file_has_all_tables_and_survives_a_kill(path: Path, opened: list[Database]) -> None:
    database = make(path, opened, *MIGRATIONS)
    assert database.problem == "" and database.is_usable
    assert database.read("PRAGMA user_version")[0][0] == len(MIGRATIONS)
    assert database.read("PRAGMA journal_mode")[0][0] == "wal" and database.read("PRAGMA foreign_keys")[0][0] == 1


def test_a_transaction_is_all_or_nothing(path: Path, opened: list[Database]) -> None:
    database = make(path, opened)
    with pytest.raises(KeyError), database.write() as connection:
        connection.execute("INSERT INTO t VALUES (1)")
        raise KeyError
    with pytest.raises(HistoryUnavailable), database.write() as connection:
        connection.execute("INSERT INTO t VALUES (1)")
        connection.execute("INSERT INTO nowhere VALUES (1)")
    assert database.read(COUNT)[0][0] == 0
    add(database, 1)
    assert database.read(COUNT)[0][0] == 1


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_newer_file_is_refused_and_left_alone(path: Path, opened: list[Database], is_killed: bool) -> None:
    newer = make(path, opened, ("CREATE TABLE t (x)",), ("CREATE TABLE u (x)",))
    add(newer, 1)
    if not is_killed:
        newer.close()
    before = {file.name: file.read_bytes() for file in path.parent.iterdir() if not file.name.endswith("-shm")}
    older = make(path, opened)
    assert not older.is_usable and "version 2; this one reads 1" in older.problem and "--data-dir" in older.problem
    assert older.read(COUNT) == []
    with pytest.raises(HistoryUnavailable, match="newer Pentimento"), older.write():
        pass
    after = {file.name: file.read_bytes() for file in path.parent.iterdir() if not file.name.endswith("-shm")}
    assert {name: data for name, data in after.items() if data} == {name: data for name, data in before.items() if data}


def test_an_older_file_is_backed_up_before_it_is_migrated(path: Path, opened: list[Database]) -> None:
    old = make(path, opened)
    add(old, 7)
    old.close()
    new = make(path, opened, ("CREATE TABLE t (x)",), ("ALTER TABLE t ADD COLUMN y", "UPDATE t SET y = x + 1"))
    assert [tuple(row) for row in new.read("SELECT * FROM t")] == [(7, 8)] and new.problem == ""
    with closing(sqlite3.connect(path.with_name("history.v1.backup.sqlite"))) as backup:
        assert backup.execute("SELECT * FROM t").fetchall() == [(7,)]
        assert backup.execute("PRAGMA user_version").fetchone() == (1,)
    assert sorted(file.name for file in path.parent.glob("*part*")) == []


def test_jobs_of_the_first_version_keep_their_own_entries(path: Path, opened: list[Database]) -> None:
    old = make(path, opened, MIGRATIONS[0])
    with old.write() as connection:
        for entry, (job, created_s) in enumerate((("mine", 5), ("other", 6), ("mine", 8), ("mine", 9)), 1):
            connection.execute("INSERT INTO entries VALUES (?, ?, ?, '', '', '', 0, 8, 8, '', NULL, '')", (entry, job, created_s))
        connection.execute(
            "INSERT INTO jobs (id, owner, kind, state, created_s) VALUES ('mine', '', '', 'done', 7), ('other', '', '', 'done', 1)"
        )
    old.close()
    new = make(path, opened, *MIGRATIONS)
    assert [tuple(row) for row in new.read("SELECT id, after_entry FROM jobs ORDER BY id")] == [("mine", 1), ("other", 0)]


def test_a_migration_that_fails_changes_nothing(path: Path, opened: list[Database]) -> None:
    old = make(path, opened)
    add(old, 7)
    old.close()
    broken = make(path, opened, ("CREATE TABLE t (x)",), ("ALTER TABLE t ADD COLUMN y", "nonsense"))
    assert not broken.is_usable and "nonsense" in broken.problem
    again = make(path, opened)
    assert [tuple(row) for row in again.read("SELECT * FROM t")] == [(7,)]


@pytest.mark.parametrize("damage", ["header", "page"])
def test_a_damaged_file_is_kept_aside_and_named(path: Path, opened: list[Database], damage: str) -> None:
    old = make(path, opened)
    for value in range(3000):
        add(old, value)
    old.close()
    data = bytearray(path.read_bytes())
    if damage == "header":
        data[:100] = b"\x55" * 100
    else:
        data[4096:12288] = b"\x55" * 8192
    path.write_bytes(data)
    new = make(path, opened)
    add(new, 1)
    assert new.read(COUNT)[0][0] == 1
    assert "history.broken.sqlite" in new.problem and path.with_name("history.broken.sqlite").read_bytes() == data
    new.close()
    path.write_bytes(b"nonsense" * 1000)
    assert "history.broken-2.sqlite" in make(path, opened).problem


def test_a_folder_that_cannot_be_written_is_a_problem_not_a_crash(path: Path, opened: list[Database]) -> None:
    path.parent.parent.mkdir(exist_ok=True)
    path.parent.write_text("a file in place of the folder")
    database = make(path, opened)
    assert database.problem and not database.is_usable and database.read(COUNT) == []


def test_threads_and_processes_share_the_file(path: Path, opened: list[Database]) -> None:
    one, two = make(path, opened), make(path, opened)
    threads = [threading.Thread(target=lambda d=database: [add(d, n) for n in range(50)]) for database in (one, one, two, two)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert one.read(COUNT)[0][0] == two.read(COUNT)[0][0] == 200


def test_a_closed_file_is_opened_again(path: Path, opened: list[Database]) -> None:
    database = make(path, opened)
    add(database, 1)
    database.close()
    assert database.read(COUNT)[0][0] == 1
