"""Progress, interrupt and skip, for the caller's own job."""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter

from modules.runtime.jobs import Job, JobState
from modules.runtime.session import Progress
from modules.web.api.caller import OwnerDependency, SessionDependency
from modules.web.api.pictures import encode_preview
from modules.web.api.schemas import InternalProgressRequest, ProgressResponse

router = APIRouter(tags=["A1111"])


@router.get("/sdapi/v1/progress")
def get_progress(session: SessionDependency, owner: OwnerDependency, skip_current_image: str = "") -> ProgressResponse:
    """How far the caller's job is; another's running job is told without its picture. All zero when idle."""
    now = session.progress(owner)
    has_picture = now.job is not None and now.is_own and now.job.preview is not None
    wants_picture = has_picture and skip_current_image.lower() not in ("1", "true", "yes", "on")
    return ProgressResponse(
        progress=now.progress,
        eta_relative=now.eta_s,
        state=_state(now),
        current_image=_preview(now.job, session.options.current.live_previews_image_format) if wants_picture else None,
        textinfo=now.job.textinfo if now.job is not None and now.is_own else None,
    )


@router.post("/sdapi/v1/interrupt")
def interrupt(session: SessionDependency, owner: OwnerDependency) -> dict[str, Any]:
    """Stop the caller's job; what is finished of it is still answered."""
    session.interrupt(owner)
    return {}


@router.post("/sdapi/v1/skip")
def skip(session: SessionDependency, owner: OwnerDependency) -> dict[str, Any]:
    """Go on with the next picture of the caller's running job."""
    session.skip(owner)
    return {}


@router.get("/internal/ping")
def ping() -> dict[str, Any]:
    """Is the program up?"""
    return {}


@router.get("/internal/pending-tasks")
def get_pending_tasks(session: SessionDependency, owner: OwnerDependency) -> dict[str, Any]:
    """Ids of the caller's waiting jobs, and how many jobs wait in all."""
    waiting = [job for job in session.queue.jobs() if job.state is JobState.QUEUED]
    return {"size": len(waiting), "tasks": [job.id for job in waiting if job.owner == owner]}


@router.post("/internal/progress")
def get_task_progress(body: InternalProgressRequest, session: SessionDependency, owner: OwnerDependency) -> dict[str, Any]:
    """How far one of the caller's tasks is, in the words of A1111's page."""
    job = session.queue.find(body.id_task) if body.id_task else None
    if job is None or job.owner != owner:
        return {"active": False, "queued": False, "completed": False, "id_live_preview": -1, "textinfo": "Waiting..."}
    is_running, is_queued = job.state is JobState.RUNNING, job.state is JobState.QUEUED
    is_new = is_running and body.live_preview and job.preview is not None and job.preview_no != body.id_live_preview
    fmt = session.options.current.live_previews_image_format
    return {
        "active": is_running,
        "queued": is_queued,
        "completed": job.state.is_final,
        "progress": job.progress if is_running else None,
        "eta": job.eta_s,
        "live_preview": f"data:image/{fmt};base64,{_preview(job, fmt)}" if is_new else None,
        "id_live_preview": job.preview_no if is_running else -1,
        "textinfo": "In queue..." if is_queued else job.textinfo,
    }


def _state(now: Progress) -> dict[str, Any]:
    """A1111's `shared.state`, of the job that is told."""
    job = now.job
    started_s = job.started_s if job is not None else None
    return {
        "skipped": job is not None and job.is_skipped,
        "interrupted": job is not None and job.is_interrupted,
        "stopping_generation": False,
        "job": job.id if job is not None and now.is_own else "",
        "job_count": max(1, job.images) if job is not None else 0,
        "job_timestamp": time.strftime("%Y%m%d%H%M%S", time.localtime(started_s)) if started_s is not None else "0",
        "job_no": job.image_no if job is not None else 0,
        "sampling_step": job.step if job is not None else 0,
        "sampling_steps": job.steps if job is not None else 0,
    }


def _preview(job: Job | None, fmt: str) -> str | None:
    picture = job.preview if job is not None else None
    return encode_preview(picture, fmt) if picture is not None else None
