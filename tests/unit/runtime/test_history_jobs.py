"""Jobs that outlive the program."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modules.base.errors import InvalidRequest
from modules.base.paths import Paths
from modules.pipeline.processed import Processed
from modules.pipeline.processing import Img2ImgProcessing
from modules.runtime.history.resuming import AGAIN, GAVE_UP
from modules.runtime.jobs import KEPT_RESULTS, Job, JobState, Journal
from modules.runtime.recipe import Recipe, build_request
from modules.runtime.session import Session
from modules.settings.flags import Flags

TIMEOUT_S = 60.0


class Pipeline:
    """Gives the start picture inverted; "wait" waits to be told or stopped, "boom" and "refuse" fail."""

    def __init__(self) -> None:
        self.may_end, self.ran = threading.Event(), []

    def __call__(self, request: Any, context: Any) -> Processed:
        self.ran.append(request.prompt)
        while request.prompt == "wait" and not self.may_end.wait(0.005) and not context.is_interrupted():
            pass
        if request.prompt == "boom":
            raise RuntimeError("a secret detail")
        if request.prompt == "refuse":
            raise InvalidRequest("steps", 0, "more")
        text = f"{request.prompt}\nSteps: 2, Seed: 7, Size: 8x8, Model: small"
        made = request.init_images[0].point(lambda value: 255 - value)
        request.steps = 999  # a run changes its request
        return Processed(request, [made], 7, infotexts=[text], all_seeds=[7], all_prompts=[request.prompt])


class Programs:
    """Starts programs on the same folder, one after another."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.sessions, self.pipelines = folder, [], []

    def start(self) -> tuple[Session, Pipeline]:
        pipeline = Pipeline()
        self.pipelines.append(pipeline)
        self.sessions.append(Session(Paths.under(self.folder), Flags(), process=pipeline))
        return self.sessions[-1], pipeline

    def end(self) -> None:
        for pipeline in self.pipelines:
            pipeline.may_end.set()
        for session in self.sessions:
            session.close()
            worker = session.queue._worker  # type: ignore[attr-defined]
            if worker is not None:
                worker.join(TIMEOUT_S)
            session.history.close()


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    programs = Programs(tmp_path)
    yield programs
    programs.end()


def submit(session: Session, prompt: str, owner: str = "page", **options: Any) -> Job:
    picture = session.store.add_picture(Image.new("RGB", (8, 8), (10, 20, 30)))
    recipe = Recipe(fields={"prompt": prompt, "steps": 2}, picture=picture.id)
    return session.submit(build_request(recipe, session.store), owner, recipe=recipe, **options)


def finish(session: Session, prompt: str, **options: Any) -> Job:
    job = submit(session, prompt, **options)
    assert job.wait(TIMEOUT_S)
    return job


def kill(session: Session) -> None:
    """Let nothing more be written of the job that runs, as if the process had gone."""
    wait_until(lambda: session.history.jobs.unfinished()[0].state is JobState.RUNNING)
    session.queue._journal = Journal()  # type: ignore[attr-defined]


def wait_until(is_so: Callable[[], bool]) -> None:
    waited = threading.Event()
    for _ in range(1000):
        if is_so():
            return
        waited.wait(0.01)
    raise AssertionError("it never came")


def test_a_job_is_written_down_before_submit_returns_and_recorded_before_it_is_seen_finished(programs: Programs) -> None:
    session, pipeline = programs.start()
    first, second = submit(session, "wait"), submit(session, "after")
    other, _ = programs.start()
    assert [(row.id, row.recipe) for row in other.history.jobs.unfinished()] == [(first.id, first.recipe), (second.id, second.recipe)]
    seen = []
    second.on_finished(lambda job: seen.append(len(session.history.entries_of(job.id))))
    pipeline.may_end.set()
    assert second.wait(TIMEOUT_S)
    wait_until(lambda: bool(seen))
    assert seen == [1] and other.history.jobs.unfinished() == []


def test_after_a_crash_what_waited_waits_again_and_what_ran_is_begun_again_once(programs: Programs) -> None:
    session, _ = programs.start()
    jobs = [submit(session, prompt, user="ann") for prompt in ("wait", "second", "third")]
    kill(session)
    after, pipeline = programs.start()
    pipeline.may_end.set()
    resumed = after.resume_jobs()
    assert [(job.id, job.owner, job.user, job.created_s) for job in resumed] == [(job.id, "page", "ann", job.created_s) for job in jobs]
    assert all(job.wait(TIMEOUT_S) for job in resumed)
    assert pipeline.ran == ["wait", "second", "third"]
    assert AGAIN in resumed[0].result.notes and AGAIN not in resumed[1].result.notes
    assert [len(after.history.entries_of(job.id)) for job in jobs] == [1, 1, 1]
    assert after.history.search().entries[0].owner == "ann"


