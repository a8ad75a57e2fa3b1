"""Jobs and the queue that runs them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from modules.base.errors import InvalidRequest
from modules.runtime.jobs import KEPT_JOBS, KEPT_RESULTS, Job, JobState
from modules.runtime.memory_queue import MemoryJobQueue

TIMEOUT_S = 60.0


class Worker:
    """Stands in for the pipeline: does what a job's request says."""

    def __init__(self) -> None:
        self.may_go_on = threading.Event()
        self.ran: list[str] = []

    def run(self, job: Job) -> Any:
        self.ran.append(job.id)
        if isinstance(job.request, BaseException):
            raise job.request
        if job.request == "wait":
            while not self.may_go_on.is_set() and not job.is_interrupted:
                time.sleep(0.001)
        return f"result of {job.id}"


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest.fixture
def queue(worker: Worker) -> Iterator[MemoryJobQueue]:
    queue = MemoryJobQueue(worker.run)
    yield queue
    worker.may_go_on.set()
    queue.close()


def wait_running(job: Job) -> None:
    deadline_s = time.monotonic() + TIMEOUT_S
    while job.state is JobState.QUEUED and time.monotonic() < deadline_s:
        time.sleep(0.001)
    assert job.state is JobState.RUNNING


def test_a_job_runs_and_keeps_its_result(queue: MemoryJobQueue) -> None:
    job = queue.submit(Job("ann", "go"))
    assert job.wait(TIMEOUT_S)
    assert job.state is JobState.DONE
    assert job.outcome() == f"result of {job.id}"
    assert job.progress == 1.0
    assert job.created_s <= (job.started_s or 0) <= (job.finished_s or 0)
    assert queue.find(job.id) is job


def test_jobs_run_one_after_another_in_order(queue: MemoryJobQueue, worker: Worker) -> None:
    first, second, third = (queue.submit(Job("ann", request)) for request in ("wait", "go", "go"))
    wait_running(first)
    assert (second.state, third.state) == (JobState.QUEUED, JobState.QUEUED)
    assert queue.running() is first
    worker.may_go_on.set()
    assert third.wait(TIMEOUT_S)
    assert worker.ran == [first.id, second.id, third.id]


def test_a_failing_job_leaves_the_worker_alive(queue: MemoryJobQueue) -> None:
    for error in (InvalidRequest("steps", 0, "1 or more"), RuntimeError("bug"), SystemExit(3), MemoryError()):
        job = queue.submit(Job("ann", error))
        assert job.wait(TIMEOUT_S)
        assert job.state is JobState.FAILED
        with pytest.raises(type(error)):
            job.outcome()
    after = queue.submit(Job("ann", "go"))
    assert after.wait(TIMEOUT_S) and after.state is JobState.DONE


def test_interrupting_a_running_job_keeps_what_it_has(queue: MemoryJobQueue) -> None:
    job = queue.submit(Job("ann", "wait"))
    wait_running(job)
    queue.interrupt(job)
    assert job.wait(TIMEOUT_S)
    assert job.state is JobState.INTERRUPTED
    assert job.outcome() == f"result of {job.id}"


def test_interrupting_a_waiting_job_takes_it_off_the_queue(queue: MemoryJobQueue, worker: Worker) -> None:
    running, waiting = queue.submit(Job("ann", "wait")), queue.submit(Job("bob", "go"))
    wait_running(running)
    queue.interrupt(waiting)
    assert waiting.state is JobState.INTERRUPTED and waiting.outcome() is None
    worker.may_go_on.set()
    assert running.wait(TIMEOUT_S) and running.state is JobState.DONE
    assert waiting.id not in worker.ran


def test_interrupting_a_finished_job_changes_nothing(queue: MemoryJobQueue) -> None:
    job = queue.submit(Job("ann", "go"))
    job.wait(TIMEOUT_S)
    queue.interrupt(job)
    assert job.state is JobState.DONE


def test_a_live_id_is_not_given_twice(queue: MemoryJobQueue, worker: Worker) -> None:
    first = queue.submit(Job("ann", "wait", id="task(1)"))
    second = queue.submit(Job("ann", "go", id="task(1)"))
    assert first.id == "task(1)" and second.id.startswith("task(1)-")
    worker.may_go_on.set()
    assert second.wait(TIMEOUT_S)
    third = queue.submit(Job("ann", "go", id="task(1)"))
    assert third.id == "task(1)" and queue.find("task(1)") is third


def test_old_jobs_lose_their_pictures_and_are_then_forgotten(queue: MemoryJobQueue) -> None:
    jobs = [queue.submit(Job("ann", "go")) for _ in range(KEPT_JOBS + 5)]
    assert jobs[-1].wait(TIMEOUT_S)
    deadline_s = time.monotonic() + TIMEOUT_S
    while queue.running() is not None and time.monotonic() < deadline_s:
        time.sleep(0.001)
    assert len(queue.jobs()) == KEPT_JOBS
    assert sum(job.result is not None for job in queue.jobs()) == KEPT_RESULTS
    assert queue.find(jobs[0].id) is None


def test_closing_drops_what_waits_and_refuses_what_comes(queue: MemoryJobQueue) -> None:
    running, waiting = queue.submit(Job("ann", "wait")), queue.submit(Job("ann", "go"))
    wait_running(running)
    queue.close()
    assert running.wait(TIMEOUT_S) and waiting.wait(TIMEOUT_S)
    assert running.state is waiting.state is JobState.INTERRUPTED
    with pytest.raises(RuntimeError):
        queue.submit(Job("ann", "go"))


def test_progress_grows_with_steps_and_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1e9)
    job = Job("ann", None)
    assert job.progress == 0.0 and job.eta_s is None
    job.state, job.began_s = JobState.RUNNING, 1e9 - 10
    assert job.progress == 0.01 and job.eta_s is None
    job.images, job.steps, seen = 2, 10, []
    for job.image_no in range(2):
        for job.step in range(11):
            seen.append(job.progress)
    assert seen == sorted(seen) and seen[0] == pytest.approx(0.01) and seen[-1] == 1.0
    job.image_no, job.step = 1, 0
    assert job.eta_s == pytest.approx(10, abs=0.1)


def test_progress_goes_by_what_batches_cost_where_a_script_knows() -> None:
    job = Job("ann", None, state=JobState.RUNNING, images=3, steps=4, weights=(1.0, 2.0, 5.0))
    shares = []
    for job.image_no, job.step in ((0, 0), (0, 2), (1, 0), (1, 4), (2, 2), (3, 0)):
        shares.append(job._share)
    assert shares == pytest.approx([0, 1 / 16, 1 / 8, 3 / 8, 5.5 / 8, 1])
    job.images, job.image_no = 4, 1
    assert job._share == 0.25


def test_those_who_wait_for_a_change_are_woken() -> None:
    job = Job("ann", None)
    seen = job.version
    assert job.wait_change(seen, 0.01) == seen
    timer = threading.Timer(0.02, job.skip)
    timer.start()
    assert job.wait_change(seen, TIMEOUT_S) > seen
    assert job.is_skipped
    job.clear_skip()
    assert not job.is_skipped
    timer.join()


def test_observers_are_told_once_whenever_they_come() -> None:
    job, told = Job("ann", None), []
    job.on_finished(lambda over: told.append(over.state))
    job.finish(JobState.DONE, result=1)
    job.finish(JobState.FAILED)
    job.on_finished(lambda over: told.append(over.state))
    assert told == [JobState.DONE, JobState.DONE]
