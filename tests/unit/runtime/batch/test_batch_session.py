"""A batch in a real session: its history, and what a restart does with it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from modules.base.paths import Paths
from modules.plugins.runner import ScriptRunner
from modules.runtime.batch.manifest import load_manifest
from modules.runtime.batch.task import KIND, BatchTask
from modules.runtime.jobs import Job, JobState
from modules.runtime.session import Session
from modules.settings.flags import Flags
from tests.unit.runtime.batch.stand_in import RECIPE, Pipeline, settings_for, states

TIMEOUT_S = 30.0


@pytest.fixture
def make_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Any], Session]]:
    monkeypatch.setattr(Session, "scripts", property(lambda session: ScriptRunner()))
    sessions: list[Session] = []

    def make(process: Any) -> Session:
        sessions.append(Session(Paths.under(tmp_path), Flags(), process=process))
        return sessions[-1]

    yield make
    for session in sessions:
        session.close()


def begin(session: Session, folder: Path) -> Job:
    task = session.batches.task(RECIPE, settings_for(folder), "ann")
    return session.submit(task, "ann", task.job_id, KIND, recipe=task.recipe)


def test_every_file_is_an_entry_of_the_history_and_can_be_restored(
    make_session: Callable[[Any], Session], folder: Path, pipeline: Pipeline
) -> None:
    session = make_session(pipeline)
    job = begin(session, folder)
    assert job.wait(TIMEOUT_S) and job.state is JobState.DONE, job.error
    entries = session.history.search(owner="ann").entries
    assert len(entries) == 3 and {entry.job_id for entry in entries} == {job.id}
    first = session.history.entries_of(job.id)[0]
    assert (first.mode, first.prompt, first.saved_path) == ("img2img", "a boat", folder.parent / "out" / "a.png")
    assert first.recipe.fields["seed"] == first.seed == pipeline.requests[0].seed
    assert session.store.open(str(first.recipe.picture)).image.size == (40, 24)
    assert session.store.open(first.result).image.getpixel((0, 0)) == Image.open(folder.parent / "out" / "a.png").getpixel((0, 0))
    row = session.history.jobs.recall(job.id)
    assert row is not None and row.state is JobState.DONE and row.kind == KIND and row.result.notes == ["3 of 3 pictures made"]


def test_what_the_history_could_not_keep_is_told_of_the_file(
    make_session: Callable[[Any], Session], folder: Path, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = make_session(pipeline)

    def fill_up(*values: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(session.store, "keep_thumbnail", fill_up)
    job = begin(session, folder)
    assert job.wait(TIMEOUT_S) and job.state is JobState.DONE, job.error
    manifest = load_manifest(job.request.manifest.folder)
    assert states(manifest) == "a.png:done b.png:done c.png:done"
    for item in manifest.plan.items:
        (note,) = manifest.status(item).notes
        assert "could not be kept in the history" in note and "No space left" in note


def test_a_batch_of_before_a_crash_is_gone_on_with_and_found_by_its_owner(
    make_session: Callable[[Any], Session], folder: Path, pipeline: Pipeline
) -> None:
    has_begun, may_end = threading.Event(), threading.Event()

    def hang(request: Any, context: Any) -> Any:
        if len(pipeline.requests) == 1:
            has_begun.set()
            may_end.wait(TIMEOUT_S)
        return pipeline(request, context)

    crashed = make_session(hang)
    lost = begin(crashed, folder)
    assert has_begun.wait(TIMEOUT_S)
    assert isinstance(lost.request, BatchTask)
    place = lost.request.manifest.folder
    assert states(load_manifest(place)) == "a.png:done b.png:running c.png:pending"
    again = Pipeline()
    session = make_session(again)
    (job,) = session.resume_jobs()
    assert (job.id, job.owner, job.kind) == (lost.id, "ann", KIND)
    assert job.wait(TIMEOUT_S) and job.state is JobState.DONE, job.error
    assert states(load_manifest(place)) == "a.png:done b.png:done c.png:done"
    assert len(again.requests) == 2 and {request.seed for request in again.requests} == {pipeline.requests[0].seed}
    assert sorted(path.name for path in (folder.parent / "out").iterdir()) == ["a.png", "b.png", "c.png"]
    assert len(session.history.entries_of(job.id)) == 3
    lost.interrupt()
    may_end.set()
    assert lost.wait(TIMEOUT_S)


def test_a_batch_whose_folder_is_gone_fails_with_a_reason(make_session: Callable[[Any], Session], folder: Path, pipeline: Pipeline) -> None:
    has_begun, may_end = threading.Event(), threading.Event()

    def hang(request: Any, context: Any) -> Any:
        has_begun.set()
        may_end.wait(TIMEOUT_S)
        return pipeline(request, context)

    crashed = make_session(hang)
    lost = begin(crashed, folder)
    assert has_begun.wait(TIMEOUT_S)
    folder.rename(folder.with_name("elsewhere"))
    session = make_session(pipeline)
    assert session.resume_jobs() == []
    found = session.queue.find(lost.id)
    assert found is not None and found.state is JobState.FAILED and "img2img_batch_input_dir" in str(found.error)
    lost.interrupt()
    may_end.set()
    assert lost.wait(TIMEOUT_S)
