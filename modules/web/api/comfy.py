"""ComfyUI's routes about graphs, with `--comfy-api` alone: posting them, the queue, what came of them, the nodes there are."""

from __future__ import annotations

import json
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Scope

from modules.base.errors import InvalidRequest, UnknownName
from modules.pipeline.version import VERSION
from modules.pipeline.workflows.definitions.info import object_info
from modules.runtime.session import Session
from modules.runtime.workflows.context import embedding_names
from modules.runtime.workflows.counter import Counter
from modules.runtime.workflows.model_files import CHECKPOINTS, EMBEDDINGS, LORAS, UPSCALERS, VAES
from modules.runtime.workflows.posting import PromptRefused
from modules.web.api.assets import read_body, upload_limit
from modules.web.api.caller import OwnerDependency, SessionDependency, UserDependency
from modules.web.api.system import main_memory
from modules.web.errors import PlainJson

COMFYUI = "0.8.0"
"""Whose routes these are."""
MAX_PROMPT_BYTES = 64 << 20
FOLDERS = {"checkpoints": CHECKPOINTS, "vae": VAES, "loras": LORAS, "upscale_models": UPSCALERS, "embeddings": EMBEDDINGS}
"""ComfyUI's names of folders of models to ours."""


class ListedRoute(APIRoute):
    """Answers only where a number of records is asked for; our own route of that name answers the rest."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As the base, and by the query besides."""
        if b"max_items" not in scope.get("query_string", b""):
            return Match.NONE, {}
        return super().matches(scope)


router = APIRouter(tags=["ComfyUI"])
ours_first = APIRouter(tags=["ComfyUI"])
"""Those that stand below `/api` beside our own, and are told from them by what is asked."""


def counter_of(session: Session) -> Counter:
    """Where graphs are posted."""
    return session.counter


@router.get("/prompt")
def get_remaining(session: SessionDependency, user: UserDependency) -> dict[str, Any]:
    """How many jobs run or wait."""
    return {"exec_info": {"queue_remaining": counter_of(session).remaining()}}


@router.post("/prompt")
async def post_prompt(request: Request, session: SessionDependency, user: UserDependency, owner: OwnerDependency) -> Any:
    """Queue a graph in the API format."""
    try:
        return await run_in_threadpool(counter_of(session).post, await _json(request), owner, user)
    except PromptRefused as refused:
        return PlainJson(refused.body, 400)


@router.get("/queue")
def get_queue(session: SessionDependency, owner: OwnerDependency) -> dict[str, Any]:
    """The caller's jobs that run, and that wait."""
    return counter_of(session).queue(owner)


@router.post("/queue")
async def change_queue(request: Request, session: SessionDependency, owner: OwnerDependency) -> dict[str, Any]:
    """Take the caller's waiting jobs off: {"clear": true} or {"delete": [ids]}."""
    for ids in _ids(await _json(request)):
        await run_in_threadpool(counter_of(session).drop, owner, ids)
    return {}


@router.post("/interrupt")
async def interrupt(request: Request, session: SessionDependency, owner: OwnerDependency) -> dict[str, Any]:
    """Stop the caller's running job; with {"prompt_id"} only if it is that one."""
    body = await _json(request)
    wanted = body.get("prompt_id") if isinstance(body, dict) else None
    counter_of(session).interrupt(owner, wanted if isinstance(wanted, str) and wanted else None)
    return {}


def list_history(
    session: SessionDependency, owner: OwnerDependency, max_items: Annotated[int | None, Query(ge=0)] = None, offset: int = -1
) -> dict[str, Any]:
    """What came of the caller's jobs."""
    return counter_of(session).history(owner, most=max_items, offset=offset)


def get_history(prompt_id: str, session: SessionDependency, owner: OwnerDependency) -> dict[str, Any]:
    """What came of one job; empty while it is not over."""
    return counter_of(session).history(owner, prompt_id)


def get_history_below_api(prompt_id: UUID, session: SessionDependency, owner: OwnerDependency) -> dict[str, Any]:
    """What came of one job; empty while it is not over."""
    return counter_of(session).history(owner, str(prompt_id))


