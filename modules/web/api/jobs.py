"""Our own routes about jobs: /api/jobs. A caller sees and stops only its own."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException, Response

from modules.imaging.metadata import encode_image
from modules.runtime.jobs import Job
from modules.runtime.session import Session
from modules.runtime.workflows.task import KIND, GraphTask
from modules.web.api.caller import OwnerDependency, SessionDependency
from modules.web.api.schemas import GraphPicture, JobResponse
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


@router.get("/{job_id}/preview")
def get_preview(job_id: str, session: SessionDependency, owner: OwnerDependency) -> Response:
    """The picture of the step last looked at; 404 while there is none."""
    preview, fmt = _find(session, job_id, owner).preview, session.options.current.live_previews_image_format
    if preview is None:
        raise HTTPException(404, f"Job {job_id!r} has no preview now")
    return Response(encode_image(preview, fmt), media_type=f"image/{fmt}", headers={"Cache-Control": "no-store"})


@router.post("/{job_id}/interrupt")
def interrupt_job(job_id: str, session: SessionDependency, owner: OwnerDependency) -> JobResponse:
    """Stop a running job, or take a waiting one off the queue."""
    job = _find(session, job_id, owner)
    session.queue.interrupt(job)
    return describe_job(job)


def describe_job(job: Job) -> JobResponse:
    """A job as JSON tells it."""
    values: dict[str, Any] = {name: getattr(job, name) for name in JobResponse.model_fields if name != "state" and hasattr(job, name)}
    values["error"] = None if job.error is None else str(describe(job.error)[1]["detail"])
    return JobResponse(**values | (_describe_graph(job) if job.kind == KIND else {}), state=job.state.value)


def _describe_graph(job: Job) -> dict[str, Any]:
    """Of a workflow: its nodes, and what they made; `RememberedResult` of before a restart knows the pictures alone."""
    task = job.request if isinstance(job.request, GraphTask) else None
    made = task.pictures if task is not None else getattr(job.result, "by_node", {})
    pictures = [GraphPicture(node=node, **one.as_json()) for node, listed in dict(made).items() for one in list(listed)]
    node = str(getattr(job.error, "node", "")) or (task.node if task is not None and not job.state.is_final else "")
    done = {"nodes_done": list(task.done), "nodes_reused": list(task.reused)} if task is not None else {}
    return {"node": node, "results": pictures, "notes": [str(note) for note in getattr(job.result, "notes", None) or []], **done}


def _find(session: Session, job_id: str, owner: str) -> Job:
    job = session.queue.find(job_id)
    if job is None or job.owner != owner:
        raise HTTPException(404, f"Job {job_id!r} not found: it never was, is another's, or was forgotten")
    return job
