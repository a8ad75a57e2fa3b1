"""The object behind `modules.shared.state`: the running job, as A1111's scripts look at it and write to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from modules.pipeline.context import RUNNING
from modules.runtime.jobs import Job


class SharedState:
    """`shared.state`.

    What is written while no job runs is kept, and read by nobody else.

    Args:
        running: Gives the running job, or None.
    """

    stopping_generation = False

    def __init__(self, running: Callable[[], Job | None]) -> None:
        self._running = running
        self._idle = Job("", None)

    @property
    def _job(self) -> Job:
        own = RUNNING.get()
        job = getattr(own.context, "job", None) if own is not None else self._running()
        return job if job is not None else self._idle

    @property
    def interrupted(self) -> bool:
        """Somebody asked to stop the job."""
        own = RUNNING.get()
        return own.context.is_interrupted() if own is not None and own.context is not None else self._job.is_interrupted

    @property
    def skipped(self) -> bool:
        """Somebody asked to skip the iteration in hand."""
        own = RUNNING.get()
        return own.context.is_skipped() if own is not None and own.context is not None else self._job.is_skipped

    @property
    def job(self) -> str:
        """What is being done, in words; shown beside the progress bar."""
        job = self._job
        return job.textinfo or (job.kind if job is not self._idle else "")

    @job.setter
    def job(self, words: str) -> None:
        with self._job.changing() as job:
            job.textinfo = words or None

    @property
    def textinfo(self) -> str | None:
        return self._job.textinfo

    @textinfo.setter
    def textinfo(self, words: str | None) -> None:
        self.job = words or ""

    @property
    def job_count(self) -> int:
        """Iterations in the whole job. A script that runs several sets it before the first: the progress bar goes by it."""
        return self._job.images

    @job_count.setter
    def job_count(self, count: int) -> None:
        with self._job.changing() as job:
            job.images, job.is_counted = max(int(count), 0), count >= 0

    def weigh_jobs(self, weights: Sequence[float]) -> None:
        """Set `job_count` to as many as there are `weights`; each tells what an iteration costs beside the others (more than 0)."""
        with self._job.changing() as job:
            job.images, job.is_counted, job.weights = len(weights), True, tuple(weights)

    @property
    def job_no(self) -> int:
        """Iterations finished."""
        return self._job.image_no

    @job_no.setter
    def job_no(self, number: int) -> None:
        with self._job.changing() as job:
            job.image_no = int(number)

    @property
    def sampling_step(self) -> int:
        return self._job.step

    @sampling_step.setter
    def sampling_step(self, step: int) -> None:
        with self._job.changing() as job:
            job.step = int(step)

    @property
    def sampling_steps(self) -> int:
        return self._job.steps

    @sampling_steps.setter
    def sampling_steps(self, steps: int) -> None:
        with self._job.changing() as job:
            job.steps = int(steps)

    @property
    def current_image(self) -> Any:
        """The preview, or None."""
        return self._job.preview

    @current_image.setter
    def current_image(self, image: Any) -> None:
        self.assign_current_image(image)

    def assign_current_image(self, image: Any) -> None:
        """Show `image` (PIL) as the preview."""
        with self._job.changing() as job:
            job.preview, job.preview_no = image, job.preview_no + 1

    def begin(self, job: str = "(unknown)") -> None:
        """A script starts work of its own."""
        self.job, self.job_no, self.sampling_step = job, 0, 0

    def nextjob(self) -> None:
        """One more of `job_count` is finished; `process_images` counts its iterations itself."""
        self.job_no, self.sampling_step = self.job_no + 1, 0

    def end(self) -> None:
        """The script's own work is over."""
        self.job = ""

    def interrupt(self) -> None:
        """Stop the running job as soon as possible."""
        if self._job is not self._idle:
            self._job.interrupt()

    def skip(self) -> None:
        """Stop the iteration in hand."""
        if self._job is not self._idle:
            self._job.skip()
