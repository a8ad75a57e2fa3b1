"""Taking entries out of the history. Rows go first and at once; a picture that is left behind by a crash is collected later."""

from __future__ import annotations

import hashlib
import itertools
import logging
import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from modules.runtime.history.database import Database
from modules.runtime.history.entry import assets_in, plain
from modules.runtime.jobs import JobState
from modules.runtime.store import AssetStore

logger = logging.getLogger(__name__)

AT_ONCE = 500
LIVE = (JobState.QUEUED.value, JobState.RUNNING.value)
FRESH_S = 24 * 3600.0
"""A picture that was used within this time may be on somebody's canvas."""


@dataclass(frozen=True)
class Removal:
    """What was deleted, and the room that came free."""

    entries: int = 0
    bytes: int = 0


def remove_entries(
    database: Database, store: AssetStore, data_folder: Path, ids: Iterable[int], *, also_files: bool = False, owner: str | None = None
) -> Removal:
    """See `History.delete`; errors too."""
    wanted = iter(sorted({int(entry_id) for entry_id in ids}))
    entries = freed = 0
    while part := list(itertools.islice(wanted, AT_ONCE)):
        with database.write() as connection:
            rows = _select(connection, part, owner)
            inputs = _drop_rows(connection, rows)
            results = {row["result"] for row in rows}
            free = (inputs | results) - _still_used(connection, inputs | results)
        for row in rows if also_files else ():
            _remove_saved(row["saved_path"], row["result"], data_folder)
        freed += sum(store.remove(asset) for asset in free if is_removable(store, asset, is_result=asset in results))
        entries += len(rows)
    return Removal(entries, freed)


def is_removable(store: AssetStore, asset: str, *, is_result: bool) -> bool:
    """Whether a picture that no entry needs any more may go: a result at once unless it was sent to a canvas, an input after a day."""
    return not (store.is_held(asset, FRESH_S) if is_result else store.is_fresh(asset, FRESH_S))


def collect_orphans(store: AssetStore, used: set[str], older_than_s: float) -> int:
    """Drop pictures that nothing needs and nobody used for so long; returns how many."""
    limit_s = time.time() - older_than_s
    orphans = [asset for asset, used_s in store.ids() if used_s < limit_s and asset not in used]
    for asset in orphans:
        store.remove(asset)
    return len(orphans)


def named_in(folder: Path) -> set[str]:
    """Pictures that the notes in the folders below `folder` name: the manifests of batches that may be gone on with."""
    named: set[str] = set()
    for path in folder.glob("*/*.json"):
        with suppress(OSError):
            named |= assets_in(path.read_text(encoding="utf-8", errors="replace"))
    return named


def _select(connection: sqlite3.Connection, ids: Sequence[int], owner: str | None) -> list[sqlite3.Row]:
    sql = f"SELECT e.id, e.job_id, e.result, d.saved_path FROM entries e JOIN details d ON d.id = e.id WHERE e.id IN ({_marks(ids)})"
    if owner is None:
        return connection.execute(sql, ids).fetchall()
    return connection.execute(f"{sql} AND e.owner = ?", [*ids, plain(owner)]).fetchall()


def _drop_rows(connection: sqlite3.Connection, entries: Sequence[sqlite3.Row]) -> set[str]:
    """Entries, and finished jobs of which nothing is left; returns the pictures that the entries used."""
    ids, jobs = [row["id"] for row in entries], sorted({row["job_id"] for row in entries})
    rows = connection.execute(f"SELECT DISTINCT asset FROM uses WHERE entry IN ({_marks(ids)})", ids).fetchall()
    connection.execute(f"DELETE FROM entries WHERE id IN ({_marks(ids)})", ids)
    connection.execute(
        f"DELETE FROM jobs WHERE id IN ({_marks(jobs)}) AND state NOT IN (?, ?) AND id NOT IN (SELECT job_id FROM entries)", [*jobs, *LIVE]
    )
    return {row["asset"] for row in rows}


def _still_used(connection: sqlite3.Connection, assets: set[str]) -> set[str]:
    used: set[str] = set()
    for asset in assets:
        if connection.execute("SELECT 1 FROM uses WHERE asset = ? LIMIT 1", [asset]).fetchone():
            used.add(asset)
    recipes = connection.execute("SELECT recipe FROM jobs WHERE state IN (?, ?) AND recipe IS NOT NULL", LIVE)
    return used.union(*(assets_in(row["recipe"]) for row in recipes))


def _remove_saved(saved: str | None, result: str, data_folder: Path) -> None:
    """Only below the data folder, and only if it is still the very picture."""
    if saved is None:
        return
    path = (data_folder / saved).resolve()
    try:
        if path.is_relative_to(data_folder) and hashlib.sha256(path.read_bytes()).hexdigest() == result:
            path.unlink()
    except FileNotFoundError:
        return
    except OSError as error:
        logger.warning("%s could not be deleted: %s", path.name, error)


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
