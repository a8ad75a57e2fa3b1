"""Before anything is deleted to keep a budget, it is counted: exactly what would go."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from .test_history import Desk

OLD_S = time.time() - 7 * 24 * 3600


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    for shade in range(6):
        made.history.record(made.job(shade))
    for note in (tmp_path / "outputs" / "store").glob("??/*.json"):
        os.utime(note, (OLD_S, OLD_S))
    return made


@pytest.mark.parametrize("share", [0.95, 0.6, 0.3, 0.0])
def test_the_plan_is_what_trimming_does(desk: Desk, share: float) -> None:
    before = desk.store.size_bytes()
    budget = int(before * share)
    plan = desk.history.plan_trim(budget)
    assert desk.store.size_bytes() == before and desk.history.usage().entries == 6
    assert desk.history.trim(budget) == plan.entries > 0
    assert before - desk.store.size_bytes() == plan.bytes


def test_within_the_budget_nothing_would_go(desk: Desk) -> None:
    assert desk.history.plan_trim(desk.store.size_bytes()).entries == 0


def start_of(desk: Desk) -> str:
    """The picture that all entries began with."""
    start = desk.history.search().entries[0].recipe.picture
    assert start is not None
    return start


def test_a_start_picture_of_a_waiting_job_is_not_counted_as_room(desk: Desk, tmp_path: Path) -> None:
    start, whole = start_of(desk), desk.history.plan_trim(0).bytes
    desk.history.jobs.submitted(desk.job(7))
    os.utime(next((tmp_path / "outputs" / "store").glob(f"??/{start}.json")), (OLD_S, OLD_S))
    assert desk.history.plan_trim(0).bytes == whole - desk.store.room_of(start)


def test_fresh_start_pictures_stay(desk: Desk, tmp_path: Path) -> None:
    start, whole = start_of(desk), desk.history.plan_trim(0).bytes
    os.utime(next((tmp_path / "outputs" / "store").glob(f"??/{start}.json")))
    assert desk.history.plan_trim(0).bytes == whole - desk.store.room_of(start)
