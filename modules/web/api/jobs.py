"""Our own routes about jobs: /api/jobs. A caller sees and stops only its own."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException

from modules.runtime.jobs import Job
from modules.runtime.session import Session
from modules.web.api.caller import OwnerDependency, SessionDependency
from modules.web.api.schemas import JobResponse
from modules.web.errors import describe

router = APIRouter(prefix="/api/jobs", tags=["Pentimento"])


@router.get("")
def list_jobs(session: SessionDependency, owner: OwnerDependency) -> list[JobResponse]:
    """The caller's remembered jobs, oldest first."""
    return [describe_job(job) for job in session.queue.jobs() if job.owner == owner]


@router.get("/{job_id}")
def get_job(job_id: str, session: SessionDependency, owner: OwnerDependency) -> JobResponse:
    """One job of the caller; the id is in the `X-Job-Id` header of an img2img reply, or the request's `force_task_id`."""
    return describe_job(_find(session, job_id, owner))


@router.post("/{job_id}/interrupt")
def interrupt_job(job_id: str, session: SessionDependency, owner: OwnerDependency) -> JobResponse:
    """Stop a running job, or take a waiting one off the queue."""
    job = _find(session, job_id, owner)
    session.queue.interrupt(job)
    return describe_job(job)


def describe_job(job: Job) -> JobResponse:
    """A job as JSON tells it."""
    values: dict[str, Any] = {name: getattr(job, name) for name in JobResponse.model_fields if name not in ("state", "error")}
    error = None if job.error is None else str(describe(job.error)[1]["detail"])
    return JobResponse(**values, state=job.state.value, error=error)


def _find(session: Session, job_id: str, owner: str) -> Job:
    job = session.queue.find(job_id)
    if job is None or job.owner != owner:
        raise HTTPException(404, f"Job {job_id!r} not found: it never was, is another's, or was forgotten")
    return job
