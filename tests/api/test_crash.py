"""Killed at any instant: the database opens, no file is half, nothing that anybody saw finished is lost, and what waited runs."""

from __future__ import annotations

import hashlib
import io
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from modules.runtime.history.resuming import GAVE_UP
from tests.api.conftest import take_port
from tests.api.serving import ROOT

KILLS, KILLS_AT_START = 20, 5
JOB_S = 0.03
LIMIT_S = 300.0


class Studio:
    """A server that is killed and started again on the same folder, and what its client saw.

    Attributes:
        asked: Ids of jobs whose submission was answered, and their seeds.
        seen: Those that were told to be done.
    """

    def __init__(self, data: Path) -> None:
        self.data, self.port, self.server = data, take_port(), 0
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
        command = [sys.executable, "-m", "tests.api.crash_server", str(self.port), str(self.data), str(JOB_S)]
        with (self.data / "log.txt").open("ab") as log:
            pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": log, "text": True}
            self.nursery = subprocess.Popen(command, cwd=ROOT, env=environment, **pipes)
        self.asked: dict[str, int] = {}
        self.seen: set[str] = set()
        self.random = random.Random(20261121)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60)

    def start(self) -> None:
        self._say("start")
        self.server = int(self._hear())

    def wait_up(self) -> None:
        deadline_s = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline_s:
            try:
                self.client.get("/internal/ping")
                return
            except httpx.TransportError:
                time.sleep(0.02)
        raise AssertionError(f"the server did not come up:\n{(self.data / 'log.txt').read_text()[-3000:]}")

    def kill(self) -> None:
        os.kill(self.server, signal.SIGKILL)
        self.server = 0
        assert self._hear() == "gone"

    def end(self) -> None:
        if self.server:
            self.kill()
        self.client.close()
        self.nursery.communicate(timeout=LIMIT_S)

    def _say(self, text: str) -> None:
        assert self.nursery.stdin is not None
        self.nursery.stdin.write(text + "\n")
        self.nursery.stdin.flush()

    def _hear(self) -> str:
        assert self.nursery.stdout is not None
        return self.nursery.stdout.readline().strip()

    def work(self, asks: int, sees: int) -> None:
        """Upload and submit so many jobs, then look until so many more are done."""
        wanted = len(self.seen) + sees
        for _ in range(asks):
            seed = len(self.asked) + 1
            asset = self.client.post("/api/assets", content=noise(seed), headers={"X-File-Name": f"{seed}.png"}).json()
            recipe = {"fields": {"prompt": f"job {seed}", "seed": seed}, "picture": asset["id"]}
            job_id = self.client.post("/test/jobs", json=recipe).json()
            self.asked[job_id] = seed
        deadline_s = time.monotonic() + LIMIT_S
        while sees and len(self.seen) < min(wanted, len(self.asked)) and time.monotonic() < deadline_s:
            self.look()

    def look(self) -> list[dict[str, Any]]:
        jobs = self.client.get("/api/jobs").json()
        self.seen |= {job["id"] for job in jobs if job["state"] == "done"}
        return jobs

    def finish(self) -> None:
        deadline_s = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline_s:
            self.look()
            states = {self.client.get(f"/api/jobs/{job_id}").json()["state"] for job_id in self.asked}
            if states <= {"done", "failed"}:
                return
            time.sleep(0.1)
        raise AssertionError("waiting jobs did not run")


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    studio = Studio(tmp_path)
    yield studio
    studio.end()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="servers are forked")
def test_killed_twenty_times_nothing_is_lost(studio: Studio, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    began_s, interrupted = time.monotonic(), 0
    for number in range(KILLS):
        studio.start()
        if number % (KILLS // KILLS_AT_START) == 1:
            time.sleep(studio.random.uniform(0.0, 0.4))
        else:
            studio.wait_up()
            studio.work(studio.random.randint(2, 6), studio.random.randint(0, 4) if number < KILLS - 1 else 0)
            time.sleep(studio.random.uniform(0.0, 3 * JOB_S))
        studio.kill()
        interrupted += len(studio.asked.keys() - studio.seen)
        check_database(tmp_path, number)
    seen_before = set(studio.seen)
    studio.start()
    studio.wait_up()
    restarted_s = time.time()
    studio.finish()
    assert len(seen_before) > 20 and interrupted > 10, "the test itself: enough was finished, and enough was not"
    check_jobs(studio, seen_before)
    check_store(studio)
    check_half_files(tmp_path, restarted_s)
    with capsys.disabled():
        taken_s = time.monotonic() - began_s
        print(
            f"\nkilled {KILLS} times in {taken_s:.0f} s: {len(studio.asked)} jobs, {len(seen_before)} seen finished before the last start,"
        )
        print(f"{interrupted} times a job was not yet seen finished when the server was killed; none lost")


def noise(seed: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (96, 96, 3), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def check_database(data: Path, number: int) -> None:
    """A copy, so that the server itself has to recover the original."""
    copy = data / "copies" / str(number)
    copy.mkdir(parents=True)
    for file in (data / "outputs").glob("history.sqlite*"):
        if not file.name.endswith("-shm"):
            shutil.copy(file, copy)
    if (copy / "history.sqlite").exists():
        with closing(sqlite3.connect(copy / "history.sqlite")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def check_jobs(studio: Studio, seen: set[str]) -> None:
    entries = studio.client.get("/api/history", params={"limit": 500}).json()
    assert entries["problem"] == "" and entries["next"] is None
    recorded = [entry["job_id"] for entry in entries["entries"]]
    assert seen <= set(recorded) and len(recorded) == len(set(recorded))
    for job_id in studio.asked:
        job = studio.client.get(f"/api/jobs/{job_id}").json()
        assert job["state"] == "done" or job["error"] == GAVE_UP, job
        assert (job_id in recorded) == (job["state"] == "done")
    for entry in entries["entries"]:
        start = np.asarray(Image.open(io.BytesIO(noise(entry["seed"]))))
        result = Image.open(io.BytesIO(studio.client.get(f"/api/assets/{entry['result']}").content))
        assert not entry["is_missing"] and np.array_equal(255 - start, result)
        assert studio.client.get(f"/api/assets/{entry['result']}/thumbnail").status_code == 200


def check_store(studio: Studio) -> None:
    """Every file is what its name says, and every saved result is whole."""
    files = [path for path in (studio.data / "outputs" / "store").glob("??/*") if path.suffix not in (".json", ".part")]
    assert files and all(hashlib.sha256(path.read_bytes()).hexdigest() == path.stem for path in files)
    saved = list((studio.data / "outputs" / "img2img-images").glob("*.png"))
    assert saved
    for path in saved:
        Image.open(path).load()


def check_half_files(data: Path, restarted_s: float) -> None:
    """They are given some seconds to turn out to be nobody's."""
    while left := [path for path in data.rglob("*.part") if path.stat().st_mtime < restarted_s]:
        assert time.time() < restarted_s + 120, left
        time.sleep(0.2)
