"""The session: owners, progress, previews; no torch before a job runs."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from modules.base.errors import MissingModel
from modules.base.paths import Paths
from modules.plugins.runner import ScriptRunner
from modules.runtime.context import JobContext
from modules.runtime.jobs import Job, JobState
from modules.runtime.recipe import Recipe
from modules.runtime.session import Session, checkpoint_folders
from modules.settings.flags import Flags

TIMEOUT_S = 60.0


class Process:
    """Stands in for the pipeline."""

    def __init__(self) -> None:
        self.has_begun, self.may_end = threading.Event(), threading.Event()
        self.context: Any = None

    def __call__(self, request: Any, context: Any) -> str:
        self.context = context
        context.begin(2, 10)
        context.begin_iteration(1)
        context.on_step(5, 10, None, None)
        self.has_begun.set()
        while not self.may_end.is_set() and not context.is_interrupted():
            self.may_end.wait(0.001)
        return f"{request} done"


@pytest.fixture
def process() -> Process:
    return Process()


@pytest.fixture
def session(tmp_path: Path, process: Process) -> Iterator[Session]:
    session = Session(Paths.under(tmp_path), Flags(), process=process)
    yield session
    process.may_end.set()
    session.close()


def test_idle_progress_is_exactly_zero(session: Session) -> None:
    now = session.progress("ann")
    assert (now.job, now.progress, now.eta_s, now.waiting) == (None, 0.0, 0.0, 0)


def test_progress_is_the_owners_own_first(session: Session, process: Process) -> None:
    running = session.submit("x", "ann")
    waiting = session.submit("y", "bob")
    assert process.has_begun.wait(TIMEOUT_S)
    own = session.progress("ann")
    assert own.job is running and own.is_own and own.progress == pytest.approx(0.01 + 1.5 / 2) and own.waiting == 1
    assert session.progress("bob").job is waiting and session.progress("bob").progress == 0.0
    other = session.progress("eve")
    assert other.job is running and not other.is_own
    process.may_end.set()
    assert waiting.wait(TIMEOUT_S)
    assert session.progress("ann").progress == 0.0


def test_interrupt_reaches_only_the_owners_jobs(session: Session, process: Process) -> None:
    running = session.submit("x", "ann")
    waiting = session.submit("y", "bob")
    assert process.has_begun.wait(TIMEOUT_S)
    assert session.interrupt("eve") is None and session.skip("eve") is None and session.skip("bob") is None
    assert not running.is_interrupted and not running.is_skipped
    assert session.skip("ann") is running and process.context.is_skipped()
    assert session.interrupt("bob") is waiting and waiting.state is JobState.INTERRUPTED
    assert session.interrupt() is running
    assert running.wait(TIMEOUT_S) and running.outcome() == "x done"


def test_a_job_keeps_the_id_it_came_with(session: Session, process: Process) -> None:
    process.may_end.set()
    assert session.submit("x", "ann", "task(abc)").id == "task(abc)"


def test_a_finished_request_holds_no_model(session: Session, process: Process) -> None:
    process.may_end.set()
    request = SimpleNamespace(sd_model=object(), init_latent=object(), prompt="x", user="ann")
    job = session.submit(request, "ann")
    assert job.wait(TIMEOUT_S) and process.context.user == "ann"
    assert (request.sd_model, request.init_latent, request.prompt) == (None, None, "x")


def test_loading_a_model_does_not_count_as_progress(session: Session) -> None:
    job = session.load_model()
    assert session.progress(None).job is None and session.interrupt(None) is None
    assert job.wait(TIMEOUT_S * 4)
    with pytest.raises(MissingModel):
        job.outcome()


def test_a_configured_checkpoint_that_is_gone_falls_back(session: Session) -> None:
    session.options.update({"sd_model_checkpoint": "gone.safetensors"})
    with pytest.raises(MissingModel):
        session.checkpoint()


def test_checkpoint_folders(tmp_path: Path) -> None:
    paths = Paths.under(tmp_path / "root", tmp_path / "data")
    flags = Flags(ckpt_dir=tmp_path / "more", ckpt=tmp_path / "one" / "x.safetensors")
    folders = checkpoint_folders(paths, flags)
    wanted = ["data/models/Stable-diffusion", "root/models/Stable-diffusion", "more", "one"]
    assert folders == [tmp_path / folder for folder in wanted]
    assert checkpoint_folders(Paths.under(tmp_path), Flags()) == [tmp_path / "models" / "Stable-diffusion"]


@pytest.fixture
def context(session: Session) -> JobContext:
    job = Job("ann", None, state=JobState.RUNNING)
    options = session.options.current.coerced({"show_progress_every_n_steps": 2})
    return JobContext(job, options, session.paths, session.cache, lambda name: f"model {name}", ScriptRunner)


def test_previews_come_every_n_steps(context: JobContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modules.runtime.context.load_dotted", lambda name: lambda latent, model, way, paths: (latent, model, way))
    for step in range(1, 6):
        context.on_step(step, 5, ["latent"], "model")
    assert context.job.preview == ("latent", "model", "Approx NN") and context.job.preview_no == 2
    assert (context.job.step, context.job.steps) == (5, 5)


def test_a_preview_that_fails_costs_nothing(context: JobContext, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> Image.Image:
        raise ImportError(name)

    monkeypatch.setattr("modules.runtime.context.load_dotted", fail)
    context.on_step(2, 5, ["latent"], "model")
    assert context.job.preview is None and context.job.step == 2


def test_the_context_passes_things_on(context: JobContext) -> None:
    assert context.model("x") == "model x" and context.job.textinfo is None
    context.begin(3, 7)
    context.begin_iteration(2)
    assert (context.job.images, context.job.image_no, context.job.steps) == (3, 2, 7)
    context.job.skip()
    assert context.is_skipped()
    context.clear_skip()
    assert not context.is_skipped() and context.script_runner().titles == []


def test_importing_and_making_a_session_needs_no_torch(tmp_path: Path, project_root: Path) -> None:
    code = (
        "import sys, pathlib\n"
        "from modules.runtime.session import Session\n"
        "from modules.base.paths import Paths\n"
        "from modules.settings.flags import Flags\n"
        f"session = Session(Paths.under(pathlib.Path({str(tmp_path)!r})), Flags())\n"
        "session.checkpoints(), session.progress()\n"
        "assert not {'torch', 'gradio', 'fastapi'} & set(sys.modules), 'heavy'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=project_root)


def test_progress_of_a_script_that_runs_several_jobs_never_goes_back(context: JobContext) -> None:
    job, seen = context.job, [0.0]
    job.images, job.is_counted = 3, True
    for _ in range(3):
        context.begin(1, 4)
        context.begin_iteration(0)
        seen.append(job.progress)
        for step in range(1, 5):
            context.on_step(step, 4, None, None)
            seen.append(job.progress)
    assert seen == sorted(seen) and seen[5] == pytest.approx(0.01 + 1 / 3) and job.image_no == 2


def test_unannounced_runs_are_added(context: JobContext) -> None:
    for _ in range(2):
        context.begin(2, 1)
        context.begin_iteration(0)
        context.begin_iteration(1)
        context.on_step(1, 1, None, None)
    assert (context.job.images, context.job.image_no) == (4, 3)


def test_a_task_does_its_own_work(session: Session) -> None:
    class Sum:
        def run(self, context: JobContext) -> int:
            return len(context.user) + 1

    job = session.submit(Sum(), "ann", user="ann")
    assert job.wait(TIMEOUT_S) and job.outcome() == 4


def test_a_job_knows_its_recipe_and_whose_it_is(session: Session, process: Process) -> None:
    recipe = Recipe(fields={"prompt": "a cat"})
    job = session.submit(SimpleNamespace(user="ann"), "page", recipe=recipe)
    assert (job.recipe, job.user, job.owner) == (recipe, "ann", "page")
