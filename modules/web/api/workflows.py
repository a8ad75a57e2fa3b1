"""Our own routes about workflows: /api/workflows. What a file holds, what it lacks, and running it."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from modules.base.errors import InvalidRequest
from modules.runtime.workflows.model_files import CHECKPOINTS
from modules.runtime.workflows.opened import Opened
from modules.runtime.workflows.task import KIND
from modules.web.api.assets import read_body, upload_limit
from modules.web.api.caller import OwnerDependency, SessionDependency, UserDependency

router = APIRouter(prefix="/api/workflows", tags=["Pentimento"])


class ProblemResponse(BaseModel):
    """What a person must know of a node before anything runs."""

    node: str = Field(description="Its id; empty = the workflow as a whole.")
    class_type: str
    kind: str = Field(description="ComfyUI's word for it, or unknown_node, missing_model, missing_picture, other_model, ignored.")
    field: str
    got: str
    wanted: str
    affects: list[str] = Field(description="Ids of output nodes that cannot run for it; empty = it can be lived with.")
    text: str = Field(description="Id of the text that says it.")


class MissingResponse(BaseModel):
    """A file that is not there."""

    kind: str = Field(description="checkpoint, vae, lora, upscaler, embedding or picture.")
    name: str
    node: str
    field: str
    known: dict[str, Any] | None = Field(description="What can be fetched under that name; null = nothing is known.")


class NamedPictureResponse(BaseModel):
    """A picture that the workflow names."""

    name: str
    asset: str | None = Field(description="Its id in /api/assets; null = it is not there: hand it in with run.")
    nodes: list[str]


class FormResponse(BaseModel):
    """What the form makes of it."""

    request: dict[str, Any] | None = Field(description="Fields of an img2img request; null = the form cannot express the workflow.")
    said: list[dict[str, Any]] = Field(description="What is set, as ids of texts and their values.")
    why_not: list[dict[str, Any]] = Field(description="What the form cannot express, likewise; empty = it can express all of it.")
    pictures: list[dict[str, Any]] = Field(description="Files to be given as init_images and mask.")


class WorkflowResponse(BaseModel):
    """A workflow that was read."""

    id: str
    name: str
    source: str = Field(description="ui or api: which of the two formats was read.")
    drawing: dict[str, Any] = Field(description="nodes, links and groups with their places.")
    problems: list[ProblemResponse]
    missing: list[MissingResponse]
    pictures: list[NamedPictureResponse]
    form: FormResponse | None
    outputs: list[str] = Field(description="Ids of output nodes.")
    can_run: bool = Field(description="Whether at least one of them can run as a graph.")


class RunRequest(BaseModel):
    """How to run it."""

    set: dict[str, Any] = Field({}, description="Other values of widgets, by NODE.INPUT.")
    pictures: dict[str, str] = Field({}, description="Asset ids of pictures, by the names that the workflow has for them.")
    outputs: list[str] = Field([], description="Only these output nodes; empty = all that can run.")


class RunResponse(BaseModel):
    """A graph that was queued."""

    job: str = Field(description="For /api/jobs/{id}, which tells how it stands node by node, and its /interrupt.")


class BundledResponse(BaseModel):
    """A workflow that comes with the program."""

    name: str
    title: str


@router.get("/bundled")
def list_bundled(session: SessionDependency, user: UserDependency) -> list[BundledResponse]:
    """The workflows that come with the program."""
    return [BundledResponse(name=name, title=name.replace("_", " ").capitalize()) for name in session.workflows.bundled()]


@router.get("/bundled/{name}")
def get_bundled(name: str, session: SessionDependency, user: UserDependency) -> Response:
    """One of them, as a file that ComfyUI opens."""
    return Response(session.workflows.read_bundled(name), media_type="application/json")


@router.get("/checkpoints")
def list_checkpoints(session: SessionDependency, user: UserDependency) -> list[str]:
    """Checkpoints that can run, by the names that workflows have for them."""
    return list(session.workflows.models.names(CHECKPOINTS))


@router.post("/open")
async def open_workflow(
    request: Request,
    session: SessionDependency,
    user: UserDependency,
    name: Annotated[str, Query(max_length=1000)] = "",
    asset: Annotated[str, Query(max_length=64)] = "",
    bundled: Annotated[str, Query(max_length=100)] = "",
) -> WorkflowResponse:
    """Read a workflow: the body is a PNG, WebP or JSON file as it is; or `asset` names a kept picture, or `bundled` one of ours."""
    data = await read_body(request, upload_limit(session))
    if sum(map(bool, (data, asset, bundled))) != 1:
        raise InvalidRequest("body", f"{len(data)} bytes, asset {asset!r}, bundled {bundled!r}", "one of the three")

    def read() -> Opened:
        if bundled:
            return session.workflows.opened.open(session.workflows.read_bundled(bundled), f"{bundled}.json", user)
        content = session.store.path(asset).read_bytes() if asset else data
        return session.workflows.opened.open(content, name or (session.store.describe(asset).name if asset else ""), user)

    return describe_workflow(await run_in_threadpool(read))


@router.get("/{workflow_id}.json")
def get_workflow_file(workflow_id: str, session: SessionDependency, user: UserDependency) -> Response:
    """The workflow as a file that ComfyUI opens."""
    opened = session.workflows.opened.find(workflow_id, user)
    content = json.dumps(session.workflows.file_of(opened), ensure_ascii=False, allow_nan=True)
    return Response(content.encode("utf-8", "replace"), media_type="application/json")


@router.get("/{workflow_id}")
def get_workflow(workflow_id: str, session: SessionDependency, user: UserDependency) -> WorkflowResponse:
    """A workflow that was opened before, looked at anew: what was missing may be there by now."""
    return describe_workflow(session.workflows.opened.find(workflow_id, user))


@router.post("/{workflow_id}/run")
def run_workflow(
    workflow_id: str, body: RunRequest, session: SessionDependency, user: UserDependency, owner: OwnerDependency
) -> RunResponse:
    """Queue it as the graph it is."""
    recipe = session.workflows.order(session.workflows.opened.find(workflow_id, user), body.set, body.pictures, body.outputs, user)
    job = session.submit(session.workflows.task(recipe, user), owner, kind=KIND, recipe=recipe, user=user)
    return RunResponse(job=job.id)


def describe_workflow(opened: Opened) -> WorkflowResponse:
    """An opened workflow as JSON tells it."""
    return WorkflowResponse(**opened.as_json())
