"""What was made: recorded before a job counts as finished, searched, restored, deleted, and kept within a budget."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from modules.base.errors import InvalidRequest
from modules.pipeline.modes import Mode
from modules.runtime.history.database import Database
from modules.runtime.history.drafts import Draft, draft_entries, insert_entry
from modules.runtime.history.entry import Entry, Page, Usage, entry_of, plain, terms
from modules.runtime.history.job_rows import JobRow, JobRows, end_job, forgive_attempts
from modules.runtime.history.remembered import RememberedResult
from modules.runtime.history.removal import FRESH_S, Removal, collect_orphans, named_in, remove_entries
from modules.runtime.history.trim_plan import TrimPlan, plan_trim
from modules.runtime.jobs import Job, JobState
from modules.runtime.store import AssetStore
from modules.settings.options import Options

logger = logging.getLogger(__name__)

COLUMNS = "e.*, d.prompt, d.negative_prompt, d.infotext, d.recipe, d.saved_path"
TABLES = "entries e JOIN details d ON d.id = e.id"
MAX_LIMIT = 500
MEASURE_AFTER_S = 600.0
ORPHANS_AFTER_S = 7 * 24 * 3600.0
GIB = 1 << 30
SHOWN_OF_BATCH = 16
"""Of a batch of before a restart, whose pictures may be thousands."""


class History:
    """All results, newest first. May be used from any thread; nothing here raises because of the database but `delete`.

    Args:
        path: The database's file.
        store: Has the pictures.
        data_folder: Saved files are remembered relative to it.
        options: Gives the options in force.
        is_kept: Record at all, whatever the options say.

    Attributes:
        jobs: The jobs that outlive the program.
    """

    def __init__(self, path: Path, store: AssetStore, data_folder: Path, options: Callable[[], Options], *, is_kept: bool = True) -> None:
        self._database, self._store, self._data_folder, self._options = Database(path), store, data_folder, options
        self._is_kept = is_kept
        self.jobs = JobRows(self._database, self._result_of, lambda: self.is_on)
        self._keeping = threading.RLock()
        self._in_parts: set[str] = set()
        self._measured: tuple[float, int] | None = None
        self._trimming = threading.Lock()
        self._rests_until_s, self._has_warned = 0.0, False

    @property
    def problem(self) -> str:
        """What is wrong with the history, for people; empty when all is well."""
        return self._database.problem

    @property
    def is_on(self) -> bool:
        """Whether results are recorded."""
        return self._is_kept and self._options().history_enabled

    def record(self, job: Job, *, is_over: bool = True) -> list[int]:
        """Keep the results of a job whose `result` and `recipe` are set, and write down that it is over.

        Called in the worker's thread before the job counts as finished. What cannot be kept becomes a note on the result.

        Args:
            is_over: Unless `job` is only a part, such as one file of a batch, and goes on under the same id. The result of a job whose
                parts were recorded is not recorded once more.

        Returns:
            Ids of the new entries, in the order of the pictures; empty while the history is off.
        """
        state = JobState.INTERRUPTED if job.is_interrupted else JobState.DONE
        try:
            if job.recipe is None or not self.is_on:
                return []
            with self._keeping:
                has_parts, has_info = is_over and job.id in self._in_parts, self._options().enable_pnginfo
                drafts = [] if has_parts else draft_entries(job, self._store, self._data_folder, has_info=has_info)
                with self._database.write() as connection:
                    if is_over:
                        end_job(connection, job, state)
                    else:
                        forgive_attempts(connection, job)
                    ids = [insert_entry(connection, draft) for draft in drafts]
                (self._in_parts.discard if is_over else self._in_parts.add)(job.id)
        except Exception as error:  # whatever it is, the picture is made, and must be given
            logger.warning("job %s is not in the history", job.id, exc_info=True)
            notes = getattr(job.result, "notes", None)
            if isinstance(notes, list):
                notes.append(f"the picture is finished, but it could not be kept in the history: {error}")
            return []
        self._grow(drafts)
        return ids

    def search(
        self,
        words: str = "",
        model: str = "",
        since: float | None = None,
        until: float | None = None,
        mode: str = "",
        owner: str | None = None,
        limit: int = 60,
        before: int | None = None,
    ) -> Page:
        """Entries, newest first.

        Args:
            words: All must occur in prompts, model, seed or file name, in any case, of the first 64; "quoted words" together.
            model: Exact name; see `models`.
            since, until: Seconds since the epoch; from and including, up to and not including.
            mode: A `Mode`'s value.
            owner: Only this person's; None = everybody's.
            limit: Entries of this page, 1 to 500.
            before: A page's `next`.

        Raises:
            InvalidRequest: `limit` is out of range.
        """
        if not 1 <= limit <= MAX_LIMIT:
            raise InvalidRequest("limit", limit, f"1 to {MAX_LIMIT}")
        found: list[tuple[str, Any]] = [("instr(e.words, ?)", term) for term in terms(words)]
        exact = (("model", model or None), ("mode", mode or None), ("owner", owner))
        found += [(f"e.{name} = ?", plain(value)) for name, value in exact if value is not None]
        found += [(f"e.created_s {sign} ?", value) for sign, value in ((">=", since), ("<", until)) if value is not None]
        counted = self._database.read(f"SELECT count(*) FROM entries e {_where(found)}", _values(found))
        on_page = [*found, ("e.id < ?", before)] if before is not None else found
        sql = f"SELECT {COLUMNS} FROM {TABLES} {_where(on_page)} ORDER BY e.id DESC LIMIT ?"
        rows = self._database.read(sql, [*_values(on_page), limit + 1])
        entries = tuple(self._entry(row) for row in rows[:limit])
        return Page(entries, counted[0][0] if counted else 0, entries[-1].id if len(rows) > limit else None)

    def models(self, owner: str | None = None) -> list[str]:
        """Names that `search` knows as `model`, in alphabetical order."""
        condition, values = ("WHERE owner = ?", [plain(owner)]) if owner is not None else ("", [])
        return [row["model"] for row in self._database.read(f"SELECT DISTINCT model FROM entries {condition} ORDER BY model", values)]

    def entry(self, entry_id: int) -> Entry:
        """One entry.

        Raises:
            UnknownEntry: It was deleted, or never was.
        """
        rows = self._database.read(f"SELECT {COLUMNS} FROM {TABLES} WHERE e.id = ?", [entry_id])
        if not rows:
            raise UnknownEntry("entry", entry_id, "an entry of the history; this one was deleted, or never was")
        return self._entry(rows[0])

    def entries_of(self, job_id: str) -> list[Entry]:
        """What one job made, in order."""
        rows = self._database.read(f"SELECT {COLUMNS} FROM {TABLES} WHERE e.job_id = ? ORDER BY e.id", [plain(job_id)])
        return [self._entry(row) for row in rows]

    def delete(self, ids: Iterable[int], also_files: bool = False, *, owner: str | None = None) -> int:
        """Forget entries, and drop the pictures that nothing else needs.

        Args:
            also_files: Also the files that were saved elsewhere, as long as they are what was made.
            owner: Only this person's; None = whosever.

        Returns:
            How many entries there were.

        Raises:
            HistoryUnavailable: The database cannot be written; nothing is deleted.
        """
        return self._remove(ids, also_files=also_files, owner=owner).entries

    def usage(self, owner: str | None = None) -> Usage:
        """Measured anew every ten minutes; the room is everybody's, the entries are those of `owner` (None = everybody's)."""
        condition, values = ("WHERE owner = ?", [plain(owner)]) if owner is not None else ("", [])
        rows = self._database.read(f"SELECT count(*) FROM entries {condition}", values)
        return Usage(self._size_bytes(), rows[0][0] if rows else 0)

    def trim(self, budget_bytes: int, *, owner: str | None = None) -> int:
        """Drop pictures that nothing needs, then delete what `plan_trim` tells; returns how many entries.

        Raises:
            HistoryUnavailable: The database cannot be read or written.
        """
        self.collect_orphans()
        return self._remove(self.plan_trim(budget_bytes, owner=owner).ids).entries

    def plan_trim(self, budget_bytes: int, *, owner: str | None = None, before_s: float = math.inf) -> TrimPlan:
        """Which of the oldest entries have to go until the history takes no more than `budget_bytes`, and the room that comes free.

        Pictures that no entry uses, such as today's uploads, do not count: no entry that is deleted would make room of them.

        Args:
            owner: Only this person's entries; None = everybody's.
            before_s: Only entries that were made before, in seconds since the epoch.

        Raises:
            HistoryUnavailable: The database cannot be read.
        """
        used = self.used_assets()
        unused_bytes = sum(self._store.room_of(asset) for asset, _ in self._store.ids() if asset not in used)
        excess_bytes = self._measure() - unused_bytes - budget_bytes
        return plan_trim(self._database, self._store, excess_bytes, self.jobs.assets(), owner=owner, before_s=before_s)

    def collect_orphans(self) -> int:
        """Drop pictures that neither entries nor waiting jobs nor batches need, and nobody used for a week; returns how many.

        Raises:
            HistoryUnavailable: The database cannot be read.
        """
        if not self.is_complete:
            return 0
        needed = self.used_assets() | named_in(self._database.path.parent / "batches")
        count = collect_orphans(self._store, needed, ORPHANS_AFTER_S)
        if count:
            self._measured = None
        return count

    def keep_budget(self) -> None:
        """Trim to the option's budget, unless another thread is at it. What was made in the last day stays in any case."""
        budget_bytes = int(self._options().history_budget_gib * GIB)
        if budget_bytes <= 0 or not self._trimming.acquire(blocking=False):
            return
        try:
            if self._size_bytes() > budget_bytes and time.monotonic() >= self._rests_until_s:
                self._keep_within(budget_bytes)
        except Exception:
            logger.exception("the history could not be trimmed")
        finally:
            self._trimming.release()

    def used_assets(self) -> set[str]:
        """Pictures that entries or waiting jobs need.

        Raises:
            HistoryUnavailable: Nobody can say.
        """
        rows = self._database.read_surely("SELECT DISTINCT asset FROM uses")
        return {row["asset"] for row in rows} | self.jobs.assets()

    @property
    def is_complete(self) -> bool:
        """Whether everything that was ever recorded is in this database: not while it is unusable, or after it was damaged."""
        return self._database.is_usable and not any(self._database.path.parent.glob(f"{self._database.path.stem}.broken*"))

    def close(self) -> None:
        """Close the database; the next use opens it again."""
        self._database.close()

    def _entry(self, row: Any) -> Entry:
        return entry_of(row, self._data_folder, is_missing=not self._store.has(row["result"]))

    def _result_of(self, row: JobRow) -> RememberedResult:
        is_interrupted = row.state is JobState.INTERRUPTED
        entries = [entry for entry in self.entries_of(row.id) if entry.id > row.after_entry]
        if row.recipe is not None and row.recipe.mode is Mode.BATCH:
            entries = entries[-SHOWN_OF_BATCH:]
        return RememberedResult(entries, row.notes, self._store, is_interrupted=is_interrupted)

    def _size_bytes(self) -> int:
        if self._measured is None or time.monotonic() - self._measured[0] > MEASURE_AFTER_S:
            return self._measure()
        return self._measured[1]

    def _measure(self) -> int:
        size_bytes = self._store.size_bytes()
        self._measured = time.monotonic(), size_bytes
        return size_bytes

    def _grow(self, drafts: list[Draft]) -> None:
        """More was kept; trimming is left to another thread."""
        if self._measured is not None:
            self._measured = self._measured[0], self._measured[1] + sum(self._store.own_bytes(draft.result) for draft in drafts)
        if drafts and self._options().history_budget_gib > 0:
            threading.Thread(target=self.keep_budget, name="pentimento-history-budget", daemon=True).start()

    def _keep_within(self, budget_bytes: int) -> None:
        self.collect_orphans()
        plan = self.plan_trim(budget_bytes, before_s=time.time() - FRESH_S)
        if self._remove(plan.ids).entries:
            logger.info("the history was larger than %g GiB; %d of its oldest entries were deleted", budget_bytes / GIB, plan.entries)
        if not plan.is_enough:
            self._rests_until_s = time.monotonic() + MEASURE_AFTER_S
        if not plan.is_enough and not self._has_warned:
            self._has_warned = True
            logger.warning("the history stays larger than %g GiB: what is left was made today, or is saved elsewhere", budget_bytes / GIB)

    def _remove(self, ids: Iterable[int], *, also_files: bool = False, owner: str | None = None) -> Removal:
        with self._keeping:  # a job that is being recorded may count on a picture that is there
            removal = remove_entries(self._database, self._store, self._data_folder, ids, also_files=also_files, owner=owner)
        if self._measured is not None:
            self._measured = self._measured[0], max(0, self._measured[1] - removal.bytes)
        return removal


class UnknownEntry(InvalidRequest):
    """No entry has that id."""


def _where(found: list[tuple[str, Any]]) -> str:
    return "WHERE " + " AND ".join(condition for condition, _ in found) if found else ""


def _values(found: list[tuple[str, Any]]) -> list[Any]:
    return [value for _, value in found]
