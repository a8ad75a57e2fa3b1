"""A batch whose process is killed again and again (SIGKILL), each time at another instant."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from modules.runtime.batch.batches import Batches
from modules.runtime.batch.manifest import MANIFEST, load_manifest
from tests.unit.runtime.batch.stand_in import RECIPE, Pipeline, run, settings_for, states

KILLS, PICTURES = 20, 150
LONGEST_S = 0.15


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are split off with fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_twenty_kills_lose_nothing_and_leave_no_half_file(batches: Batches, tmp_path: Path, pipeline: Pipeline) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for number in range(PICTURES):
        Image.effect_noise((64, 48), 40 + number).convert("RGB").save(folder / f"{number}.png")
    chance = random.Random(7)
    killed = 0
    made: set[str] = set()
    for _ in range(KILLS):
        if not run_and_kill(batches, folder, chance.uniform(0, LONGEST_S)):
            break
        killed += 1
        whole = {path.name: Image.open(path) for path in out.glob("*.png")} if out.exists() else {}
        for picture in whole.values():
            picture.load()
            picture.close()
        assert made <= whole.keys(), "a result that was there is gone"
        made = set(whole)
    task = batches.task(RECIPE, settings_for(folder), "ann")
    run(batches, task)
    found = [load_manifest(path.parent) for path in batches.folder.glob(f"*/{MANIFEST}")]
    ended = Counter(word.rpartition(":")[2] for word in states(found[0]).split())
    print(f"\n{killed} kills; {len(made)} of {PICTURES} results before the last run; {dict(ended)}")
    assert killed >= KILLS // 2, "the processes ended by themselves: make the pictures slower"
    assert len(found) == 1 and ended == {"done": PICTURES}
    assert sorted(path.name for path in out.glob("*.png")) == sorted(f"{number}.png" for number in range(PICTURES)), "no double"


def run_and_kill(batches: Batches, folder: Path, after_s: float) -> bool:
    """Run the batch in a process of its own and kill that; False when it was done before."""
    child = os.fork()
    if child == 0:
        try:
            run(batches, batches.task(RECIPE, settings_for(folder), "ann"))
        finally:
            os._exit(0)
    time.sleep(after_s)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)
