"""Work on layers as a job of the one queue: what it is to do is an order of JSON values, so that a restart begins it again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from modules.base.registry import load_dotted
from modules.runtime.context import JobContext
from modules.runtime.layers.refining import within

KIND = "layers"
MAX_TROUBLES = 100
STEPS = 1000
"""A job's progress is told in parts of this."""


@dataclass
class WorkResult:
    """What came of it: documents and files are on the disk; there are no pictures for the history."""

    notes: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    troubles: list[dict[str, str]] = field(default_factory=list)
    images: tuple[Any, ...] = ()


@dataclass
class LayerTask:
    """What such a job runs (`jobs.Task`).

    Attributes:
        order: What to do: {"work": ..., "document": id, ...}.
        do: Does it, and gives notes; whoever waits is told by the second argument.
        doing: A key of what is being done now.
        counts: Of a work with many parts: done, failed, total.
        troubles: Of its parts that failed, the first `MAX_TROUBLES`: {"name", "error"}.
    """

    order: Mapping[str, Any]
    do: Callable[[LayerTask, JobContext, JobWatch], list[str]]
    user: str | None = None
    doing: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    troubles: list[dict[str, str]] = field(default_factory=list)

    def note_part(self, name: str, state: Mapping[str, Any]) -> None:
        """Hear how one of many parts ended."""
        if state.get("error") and len(self.troubles) < MAX_TROUBLES:
            self.troubles.append({"name": name, "error": str(state["error"])})

    def run(self, context: JobContext) -> WorkResult:
        """Do it; errors as `do`. Interrupted, what is finished stays."""
        interrupted: Any = load_dotted("modules.pipeline.layers.decomposing:Interrupted")
        watch = JobWatch(self, context)
        watch.tell(0.0, str(self.order.get("work", "")))
        try:
            with within(context):
                return WorkResult(self.do(self, context, watch), self.counts, self.troubles)
        except interrupted:
            return WorkResult(counts=self.counts, troubles=self.troubles)


@dataclass
class JobWatch:
    """Brings what a backend tells to the job (`decomposing.Watch`).

    Attributes:
        first, share: Which part of the whole it tells of: 0 to 1.
    """

    task: LayerTask
    context: JobContext
    first: float = 0.0
    share: float = 1.0

    def tell(self, share: float, doing: str) -> None:
        """`share` 0 to 1 of this part is done."""
        self.task.doing = doing
        whole = self.first + self.share * min(max(share, 0.0), 1.0)
        with self.context.job.changing() as job:
            job.images, job.is_counted, job.image_no = 1, True, 0
            job.step, job.steps, job.textinfo = int(STEPS * whole), STEPS, f"Layers: {doing}"
            job.began_s = job.began_s or time.time()

    def is_interrupted(self) -> bool:
        """Whether to stop."""
        return self.context.is_interrupted()

    def part(self, number: int, count: int) -> JobWatch:
        """For the work on one of many."""
        return JobWatch(self.task, self.context, self.first + self.share * number / count, self.share / count)
