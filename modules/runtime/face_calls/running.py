"""Work that scripts start outside a job: from a tab of their own, or a route. It takes its turn in the queue like everybody's."""

from __future__ import annotations

import functools
import html
import inspect
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from modules.base.errors import PentimentoError
from modules.base.registry import load_dotted
from modules.pipeline.context import RUNNING
from modules.runtime.jobs import Job
from modules.runtime.shared_objects import SHARED

logger = logging.getLogger(__name__)
OWNER, KIND = "extension", "extension"
TASK_MARK = "task("

queue_lock = threading.RLock()
"""A1111's lock of its one worker. Jobs here have a queue: whoever holds this keeps only others who take it away."""


def process_images(p: Any, context: Any = None) -> Any:
    """Run a request: within a job as a part of it; elsewhere as a job of its own, whose result is waited for.

    Args:
        p: The request.
        context: A job's, for who has one; scripts leave it out.

    Returns:
        A `Processed`.

    Raises:
        Whatever `modules.pipeline.run.process_images` raises.
    """
    run: Any = load_dotted("modules.pipeline.run:process_images")
    is_within = context is not None or RUNNING.get() is not None or getattr(p, "context", None) is not None
    if is_within or not SHARED.is_bound:
        return run(p, context)
    arguments = list(getattr(p, "script_args", None) or ())
    if arguments:
        p.script_args = [0, *arguments[1:]]  # as in A1111, it is the page that runs the selected script
    job = SHARED.session.submit(p, OWNER)
    job.wait()
    return job.outcome()


def process_images_inner(p: Any) -> Any:
    """The same: what A1111 keeps apart here is one."""
    return process_images(p)


@dataclass
class Work:
    """A function of an extension as a `Task`.

    Attributes:
        function: Called without arguments, in the queue's thread, as part of the job.
        value: What it returned.
    """

    function: Callable[[], Any]
    value: Any = field(default=None, init=False)

    def run(self, context: Any) -> None:
        """Do it; what the function runs, and looks up in `modules.shared`, belongs to this job."""
        make_request: Any = load_dotted("modules.pipeline.processing:StableDiffusionProcessingImg2Img")
        token = RUNNING.set(make_request(context=context, options=context.options))
        try:
            self.value = self.function()
        finally:
            RUNNING.reset(token)


def run_in_queue(function: Callable[[], Any], job_id: str | None = None) -> Any:
    """Call `function` when its turn comes, and wait; at once within a job or before the program has started."""
    if RUNNING.get() is not None or not SHARED.is_bound:
        return function()
    work = Work(function)
    job = SHARED.session.submit(work, OWNER, job_id, kind=KIND)
    job.wait()
    job.outcome()
    return work.value


def wrap_queued_call(func: Callable[..., Any]) -> Callable[..., Any]:
    """`func`, one call at a time."""

    @functools.wraps(func)
    def call(*args: Any, **kwargs: Any) -> Any:
        with queue_lock:
            return func(*args, **kwargs)

    return call


def wrap_gradio_gpu_call(func: Callable[..., Any], extra_outputs: Sequence[Any] | None = None) -> Callable[..., Any]:
    """A page's handler that works as a job: with progress, interruptible, and an error shown in its last output.

    Args:
        func: Gives a list of outputs, HTML last. A first argument "task(...)" is the job's id.
        extra_outputs: What the other outputs show after an error; None = [None, ""].
    """

    @functools.wraps(func)
    def call(*args: Any, **kwargs: Any) -> Any:
        job_id = args[0] if args and isinstance(args[0], str) and args[0].startswith(TASK_MARK) else None
        return run_in_queue(lambda: func(*args, **kwargs), job_id)

    return wrap_gradio_call(call, extra_outputs=extra_outputs, add_stats=True)


def wrap_gradio_call(func: Callable[..., Any], extra_outputs: Sequence[Any] | None = None, add_stats: bool = False) -> Callable[..., Any]:
    """A page's handler whose error is shown in its last output; `add_stats` puts the time taken there."""

    @functools.wraps(func)
    def call(*args: Any, extra_outputs_array: Sequence[Any] | None = extra_outputs, **kwargs: Any) -> list[Any]:
        started_s = time.perf_counter()
        try:
            outputs = list(func(*args, **kwargs))
        except Exception as error:
            if not isinstance(error, PentimentoError):
                logger.exception("%s failed", getattr(func, "__qualname__", func))
            said = html.escape(f"{type(error).__name__}: {error}")
            return [*([None, ""] if extra_outputs_array is None else extra_outputs_array), f"<div class='error'>{said}</div>"]
        if add_stats and outputs and isinstance(outputs[-1], str):
            taken = f"Time taken: {time.perf_counter() - started_s:.1f} sec."
            outputs[-1] += f"<div class='performance'><p class='time'>{taken}</p></div>"
        return outputs

    call.__signature__ = inspect.signature(func)  # type: ignore[attr-defined]
    return call


wrap_gradio_call_no_job = wrap_gradio_call


def current_task() -> str | None:
    """Id of the running job, or None."""
    job = _running()
    return job.id if job is not None else None


def pending_tasks() -> dict[str, float]:
    """Ids of waiting jobs, and when each was submitted, in seconds since the epoch."""
    jobs = SHARED.session.queue.jobs() if SHARED.is_bound else []
    return {job.id: job.created_s for job in jobs if job.started_s is None and not job.state.is_final}


def create_task_id(task_type: str) -> str:
    """A new id in A1111's form."""
    return f"{TASK_MARK}{task_type}-{Job('', None).id[:16]})"


def accept_task(id_task: str, *args: Any) -> None:
    """A1111's book-keeping of tasks: accepted; the queue does it."""


def _running() -> Job | None:
    return SHARED.session.queue.running() if SHARED.is_bound else None
