"""What keeping a budget would cost, before anything is deleted."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from modules.runtime.history.database import Database
from modules.runtime.history.removal import is_removable
from modules.runtime.store import AssetStore

USES = """
    SELECT u.asset, u.entry, e.created_s, e.owner, e.result = u.asset AS is_result
    FROM uses u JOIN entries e ON e.id = u.entry ORDER BY u.asset
"""


@dataclass(frozen=True)
class TrimPlan:
    """What would be deleted.

    Attributes:
        ids: Entries, the oldest first.
        bytes: The room that would come free.
        is_enough: Whether that is all that has to.
    """

    ids: tuple[int, ...] = ()
    bytes: int = 0
    is_enough: bool = True

    @property
    def entries(self) -> int:
        """How many."""
        return len(self.ids)


@dataclass(frozen=True)
class _Picture:
    """One that entries use; it comes free when all of them are gone."""

    asset: str
    entries: frozenset[int]
    is_result: bool
    is_spared: bool


def plan_trim(
    database: Database,
    store: AssetStore,
    excess_bytes: int,
    in_use: Collection[str] = (),
    *,
    owner: str | None = None,
    before_s: float = math.inf,
) -> TrimPlan:
    """Which of the oldest entries have to go for `excess_bytes` to come free; nothing is changed. An entry without which no more room
    would be free than its thumbnail takes, because its pictures are also saved elsewhere or needed by others, is none of them.

    Args:
        in_use: Pictures that waiting jobs need.
        owner: Only this person's entries; None = everybody's.
        before_s: Only entries that were made before this time, in seconds since the epoch.
    """
    if excess_bytes <= 0:
        return TrimPlan()
    rows = itertools.groupby(database.read(USES), lambda row: row["asset"])
    pictures = [_picture(asset, list(uses), owner, before_s) for asset, uses in rows if asset not in in_use]
    doomed: set[int] = set()
    freed = 0
    for picture in sorted(pictures, key=lambda picture: max(picture.entries)):
        if freed >= excess_bytes:
            break
        if not picture.is_spared and store.own_bytes(picture.asset) and is_removable(store, picture.asset, is_result=picture.is_result):
            doomed |= picture.entries
            freed += store.room_of(picture.asset)
    free = (picture for picture in pictures if picture.entries <= doomed)
    freed = sum(store.room_of(picture.asset) for picture in free if is_removable(store, picture.asset, is_result=picture.is_result))
    return TrimPlan(tuple(sorted(doomed)), freed, freed >= excess_bytes)


def _picture(asset: str, uses: list[Any], owner: str | None, before_s: float) -> _Picture:
    is_spared = any(row["created_s"] >= before_s or owner not in (None, row["owner"]) for row in uses)
    return _Picture(asset, frozenset(row["entry"] for row in uses), any(row["is_result"] for row in uses), is_spared)
