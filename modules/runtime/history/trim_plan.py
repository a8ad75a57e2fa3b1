"""What keeping a budget would cost, before anything is deleted."""

from __future__ import annotations

from collections.abc import Iterable

from modules.runtime.history.database import Database
from modules.runtime.history.removal import FRESH_S, Removal
from modules.runtime.store import AssetStore

LAST_USES = """
    SELECT u.last, u.asset, e.result = u.asset AS is_result
    FROM (SELECT asset, max(entry) AS last FROM uses GROUP BY asset) u JOIN entries e ON e.id = u.last
    ORDER BY u.last
"""
"""A picture comes free with the newest entry that uses it."""


def plan_trim(database: Database, store: AssetStore, excess_bytes: int, in_use: Iterable[str] = ()) -> Removal:
    """How many of the oldest entries have to go for `excess_bytes` to come free, and what comes free with them; nothing is changed.

    Args:
        in_use: Pictures that waiting jobs need.
    """
    if excess_bytes <= 0:
        return Removal()
    kept, freed, last = set(in_use), 0, -1
    for row in database.read(LAST_USES):
        if freed >= excess_bytes and row["last"] != last:
            break
        last = row["last"]
        if row["asset"] not in kept and (row["is_result"] or not store.is_fresh(row["asset"], FRESH_S)):
            freed += store.room_of(row["asset"])
    bound = "WHERE id <= ?" if freed >= excess_bytes else ""
    rows = database.read(f"SELECT count(*) FROM entries {bound}", [last] if bound else [])
    return Removal(rows[0][0] if rows else 0, freed)
