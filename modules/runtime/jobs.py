"""One run, from wherever it comes, is one `Job`; a `JobQueue` runs them one after another.

The queue here keeps everything in memory. What others may rely on is the protocol: a later queue may persist jobs and share them out.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from modules.runtime.context import JobContext
    from modules.runtime.recipe import Recipe

KEPT_JOBS = 200
KEPT_RESULTS = 16
"""Finished jobs that are remembered at all, and those whose pictures are."""


class JobState(Enum):
    """Where a job stands; `is_final` states never change again."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"

    @property
    def is_final(self) -> bool:
        return self in (JobState.DONE, JobState.FAILED, JobState.INTERRUPTED)


@runtime_checkable
class Task(Protocol):
    """A request that does its own work, such as a batch of files or the repair of a seam."""

    def run(self, context: JobContext) -> Any:
        """Do it, in the worker's thread; the result offers what `pipeline.processed.Processed` does (or is None)."""
        ...


@dataclass(eq=False)
class Job:
    """One run and all that is known about it. The worker writes, everybody may read.

    Attributes:
        id: Unique among the remembered jobs.
        owner: Who asked: a login, a page session or a client address.
        request: What the pipeline gets, usually an `Img2ImgProcessing`; or a `Task`.
        kind: "img2img", ...
        user: Login of the person; None where none is asked for.
        recipe: What makes the same request again. A job that comes with one outlives the program.
        created_s, started_s, finished_s: Seconds since the epoch; None = not yet.
        began_s: When sampling began, the model being there.
        image_no, images: Batches finished, and batches in this job (A1111's job_no and job_count).
        is_counted: Whether a script said how many batches there will be.
        weights: What each of them costs beside the others, where a script knows that they differ.
        step, steps: Sampling step within the batch.
        textinfo: One line about what is being done, or None.
        preview: PIL picture of the step last looked at, or None.
        preview_no: Grows by one with every new preview.
        result: `Processed`; an interrupted job may have one too.
        error: What a failed job raised.
    """

    owner: str
    request: Any
    kind: str = "img2img"
    user: str | None = None
    recipe: Recipe | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    state: JobState = JobState.QUEUED
    created_s: float = field(default_factory=time.time)
    started_s: float | None = None
    finished_s: float | None = None
    began_s: float | None = None
    image_no: int = 0
    images: int = 0
    is_counted: bool = False
    weights: tuple[float, ...] = ()
    step: int = 0
    steps: int = 0
    textinfo: str | None = None
    preview: Any = None
    preview_no: int = 0
    result: Any = None
    error: BaseException | None = None
    _changed: threading.Condition = field(default_factory=threading.Condition, repr=False)
    _version: int = 0
    _furthest: float = 0.0
    _wants_stop: bool = False
    _wants_skip: bool = False
    _is_put_off: bool = False
    _observers: list[Callable[[Job], None]] = field(default_factory=list, repr=False)

    @property
    def progress(self) -> float:
        """Share done, 0 to 1; exactly 0 before the start, at least 0.01 from then on, 1 when done. Never goes back."""
        if self.state is JobState.DONE:
            return 1.0
        return min(1.0, 0.01 + self._reached) if self.state is JobState.RUNNING else 0.0

    @property
    def eta_s(self) -> float | None:
        """Seconds left by the pace of sampling so far; None while nothing can be said."""
        if self.state is not JobState.RUNNING or self.began_s is None or self._reached <= 0:
            return None
        elapsed_s = time.time() - self.began_s
        return max(0.0, elapsed_s / self._reached - elapsed_s)

    @property
    def _reached(self) -> float:
        """The largest share so far: more batches may turn up than were announced."""
        return max(self._furthest, self._share)

    @property
    def _share(self) -> float:
        """Of sampling steps, over all batches."""
        within = self.step / self.steps if self.steps else 0.0
        if self.images and len(self.weights) == self.images:
            now = sum(self.weights[self.image_no : self.image_no + 1]) * within
            return min(1.0, (sum(self.weights[: self.image_no]) + now) / sum(self.weights))
        return min(1.0, (self.image_no + within) / self.images) if self.images else 0.0

    @property
    def is_interrupted(self) -> bool:
        """Has somebody asked to stop it?"""
        return self._wants_stop

    @property
    def is_put_off(self) -> bool:
        """Is it stopped only because the program ends? One that is written down is begun again after the next start."""
        return self._is_put_off

    @property
    def is_skipped(self) -> bool:
        """Has somebody asked to skip the batch being made?"""
        return self._wants_skip

    @property
    def version(self) -> int:
        """Grows with every change; see `wait_change`."""
        return self._version

    @contextmanager
    def changing(self) -> Iterator[Job]:
        """Change fields within; wakes those who wait when left."""
        with self._changed:
            yield self
            self._version += 1
            self._furthest = max(self._furthest, self._share)
            self._changed.notify_all()

    def interrupt(self) -> None:
        """Ask the run to stop as soon as it can."""
        with self.changing():
            self._wants_stop = True

    def put_off(self) -> None:
        """Ask the run to stop because the program ends, unless somebody has asked before."""
        with self.changing():
            self._is_put_off = self._is_put_off or not self._wants_stop
            self._wants_stop = True

    def skip(self) -> None:
        """Ask the run to give up the batch being made and go on with the next."""
        with self.changing():
            self._wants_skip = True

    def clear_skip(self) -> None:
        with self.changing():
            self._wants_skip = False

    def finish(self, state: JobState, *, result: Any = None, error: BaseException | None = None) -> None:
        """Enter a final state, once; later calls change nothing."""
        with self.changing():
            if self.state.is_final:
                return
            self.state, self.result, self.error = state, result, error
            self.finished_s = time.time()
            self.preview, self.textinfo = None, None
            observers, self._observers = self._observers, []
        for observer in observers:
            observer(self)

    def on_finished(self, observer: Callable[[Job], None]) -> None:
        """Call `observer(job)` from the worker's thread when the job is over, or now when it is."""
        with self._changed:
            if not self.state.is_final:
                self._observers.append(observer)
                return
        observer(self)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Block until the job is over; False when `timeout_s` passed first."""
        with self._changed:
            return self._changed.wait_for(lambda: self.state.is_final, timeout_s)

    def wait_change(self, seen_version: int, timeout_s: float | None = None) -> int:
        """Block until something differs from `seen_version`, or `timeout_s` passed; returns the version now."""
        with self._changed:
            self._changed.wait_for(lambda: self._version != seen_version, timeout_s)
            return self._version

    def outcome(self) -> Any:
        """The result of a job that is over (None when it was stopped before it began); raises what it failed with."""
        if self.error is not None:
            raise self.error
        return self.result


class Journal:
    """What a queue tells, in the worker's thread or the submitter's, and asks; this one keeps nothing."""

    def submitted(self, job: Job) -> None:
        """It is about to wait; when this returns, it is written down."""

    def started(self, job: Job) -> None:
        """It is about to run."""

    def ended(self, job: Job, state: JobState, error: BaseException | None = None) -> None:
        """It is over; said before anybody else can see it. Jobs that wait when the queue is closed have not ended."""

    def put_off(self, job: Job) -> None:
        """It runs and is not over, but the program ends."""

    def recall(self, job_id: str) -> Job | None:
        """A job that the queue no longer knows, or whose result it let go, to be looked at."""
        return None


class JobQueue(Protocol):
    """What the rest of the house may ask of a queue."""

    def submit(self, job: Job) -> Job: ...

    def find(self, job_id: str) -> Job | None:
        """The job, perhaps one of before a restart."""
        ...

    def remember(self, job: Job) -> None:
        """Know a job that is over, and was so before a restart."""
        ...

    def jobs(self) -> list[Job]:
        """Remembered jobs, oldest first."""
        ...

    def running(self) -> Job | None: ...

    def interrupt(self, job: Job) -> None:
        """Stop a running job, or take a waiting one off the queue."""
        ...

    def close(self) -> None: ...