def test_a_job_that_somebody_submits_while_others_are_queued_again_runs_once(programs: Programs) -> None:
    session, pipeline = programs.start()
    job = submit(session, "wait")
    assert session.resume_jobs() == []
    pipeline.may_end.set()
    assert job.wait(TIMEOUT_S) and finish(session, "next").state is JobState.DONE
    assert pipeline.ran == ["wait", "next"]


def test_a_job_that_ends_the_program_twice_is_given_up(programs: Programs) -> None:
    first, _ = programs.start()
    job = submit(first, "wait")
    kill(first)
    second, _ = programs.start()
    assert [again.id for again in second.resume_jobs()] == [job.id]
    kill(second)
    third, _ = programs.start()
    assert third.resume_jobs() == []
    found = third.queue.find(job.id)
    assert found is not None and found.state is JobState.FAILED and str(found.error) == GAVE_UP


def test_jobs_survive_an_orderly_end_too_but_not_an_interrupt(programs: Programs) -> None:
    session, _ = programs.start()
    running, dropped, waiting = submit(session, "wait"), submit(session, "dropped"), submit(session, "waiting")
    for _ in range(4):  # an orderly end is no attempt that failed
        wait_until(lambda job=running: job.state is JobState.RUNNING)  # type: ignore[misc]
        session.queue.interrupt(session.queue.find(dropped.id) or dropped)
        session.close()
        assert session.queue.find(waiting.id).wait(TIMEOUT_S) and running.wait(TIMEOUT_S)  # type: ignore[union-attr]
        session, pipeline = programs.start()
        running, again = session.resume_jobs()
        assert again.id == waiting.id
    assert session.queue.find(dropped.id).state is JobState.INTERRUPTED  # type: ignore[union-attr]
    pipeline.may_end.set()
    assert running.wait(TIMEOUT_S) and running.state is JobState.DONE
    assert len(session.history.entries_of(running.id)) == 1 and AGAIN not in running.result.notes


def test_a_job_that_somebody_stopped_before_the_program_ended_is_not_begun_again(programs: Programs) -> None:
    session, _ = programs.start()
    job = submit(session, "wait")
    wait_until(lambda: job.state is JobState.RUNNING)
    session.queue.interrupt(job)
    session.close()
    assert job.wait(TIMEOUT_S)
    after, _ = programs.start()
    assert after.resume_jobs() == [] and after.queue.find(job.id).state is JobState.INTERRUPTED  # type: ignore[union-attr]


def test_what_an_api_client_asked_for_is_kept_as_far_as_it_came_when_the_program_ends(programs: Programs) -> None:
    session, _ = programs.start()
    job = session.submit(Img2ImgProcessing(prompt="wait", init_images=[Image.new("RGB", (8, 8))]), "127.0.0.1")
    wait_until(lambda: job.state is JobState.RUNNING)
    session.close()
    assert job.wait(TIMEOUT_S)
    assert len(session.history.entries_of(job.id)) == 1 and session.history.jobs.unfinished() == []


def test_a_finished_job_of_before_is_found_with_its_pictures(programs: Programs) -> None:
    session, _ = programs.start()
    before = finish(session, "a cat")
    after, _ = programs.start()
    after.resume_jobs()
    assert [job.id for job in after.queue.jobs()] == [before.id]
    job = after.queue.find(before.id)
    assert job is not None and (job.state, job.owner, job.recipe, job.request) == (JobState.DONE, "page", before.recipe, None)
    result = job.outcome()
    assert np.array_equal(result.images[0], before.result.images[0]) and result.pictures == result.images
    assert (result.infotexts, result.all_seeds, result.seed) == (before.result.infotexts, [7], 7)
    assert (result.index_of_first_image, result.changed_outside_mask, result.paths) == (0, [None], [None])
    assert result.text_of(0) == before.result.text_of(0) and result.all_prompts == ["a cat"]


def test_a_job_keeps_its_pictures_though_the_clock_was_set_back(programs: Programs) -> None:
    session, _ = programs.start()
    job = submit(session, "wait", job_id="mine")
    with session.history._database.write() as connection:
        job.created_s += 3600.0
        connection.execute("UPDATE jobs SET created_s = ?", (job.created_s,))
    kill(session)
    after, pipeline = programs.start()
    pipeline.may_end.set()
    (again,) = after.resume_jobs()
    assert again.wait(TIMEOUT_S)
    last, _ = programs.start()
    assert last.queue.find("mine").result.all_prompts == ["wait"]  # type: ignore[union-attr]


