"""Our own routes about work on layers that takes a while: taking apart, batches, tables; and how it stands."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from fastapi import APIRouter, HTTPException
from fastapi.concurrency import run_in_threadpool

from modules.base.errors import InvalidRequest
from modules.runtime.jobs import Job
from modules.runtime.layers.rows import Table, from_values, read_table
from modules.runtime.layers.task import KIND, LayerTask
from modules.runtime.recipe import Recipe
from modules.runtime.session import Session
from modules.web.api.caller import OwnerDependency, SessionDependency, UserDependency
from modules.web.api.layers_models import BackendResponse, BatchRequest, DecomposeRequest, JobResponse, TableRequest
from modules.web.api.pictures import decode_picture
from modules.web.api.waiting import wait_for
from modules.web.errors import describe

router = APIRouter(prefix="/api/layers", tags=["Pentimento"])
_ASSET = re.compile(r"[0-9a-f]{64}")


@router.get("/backends")
def list_backends(session: SessionDependency, user: UserDependency) -> list[BackendResponse]:
    """What takes pictures apart here, and its settings."""
    return [BackendResponse(**values) for values in session.layer_work.workshop.backends.describe()]


@router.post("/decompose")
async def decompose(body: DecomposeRequest, session: SessionDependency, user: UserDependency, owner: OwnerDependency) -> JobResponse:
    """Take a picture apart into a new document."""

    def prepare() -> Recipe:
        return session.layer_work.decompose(keep_picture(body.image, "image", session), body.name, body.backend, body.settings)

    return await begin(await run_in_threadpool(prepare), session, user, owner, body.wait)


@router.post("/batch")
async def take_folder_apart(body: BatchRequest, session: SessionDependency, user: UserDependency, owner: OwnerDependency) -> JobResponse:
    """Take all pictures of a folder apart: for each a document and its PNGs, and a report; resumable."""

    def prepare() -> Recipe:
        return session.layer_work.batch(body.folder, body.output_folder, body.backend, body.settings)

    return await begin(await run_in_threadpool(prepare), session, user, owner, body.wait)


@router.post("/table")
async def render_table(body: TableRequest, session: SessionDependency, user: UserDependency, owner: OwnerDependency) -> JobResponse:
    """Render a document for every row of a table, in several sizes, with a manifest; resumable."""

    def prepare() -> Recipe:
        table = _read_table(body)
        return session.layer_work.table(body.document, table, body.folder, body.output_folder, body.sizes, body.format, user)

    return await begin(await run_in_threadpool(prepare), session, user, owner, body.wait)


@router.get("/jobs/{job_id}")
def get_job(job_id: str, session: SessionDependency, user: UserDependency, owner: OwnerDependency) -> JobResponse:
    """How work stands."""
    return describe_job(_find(session, job_id, owner), session, user)


@router.post("/jobs/{job_id}/interrupt")
def interrupt_job(job_id: str, session: SessionDependency, user: UserDependency, owner: OwnerDependency) -> JobResponse:
    """Stop work that is under way, or take it off the queue; what is finished of a batch stays."""
    job = _find(session, job_id, owner)
    session.queue.interrupt(job)
    return describe_job(job, session, user)


def keep_picture(text: str, field: str, session: Session) -> str:
    """The asset id of a picture in a request: base64, a data URL, an address where that is allowed, or an id; kept if it is new."""
    if _ASSET.fullmatch(text.strip()):
        return str(session.store.describe(text.strip()).id)
    picture = decode_picture(text, field, session.options.current)
    return str(session.store.add_picture(picture.image).id)


async def begin(recipe: Recipe, session: Session, user: str | None, owner: str, is_waited_for: bool) -> JobResponse:
    """Queue an order; the answer comes at once, or when it is over."""
    task = session.layer_work.task(recipe, user)
    job = await run_in_threadpool(lambda: session.submit(task, owner, kind=KIND, recipe=recipe, user=user))
    if is_waited_for:
        _, error = await wait_for(job)
        if error is not None:
            raise error
    return await run_in_threadpool(describe_job, job, session, user)


def describe_job(job: Job, session: Session, user: str | None) -> JobResponse:
    """A job as JSON tells it."""
    order: Any = job.recipe.layers if job.recipe is not None and job.recipe.layers else {}
    document = order.get("document")
    doing = job.request.doing if isinstance(job.request, LayerTask) else ""
    told = job.request if isinstance(job.request, LayerTask) else job.result
    return JobResponse(
        job=job.id,
        state=job.state.value,
        work=str(order.get("work", "")),
        progress=job.progress,
        doing=doing,
        eta_s=job.eta_s,
        document=document if document and session.layers.has(document, user) else None,
        error=None if job.error is None else str(describe(job.error)[1]["detail"]),
        **getattr(told, "counts", {}),
        troubles=list(getattr(told, "troubles", [])),
        output=order.get("output"),
        notes=[str(note) for note in getattr(job.result, "notes", None) or []],
    )


def _read_table(body: TableRequest) -> Table:
    if (body.rows is None) == (body.table is None):
        raise InvalidRequest("rows", body.rows, "rows, or the text of a table; one of the two")
    if body.table is None:
        return from_values(body.rows)
    text = body.table
    if not text.startswith("data:"):
        return read_table(text.encode("utf-8", "replace"))
    try:
        return read_table(base64.b64decode(text.partition(",")[2], validate=True))
    except binascii.Error as error:
        raise InvalidRequest("table", text[:40], "a data URL in base64") from error


def _find(session: Session, job_id: str, owner: str) -> Job:
    job = session.queue.find(job_id)
    if job is None or job.owner != owner or job.kind != KIND:
        raise HTTPException(404, f"Job {job_id!r} not found: it never was, is another's, or was forgotten")
    return job
