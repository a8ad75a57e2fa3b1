"""Jobs that outlive the program: a row is there before `submit` returns, and says from then on how the job stands."""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from modules.base.errors import PentimentoError
from modules.runtime.history.database import Database, HistoryUnavailable
from modules.runtime.history.entry import assets_in, plain, recipe_in
from modules.runtime.jobs import Job, JobState, Journal
from modules.runtime.recipe import Recipe

logger = logging.getLogger(__name__)

KEPT_ROWS = 1000
INSIDE = "the program failed on this job; its log says where"


class RememberedFailure(PentimentoError):
    """What a job of before a restart failed with, in the words of then."""


@dataclass(frozen=True)
class JobRow:
    """A job as it was written down.

    Attributes:
        attempts: How often it was begun.
        after_entry: Entries up to this id were an older job's of the same id.
        notes: Of its result.
        error: Why it failed, for people.
    """

    id: str
    owner: str
    user: str | None
    kind: str
    state: JobState
    created_s: float
    started_s: float | None
    finished_s: float | None
    attempts: int
    after_entry: int
    recipe: Recipe | None
    notes: tuple[str, ...]
    error: str | None


class JobRows(Journal):
    """Writes how jobs stand. A database that cannot be written costs the rows, never the job.

    Args:
        result_of: Makes the result of a finished job from what the history has.
        keeps: Whether jobs that are over are kept; without it their rows are deleted.
    """

    def __init__(self, database: Database, result_of: Callable[[JobRow], Any], keeps: Callable[[], bool] = lambda: True) -> None:
        self._database, self._result_of, self._keeps = database, result_of, keeps

    def submitted(self, job: Job) -> None:
        if job.recipe is not None:
            self._write(insert_job, job, JobState.QUEUED)

    def started(self, job: Job) -> None:
        sql = "UPDATE jobs SET state = ?, started_s = ?, attempts = attempts + 1 WHERE id = ?"
        if job.recipe is not None:
            self._write(lambda connection: connection.execute(sql, (JobState.RUNNING.value, job.started_s, plain(job.id))))

    def ended(self, job: Job, state: JobState, error: BaseException | None = None) -> None:
        if job.recipe is None:
            return
        if self._keeps():
            self._write(end_job, job, state, error)
        else:
            self._write(lambda connection: connection.execute("DELETE FROM jobs WHERE id = ?", (plain(job.id),)))

    def put_off(self, job: Job) -> None:
        """It waits again, as if it had not been begun; one whose end is written down already stays as it is."""
        sql = "UPDATE jobs SET state = ?, attempts = max(0, attempts - 1) WHERE id = ? AND state = ?"
        self._write(lambda connection: connection.execute(sql, (JobState.QUEUED.value, plain(job.id), JobState.RUNNING.value)))

    def recall(self, job_id: str) -> Job | None:
        rows = self._rows("WHERE id = ?", job_id)
        return self.revive(rows[0]) if rows else None

    def unfinished(self) -> list[JobRow]:
        """Those that waited or ran when the program ended, the oldest first."""
        return self._rows("WHERE state IN (?, ?) ORDER BY created_s, rowid", JobState.QUEUED.value, JobState.RUNNING.value)

    def finished(self, limit: int) -> list[JobRow]:
        """The last ones that are over, the oldest first."""
        sql = "WHERE state NOT IN (?, ?) ORDER BY created_s DESC, rowid DESC LIMIT ?"
        return self._rows(sql, JobState.QUEUED.value, JobState.RUNNING.value, limit)[::-1]

    def fail(self, row: JobRow, reason: str) -> None:
        """It will not be tried again."""
        sql = "UPDATE jobs SET state = ?, finished_s = ?, error = ? WHERE id = ?"
        self._write(lambda connection: connection.execute(sql, (JobState.FAILED.value, time.time(), reason, row.id)))

    def revive(self, row: JobRow) -> Job:
        """The job of a row, with its result if there is one, and without a request: it can be looked at, not run."""
        job = Job(row.owner, None, row.kind, user=row.user, recipe=row.recipe, id=row.id, state=row.state, created_s=row.created_s)
        job.started_s, job.finished_s = row.started_s, row.finished_s
        if row.state is JobState.FAILED:
            job.error = RememberedFailure(row.error or INSIDE)
        elif row.state.is_final:
            job.result = self._result_of(row)
        return job

    def assets(self) -> set[str]:
        """Pictures that jobs which are not over need.

        Raises:
            HistoryUnavailable: Nobody can say.
        """
        sql = "SELECT recipe FROM jobs WHERE state IN (?, ?) AND recipe IS NOT NULL"
        rows = self._database.read_surely(sql, (JobState.QUEUED.value, JobState.RUNNING.value))
        return set().union(*(assets_in(row["recipe"]) for row in rows))

    def prune(self) -> None:
        """Forget all but the newest of those that are over."""
        sql = """DELETE FROM jobs WHERE state NOT IN (?, ?) AND id NOT IN (SELECT id FROM jobs ORDER BY created_s DESC LIMIT ?)"""
        self._write(lambda connection: connection.execute(sql, (JobState.QUEUED.value, JobState.RUNNING.value, KEPT_ROWS)))

    def _rows(self, condition: str, *values: Any) -> list[JobRow]:
        return [_row_of(row) for row in self._database.read(f"SELECT * FROM jobs {condition}", [_plain(value) for value in values])]

    def _write(self, change: Callable[..., Any], *values: Any) -> None:
        try:
            with self._database.write() as connection:
                change(connection, *values)
        except HistoryUnavailable as error:
            logger.warning("jobs would not survive a restart now: %s", error)
        except (TypeError, ValueError):
            logger.exception("a job could not be written down")


