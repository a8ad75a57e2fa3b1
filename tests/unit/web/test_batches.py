"""/api/batches: who knows a batch's id may read how it stands."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from modules.pipeline.modes import Mode
from modules.runtime.batch.settings import BatchSettings
from modules.runtime.batch.task import KIND
from modules.runtime.recipe import Recipe

TIMEOUT_S = 30.0


@pytest.fixture
def run_batch(tmp_path: Path) -> Callable[..., str]:
    """Runs a folder of one good and one bad picture; returns the batch's id."""
    folder = tmp_path / "in"
    folder.mkdir()
    Image.new("RGB", (16, 16)).save(folder / "good.png")
    (folder / "bad.png").write_bytes(b"x")

    def run(client: TestClient, user: str | None = None) -> str:
        app: Any = client.app
        recipe = Recipe(Mode.BATCH, {"prompt": "x", "seed": 5, "steps": 1, "width": 64, "height": 64})
        task = app.state.session.batches.task(recipe, BatchSettings(folder=str(folder)), "ann", user=user)
        job = app.state.session.submit(task, "ann", task.job_id, KIND)
        assert job.wait(TIMEOUT_S) and job.error is None
        return str(task.job_id)

    return run


def test_reports_and_counts(make_client: Callable[..., TestClient], run_batch: Callable[..., str]) -> None:
    client = make_client(safe=True)
    batch_id = run_batch(client)
    counts = client.get(f"/api/batches/{batch_id}").json()["counts"]
    assert counts["done"] == 1 and counts["failed"] == 1
    answer = client.get(f"/api/batches/{batch_id}/report.csv")
    assert answer.headers["content-disposition"] == f'attachment; filename="{batch_id}.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert [(row["file"], row["state"]) for row in rows] == [("bad.png", "failed"), ("good.png", "done")]
    told = client.get(f"/api/batches/{batch_id}/report.json").json()
    assert told["files"][1]["seeds"] == [5] and told["recipe"]["fields"]["prompt"] == "x"


@pytest.mark.parametrize("batch_id", ["2026-01-01-0123456789abcdef", "..%2f..%2fconfig", "x"])
def test_unknown_batches_are_not_found(make_client: Callable[..., TestClient], batch_id: str) -> None:
    client = make_client(safe=True)
    for tail in ("", "/report.csv", "/report.json"):
        assert client.get(f"/api/batches/{batch_id}{tail}").status_code == 404


def test_with_logins_only_ones_own_batches(make_client: Callable[..., TestClient], run_batch: Callable[..., str]) -> None:
    client = make_client(safe=True, api_auth="ann:secret,bob:secret")
    batch_id = run_batch(client, "ann")
    for tail in ("", "/report.csv", "/report.json"):
        answers = [client.get(f"/api/batches/{batch_id}{tail}", auth=(user, "secret")).status_code for user in ("ann", "bob")]
        assert answers == [200, 404]


def test_a_login_is_asked_for(make_client: Callable[..., TestClient], run_batch: Callable[..., str]) -> None:
    client = make_client(safe=True, api_auth="ann:secret")
    batch_id = run_batch(client)
    assert client.get(f"/api/batches/{batch_id}/report.csv").status_code == 401
    assert client.get(f"/api/batches/{batch_id}/report.csv", auth=("ann", "secret")).status_code == 200
