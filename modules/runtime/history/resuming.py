"""Jobs of before a restart: those that waited wait again, the one that ran is begun once more."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from modules.base.errors import PentimentoError
from modules.runtime.history.history import History
from modules.runtime.history.job_rows import JobRow
from modules.runtime.jobs import KEPT_RESULTS, Job, JobQueue, JobState

logger = logging.getLogger(__name__)

IMG2IMG, MAX_ATTEMPTS = "img2img", 2
AGAIN = "begun again: the program was ended while this job ran the first time"
GAVE_UP = "the program was ended again and again while this job ran, so it is not tried again"

MAX_TASK_ATTEMPTS = 4
"""For work of many parts, which knows itself which part to leave out; the count begins anew whenever a part is finished."""

MakeRequest = Callable[[JobRow], Any]
"""A job's row, whose recipe is there -> its request; raises a `PentimentoError` where it cannot be made."""


def resume_jobs(history: History, queue: JobQueue, make_request: MakeRequest) -> list[Job]:
    """Queue again what was not finished, and let the queue know what was; returns the jobs that wait now."""
    rows = history.jobs.unfinished()
    known = {job.id for job in queue.jobs()}  # asked after the rows were read: what somebody submitted meanwhile is in both
    for row in history.jobs.finished(KEPT_RESULTS):
        queue.remember(history.jobs.revive(row))
    return [job for row in rows if row.id not in known and (job := _resume(row, history, queue, make_request)) is not None]


def _resume(row: JobRow, history: History, queue: JobQueue, make_request: MakeRequest) -> Job | None:
    if row.recipe is None or row.attempts >= (MAX_ATTEMPTS if row.kind == IMG2IMG else MAX_TASK_ATTEMPTS):
        _give_up(row, GAVE_UP, history, queue)
        return None
    try:
        request = make_request(row)
    except PentimentoError as error:
        logger.warning("job %s cannot be queued again: %s", row.id, error)
        _give_up(row, f"it was not finished when the program ended, and cannot be queued again: {error}", history, queue)
        return None
    if row.state is JobState.RUNNING and isinstance(notes := getattr(request, "notes", None), list):
        notes.append(AGAIN)
    logger.info("job %s is queued again", row.id)
    job = Job(row.owner, request, row.kind, row.user, row.recipe, row.id, created_s=row.created_s)
    return queue.submit(job)


def _give_up(row: JobRow, reason: str, history: History, queue: JobQueue) -> None:
    history.jobs.fail(row, reason)
    job = history.jobs.recall(row.id)
    if job is not None:
        queue.remember(job)
