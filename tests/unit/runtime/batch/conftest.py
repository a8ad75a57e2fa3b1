"""Batches around a stand-in for the pipeline."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from modules.base.errors import UnknownName
from modules.base.paths import Paths
from modules.runtime.batch.batches import Batches
from modules.runtime.jobs import Job
from modules.runtime.store import AssetStore
from modules.settings.options import Options
from tests.unit.runtime.batch.stand_in import Pipeline


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline()


@pytest.fixture
def recorded() -> list[Job]:
    return []


class Kept:
    """In place of the history."""

    def __init__(self, jobs: list[Job]) -> None:
        self._jobs = jobs

    def record(self, job: Job, *, is_over: bool = True) -> None:
        assert not is_over
        self._jobs.append(job)


@pytest.fixture
def batches(tmp_path: Path, pipeline: Pipeline, recorded: list[Job]) -> Batches:
    def find(name: str) -> Any:
        if name != "abc123":
            raise UnknownName("model", name, [])
        return SimpleNamespace(title="other [abc123]")

    paths = Paths.under(tmp_path)
    return Batches(paths, True, AssetStore(paths.outputs / "store"), Options, find, pipeline, Kept(recorded))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures: a.png, b.png, c.png of 40 x 24 px."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number, name in enumerate("abc"):
        Image.new("RGB", (40, 24), (40 * number, 90, 200)).save(folder / f"{name}.png")
    return folder
