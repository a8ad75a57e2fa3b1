"""One file of a batch, as the pipeline and scripts see it: a job of its own, whose progress is part of the whole batch's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from modules.runtime.jobs import Job


@dataclass(eq=False)
class FileJob(Job):
    """A job within a job.

    A script may set the number of its iterations, and skip or interrupt, without a word about the other files.

    Attributes:
        whole: The batch's job. Interrupting it, or skipping its file in hand, stops this one.
        number: Files of this run before this one.
    """

    whole: Job | None = None
    number: int = 0

    @property
    def is_interrupted(self) -> bool:
        return super().is_interrupted or (self.whole is not None and (self.whole.is_interrupted or self.whole.is_skipped))

    @contextmanager
    def changing(self) -> Iterator[Job]:
        seen = self.preview_no
        with super().changing():
            yield self
        if self.whole is None:
            return
        with self.whole.changing() as whole:
            iterations = max(self.images, 1)
            whole.image_no = self.number
            whole.steps = self.steps * iterations
            whole.step = min(self.image_no * self.steps + self.step, whole.steps)
            whole.textinfo = self.textinfo
            whole.began_s = whole.began_s or self.began_s
            if self.preview_no != seen:
                whole.preview, whole.preview_no = self.preview, whole.preview_no + 1