router.add_api_route("/history", list_history, methods=["GET"])
router.add_api_route("/history/{prompt_id}", get_history, methods=["GET"])
ours_first.routes.append(ListedRoute("/api/history", list_history, methods=["GET"], tags=["ComfyUI"]))
ours_first.add_api_route("/api/history/{prompt_id:uuid}", get_history_below_api, methods=["GET"])


@router.post("/history")
async def change_history(request: Request, session: SessionDependency, owner: OwnerDependency) -> dict[str, Any]:
    """Forget what came of the caller's jobs: {"clear": true} or {"delete": [ids]}. Pictures stay."""
    for ids in _ids(await _json(request)):
        counter_of(session).forget(owner, ids)
    return {}


@router.get("/object_info")
def get_nodes(session: SessionDependency, user: UserDependency) -> dict[str, Any]:
    """All kinds of nodes, with the files that they can choose from."""
    return object_info(session.workflows.choices(user=user))


@router.get("/object_info/{class_type}")
def get_node(class_type: str, session: SessionDependency, user: UserDependency) -> dict[str, Any]:
    """One kind of node; empty where it is not known."""
    known = object_info(session.workflows.choices(user=user))
    return {class_type: known[class_type]} if class_type in known else {}


@router.get("/embeddings")
def list_embeddings(session: SessionDependency, user: UserDependency) -> list[str]:
    """Names of textual inversions."""
    return embedding_names(session.workflows.models)


@router.get("/models")
def list_model_folders(user: UserDependency) -> list[str]:
    """Kinds of models."""
    return list(FOLDERS)


@router.get("/models/{folder}")
def list_models(folder: str, session: SessionDependency, user: UserDependency) -> list[str]:
    """Files of a kind."""
    if folder not in FOLDERS:
        raise HTTPException(404, str(UnknownName("folder", folder, list(FOLDERS))))
    return session.workflows.models.names(FOLDERS[folder])


@router.get("/features")
def get_features(session: SessionDependency, user: UserDependency) -> dict[str, Any]:
    """What a client may count on."""
    return features(session)


@router.get("/system_stats")
def get_system(user: UserDependency) -> dict[str, Any]:
    """What the program runs on."""
    memory = main_memory()
    total, free = int(memory.get("total", 0)), int(memory.get("free", 0))
    versions = {"comfyui_version": COMFYUI, "pentimento_version": VERSION, "pytorch_version": _version("torch")}
    system = {"os": platform.system().lower(), "ram_total": total, "ram_free": free, "python_version": sys.version}
    return {"system": system | versions | {"embedded_python": False, "argv": []}, "devices": _devices(total, free)}


def features(session: Session) -> dict[str, Any]:
    """What a client may count on."""
    return {"supports_preview_metadata": False, "max_upload_size": upload_limit(session)}


async def _json(request: Request) -> Any:
    data = await read_body(request, MAX_PROMPT_BYTES)
    try:
        return json.loads(data) if data.strip() else {}
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, str(InvalidRequest("body", data[:40], "JSON"))) from error


def _ids(body: Any) -> list[list[str] | None]:
    """What is to be dropped: all (None), and ids."""
    if not isinstance(body, dict):
        raise HTTPException(400, str(InvalidRequest("body", body, '{"clear": true} or {"delete": [ids]}')))
    named = body.get("delete")
    listed = [[str(one) for one in named]] if isinstance(named, list) else []
    return [*([None] if body.get("clear") is True else []), *listed]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _devices(total: int, free: int) -> list[dict[str, Any]]:
    """The accelerators, or the processor; asks torch only if something else has already imported it."""
    torch: Any = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        found = [("cpu", "cpu", None, free, total)]
    else:
        found = [(torch.cuda.get_device_name(i), "cuda", i, *torch.cuda.mem_get_info(i)) for i in range(torch.cuda.device_count())]
    names = ("name", "type", "index", "vram_free", "vram_total")
    listed = [dict(zip(names, values, strict=True)) for values in found]
    return [one | {"torch_vram_total": one["vram_total"], "torch_vram_free": one["vram_free"]} for one in listed]