def insert_job(connection: sqlite3.Connection, job: Job, state: JobState) -> None:
    """Write a job's row, in place of an older job's of the same id; how often it was begun is kept."""
    values = (
        *(job.id, job.owner, job.user, job.kind, state.value, job.created_s, job.started_s, job.finished_s),
        None if job.recipe is None else json.dumps(job.recipe.as_json()),
    )
    connection.execute(
        """INSERT INTO jobs (id, owner, user, kind, state, created_s, started_s, finished_s, recipe, after_entry)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT coalesce(max(id), 0) FROM entries))
        ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, user = excluded.user, kind = excluded.kind, state = excluded.state,
        attempts = CASE WHEN created_s = excluded.created_s THEN attempts ELSE 0 END,
        after_entry = CASE WHEN created_s = excluded.created_s THEN after_entry ELSE excluded.after_entry END,
        created_s = excluded.created_s,
        started_s = excluded.started_s, finished_s = excluded.finished_s, recipe = excluded.recipe, error = NULL, notes = '[]'""",
        [_plain(value) for value in values],
    )


def end_job(connection: sqlite3.Connection, job: Job, state: JobState, error: BaseException | None = None) -> None:
    """Write how a job ended; one that has no row yet gets it, so that it can be asked for after a restart."""
    if connection.execute("SELECT 1 FROM jobs WHERE id = ? AND created_s = ?", (plain(job.id), job.created_s)).fetchone() is None:
        insert_job(connection, job, state)
    notes = [str(note) for note in getattr(job.result, "notes", None) or []]
    words = None if error is None else str(error) if isinstance(error, PentimentoError) else INSIDE
    sql = "UPDATE jobs SET state = ?, finished_s = ?, notes = ?, error = ? WHERE id = ?"
    connection.execute(sql, (state.value, time.time(), json.dumps(notes), words and plain(words), plain(job.id)))


def forgive_attempts(connection: sqlite3.Connection, job: Job) -> None:
    """A part of it was finished: it is no job that always takes the program with it."""
    connection.execute("UPDATE jobs SET attempts = 1 WHERE id = ?", (plain(job.id),))


def _plain(value: Any) -> Any:
    return plain(value) if isinstance(value, str) else value


def _row_of(row: sqlite3.Row) -> JobRow:
    values = {
        name: row[name]
        for name in ("id", "owner", "user", "kind", "created_s", "started_s", "finished_s", "attempts", "after_entry", "error")
    }
    recipe = None if row["recipe"] is None else recipe_in(row["recipe"], "")
    return JobRow(**values, state=JobState(row["state"]), recipe=recipe, notes=tuple(json.loads(row["notes"])))
