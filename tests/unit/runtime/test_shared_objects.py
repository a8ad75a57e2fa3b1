"""`modules.shared` before and after a session is bound."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from modules.base.paths import Paths
from modules.pipeline.context import RUNNING
from modules.runtime.jobs import Job, JobState
from modules.runtime.session import Session
from modules.runtime.shared_objects import SharedFlags, SharedOptions, SharedSession
from modules.runtime.shared_state import SharedState
from modules.settings.flags import parse_flags
from modules.settings.options import Options


@pytest.fixture
def shared() -> SharedSession:
    return SharedSession()


def test_defaults_are_there_before_the_program_starts(shared: SharedSession) -> None:
    assert SharedOptions(shared).samples_format == Options().samples_format
    assert SharedFlags(shared).port == 7860
    assert not SharedState(lambda: None).interrupted
    with pytest.raises(RuntimeError, match="no session"):
        _ = shared.session


def test_a_bound_session_shows_through_and_changes_are_saved(shared: SharedSession, tmp_path: Path) -> None:
    shared.bind(Session(Paths.under(tmp_path), parse_flags(["--port", "1234"])))
    opts = SharedOptions(shared)
    opts.samples_format = "webp"
    assert opts.data["samples_format"] == "webp"
    assert opts.set("samples_format", "webp") is False
    assert Session(Paths.under(tmp_path), parse_flags([])).options.current.samples_format == "webp"
    assert SharedFlags(shared).port == 1234
    with pytest.raises(AttributeError):
        _ = opts.no_such_option


@pytest.fixture
def running() -> Iterator[SimpleNamespace]:
    """A request in the middle of `process_images`."""
    job = Job("ann", None, state=JobState.RUNNING)
    context = SimpleNamespace(job=job, options=Options(), is_interrupted=lambda: job.is_interrupted, is_skipped=lambda: job.is_skipped)
    request = SimpleNamespace(options=Options(samples_format="jpg"), context=context)
    token = RUNNING.set(request)  # type: ignore[arg-type]
    yield request
    RUNNING.reset(token)


def test_a_job_sees_and_changes_its_own_options(shared: SharedSession, tmp_path: Path, running: SimpleNamespace) -> None:
    shared.bind(Session(Paths.under(tmp_path), parse_flags([])))
    opts = SharedOptions(shared)
    assert opts.samples_format == "jpg"
    assert opts.set("grid_save", False) is True
    assert not opts.grid_save and not running.context.options.grid_save and running.context.options.samples_format == "png"
    assert shared.session.options.current == Options()


def test_a_script_counts_its_runs_and_says_what_it_does(running: SimpleNamespace) -> None:
    state, job = SharedState(lambda: None), running.context.job
    state.job_count, state.job = 3, "Batch 1 of 3"
    assert (job.images, job.is_counted, job.textinfo) == (3, True, "Batch 1 of 3")
    state.job_count += 1
    state.nextjob()
    assert (state.job_count, state.job_no, job.image_no) == (4, 1, 1)
    state.weigh_jobs([1, 2.5])
    assert (state.job_count, job.weights) == (2, (1, 2.5))
    state.interrupt()
    assert state.interrupted and job.is_interrupted and not state.skipped


def test_what_is_written_while_nothing_runs_reaches_no_job() -> None:
    state = SharedState(lambda: None)
    state.job_count, state.job = 7, "idle"
    state.interrupt()
    assert not state.interrupted and state.job_count == 7
