"""Before anything is deleted to keep a budget, it is counted: exactly what would go."""

from __future__ import annotations

import logging
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .test_history import Desk, picture

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


def test_uploads_of_today_cost_no_entry(desk: Desk) -> None:
    before = desk.store.size_bytes()
    upload = desk.store.add_picture(noise(200))
    assert desk.store.size_bytes() > before + 100_000
    assert desk.history.plan_trim(before).entries == desk.history.trim(before) == 0
    assert desk.history.usage().entries == 6 and desk.store.has(upload.id)


def test_what_nothing_needed_for_a_week_goes_before_any_entry(desk: Desk) -> None:
    before, upload = desk.store.size_bytes(), desk.store.add_picture(noise(200))
    os.utime(desk.store.path(upload.id).with_suffix(".json"), (1000, 1000))
    assert desk.history.trim(before) == 0
    assert not desk.store.has(upload.id) and desk.history.usage().entries == 6


def test_an_entry_whose_picture_is_also_saved_elsewhere_stays(desk: Desk, tmp_path: Path) -> None:
    saved = [tmp_path / f"{shade}.png" for shade in (11, 12)]
    for path, shade in zip(saved, (11, 12), strict=True):
        picture(shade).save(path)
        desk.history.record(desk.job(shade, paths=[path]))
    assert desk.history.trim(0) == 6
    assert [entry.saved_path for entry in desk.history.search().entries] == saved[::-1]


def test_only_the_entries_of_one_person_go(desk: Desk) -> None:
    desk.history.record(desk.job(20, user="ann"))
    assert desk.history.plan_trim(0, owner="ann").entries == desk.history.trim(0, owner="ann") == 1
    assert desk.history.usage("page").entries == 6 and desk.history.usage("ann").entries == 0


def test_a_budget_that_cannot_be_kept_is_said_once(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.options = replace(desk.options, history_budget_gib=10 / (1 << 30))
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            desk.history.keep_budget()
    assert sum("stays larger" in record.message for record in caplog.records) == 1
    assert desk.history.usage().entries == 6


def noise(side: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (side, side, 3), np.uint8))