def test_a_job_is_found_though_the_queue_let_its_pictures_go(programs: Programs) -> None:
    session, _ = programs.start()
    first = finish(session, "first")
    for number in range(KEPT_RESULTS):
        finish(session, str(number))
    wait_until(lambda: first.result is None)
    found = session.queue.find(first.id)
    assert found is not None and found.result.all_prompts == ["first"]
    assert session.queue.find("never was") is None and session.queue.find("half \ud83d") is None


def test_a_result_whose_picture_was_deleted_is_empty(programs: Programs) -> None:
    session, _ = programs.start()
    before = finish(session, "a cat")
    entry = session.history.entries_of(before.id)[0]
    session.store.path(entry.result).unlink()
    after, _ = programs.start()
    assert after.queue.find(before.id).result.images == []  # type: ignore[union-attr]


def test_failures_are_remembered_without_inside_knowledge(programs: Programs) -> None:
    session, _ = programs.start()
    refused, broken = finish(session, "refuse"), finish(session, "boom")
    after, _ = programs.start()
    texts = [str(after.queue.find(job.id).error) for job in (refused, broken)]  # type: ignore[union-attr]
    assert "steps" in texts[0] and "secret" not in texts[1] and "log" in texts[1]


def test_a_job_whose_picture_is_gone_fails_with_words(programs: Programs) -> None:
    session, _ = programs.start()
    _, waiting = submit(session, "wait"), submit(session, "x")
    kill(session)
    session.store.remove(waiting.recipe.picture)  # type: ignore[union-attr, arg-type]
    after, _ = programs.start()
    assert after.resume_jobs() == []
    found = after.queue.find(waiting.id)
    assert found is not None and found.state is JobState.FAILED and "no picture is kept" in str(found.error)


def test_a_request_without_a_recipe_is_recorded_as_it_was_asked(programs: Programs) -> None:
    session, _ = programs.start()
    start = Image.new("RGB", (8, 8), "navy")
    mask = Image.new("L", (8, 8), 255)
    job = session.submit(Img2ImgProcessing(prompt="api", steps=3, init_images=[start], image_mask=mask), "127.0.0.1")
    assert session.history.jobs.unfinished() == [], "its client is gone when the program is"
    assert job.wait(TIMEOUT_S)
    (entry,) = session.history.entries_of(job.id)
    assert (entry.recipe.fields["steps"], entry.mode, entry.owner) == (3, "inpaint_upload", "127.0.0.1")
    assert np.array_equal(session.store.open(entry.recipe.picture or "").image, start)
    assert session.store.mask(entry.recipe.mask or "").getextrema() == (255, 255)


def test_with_the_history_off_nothing_of_a_job_is_left_when_it_is_over(programs: Programs) -> None:
    session, _ = programs.start()
    session.options.update({"history_enabled": False})
    job = finish(session, "a secret")
    wait_until(lambda: session.history.jobs.recall(job.id) is None)
    assert session.history.usage().entries == 0
    assert finish(session, "boom").state is JobState.FAILED


def test_deleting_a_jobs_last_result_forgets_the_job(programs: Programs) -> None:
    session, _ = programs.start()
    job = finish(session, "a secret")
    session.history.delete([session.history.entries_of(job.id)[0].id])
    assert session.history.jobs.recall(job.id) is None


def test_parts_of_a_job_are_recorded_once(programs: Programs) -> None:
    session, _ = programs.start()

    class Files:
        def run(self, context: Any) -> Any:
            parts = []
            for shade in (1, 2):
                part = Job("page", None, "files", id=context.job.id, recipe=Recipe(fields={"prompt": str(shade)}))
                part.result = Processed(None, [Image.new("RGB", (8, 8), (shade, 0, 0))], infotexts=[str(shade)])
                session.history.record(part, is_over=False)
                parts += part.result.images
            return Processed(None, parts, infotexts=["", ""])

    job = session.submit(Files(), "page", kind="files", recipe=Recipe())
    assert job.wait(TIMEOUT_S) and len(job.result.images) == 2
    assert [entry.recipe.fields["prompt"] for entry in session.history.entries_of(job.id)] == ["1", "2"]
    assert session.history.jobs.unfinished() == [] and session.history.jobs.recall(job.id).state is JobState.DONE  # type: ignore[union-attr]


def test_an_id_that_is_used_again_means_the_newer_job(programs: Programs) -> None:
    session, _ = programs.start()
    finish(session, "old", job_id="mine"), finish(session, "new", job_id="mine")
    after, _ = programs.start()
    found = after.queue.find("mine")
    assert found is not None and found.result.all_prompts == ["new"]
