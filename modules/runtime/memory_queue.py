"""The queue of this version: first come first served, one worker thread; a `Journal` is told of every step, so that jobs can outlive it."""

from __future__ import annotations

import logging
import threading
import time
import traceback
import uuid
from collections import deque
from collections.abc import Callable
from typing import Any

from modules.base.errors import PentimentoError
from modules.runtime.jobs import KEPT_JOBS, KEPT_RESULTS, Job, JobState, Journal

logger = logging.getLogger(__name__)


class QueueClosed(RuntimeError):
    """A job came after the program was told to stop."""


class MemoryJobQueue:
    """Runs jobs one after another in a thread that starts with the first job.

    Args:
        run: Does the work of a job and returns its result.
        journal: Remembers jobs.
    """

    def __init__(self, run: Callable[[Job], Any], journal: Journal | None = None) -> None:
        self._run, self._journal = run, journal or Journal()
        self._lock = threading.Condition()
        self._waiting: deque[Job] = deque()
        self._known: dict[str, Job] = {}
        self._running: Job | None = None
        self._worker: threading.Thread | None = None
        self._is_closed = False

    def submit(self, job: Job) -> Job:
        """Queue `job`; an id that a live job already has is made unique.

        Raises:
            QueueClosed: The program is shutting down.
        """
        with self._lock:
            if self._is_closed:
                raise QueueClosed("the queue is closed; the program is shutting down")
            known = self._known.pop(job.id, None)
            if known is not None and not known.state.is_final:
                self._known[job.id] = known
                job.id = f"{job.id}-{uuid.uuid4().hex[:8]}"
            self._known[job.id] = job
        self._journal.submitted(job)
        with self._lock:
            if self._is_closed:  # meanwhile; what is written down runs after the next start
                job.finish(JobState.INTERRUPTED)
                return job
            self._waiting.append(job)
            self._start_worker()
            self._lock.notify_all()
        return job

    def find(self, job_id: str) -> Job | None:
        with self._lock:
            job = self._known.get(job_id)
        if job is not None and not _is_let_go(job):
            return job
        return self._journal.recall(job_id) or job

    def remember(self, job: Job) -> None:
        with self._lock:
            self._known.setdefault(job.id, job)

    def jobs(self) -> list[Job]:
        with self._lock:
            return list(self._known.values())

    def running(self) -> Job | None:
        with self._lock:
            return self._running

    def interrupt(self, job: Job) -> None:
        job.interrupt()
        with self._lock:
            if job not in self._waiting:
                return
            self._waiting.remove(job)
        self._journal.ended(job, JobState.INTERRUPTED)
        job.finish(JobState.INTERRUPTED)

    def close(self) -> None:
        """Stop what runs, drop what waits; the worker ends when its job has. What is written down runs after the next start."""
        with self._lock:
            self._is_closed = True
            dropped, self._waiting = list(self._waiting), deque()
            running = self._running
            self._lock.notify_all()
        for job in dropped:
            job.finish(JobState.INTERRUPTED)
        if running is not None:
            running.put_off()
            if running.is_put_off:
                self._journal.put_off(running)

    def _start_worker(self) -> None:
        if self._worker is None:
            self._worker = threading.Thread(target=self._work, name="pentimento-jobs", daemon=True)
            self._worker.start()

    def _work(self) -> None:
        while (job := self._take()) is not None:
            self._run_one(job)
            with self._lock:
                self._running = None
                self._forget_old()

    def _take(self) -> Job | None:
        with self._lock:
            self._lock.wait_for(lambda: self._waiting or self._is_closed)
            if not self._waiting:
                return None
            job = self._waiting.popleft()
            self._running = job
        with job.changing():
            job.state, job.started_s = JobState.RUNNING, time.time()
        self._journal.started(job)
        return job

    def _run_one(self, job: Job) -> None:
        """A job that fails, in whatever way, must not take the worker with it."""
        try:
            result = self._run(job)
        except PentimentoError as error:
            logger.info("job %s: %s", job.id, error)
            self._fail(job, error)
        except BaseException as error:
            logger.exception("job %s failed", job.id)
            self._fail(job, error)
        else:
            state = JobState.INTERRUPTED if job.is_interrupted else JobState.DONE
            if not job.is_put_off:
                self._journal.ended(job, state)
            job.finish(state, result=result)

    def _fail(self, job: Job, error: BaseException) -> None:
        _let_frames_go(error)
        if not job.is_put_off:
            self._journal.ended(job, JobState.FAILED, error)
        job.finish(JobState.FAILED, error=error)

    def _forget_old(self) -> None:
        finished = [job for job in self._known.values() if job.state.is_final]
        for job in finished[:-KEPT_RESULTS]:
            job.result, job.request = None, None
        for job in finished[:-KEPT_JOBS]:
            del self._known[job.id]


def _is_let_go(job: Job) -> bool:
    """It is over, and `_forget_old` dropped its pictures."""
    return job.state.is_final and job.error is None and job.result is None and job.request is None


def _let_frames_go(error: BaseException | None) -> None:
    """A remembered error must not keep the pictures and tensors of the calls it came through."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
