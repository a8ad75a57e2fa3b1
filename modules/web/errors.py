"""How errors become replies: A1111's body shape, its statuses and texts, and ours where it had a 500."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from modules.base.errors import (
    BrokenCheckpoint,
    DownloadFailed,
    InvalidImage,
    InvalidRequest,
    MissingModel,
    PentimentoError,
    SaveFailed,
    ScriptFailed,
    UnknownName,
    UnsupportedCheckpoint,
)
from modules.runtime.layers.record import StaleRevision, UnknownDocument
from modules.runtime.store import UnknownAsset
from modules.runtime.workflows.opened import UnknownWorkflow

NOUNS = (("sampler", "Sampler"), ("scheduler", "Scheduler"), ("checkpoint", "Checkpoint"), ("model", "Checkpoint"))
"""Part of an `UnknownName.field`, and the word A1111's clients look for before " not found"."""
OWN_ROUTES = "/api/layers"
"""Below it, errors name the field of the request besides."""
SCRIPT_FIELDS = ("script_name", "alwayson_scripts")
STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (UnknownAsset, 404),
    (UnknownDocument, 404),
    (UnknownWorkflow, 404),
    (StaleRevision, 409),
    (MissingModel, 503),
    (BrokenCheckpoint, 503),
    (DownloadFailed, 502),
    (UnsupportedCheckpoint, 422),
    (SaveFailed, 507),
    (ScriptFailed, 500),
    (PentimentoError, 422),
)


class PlainJson(JSONResponse):
    """JSON in ASCII: half a surrogate pair in a caller's text must not spoil the answer that quotes it."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content).encode("ascii")


def error_body(error: str, detail: object, errors: object = "") -> dict[str, object]:
    """The object that A1111's clients expect with every handled error."""
    return {"error": error, "detail": detail, "body": "", "errors": errors}


def describe(error: BaseException) -> tuple[int, dict[str, object]]:
    """Status and body for anything that a request or a job may raise."""
    if isinstance(error, HTTPException):
        return error.status_code, error_body("HTTPException", error.detail)
    if isinstance(error, UnknownName):
        for part, noun in NOUNS:
            if part in error.field:
                return 400, error_body("HTTPException", f"{noun} not found", "known: " + ", ".join(error.known))
    if isinstance(error, InvalidImage):
        return 422, error_body("HTTPException", f"Invalid encoded image: {error}")
    if isinstance(error, InvalidRequest) and error.field in SCRIPT_FIELDS:
        return 422, error_body("HTTPException", error.wanted)
    raised = error.__cause__ or error if isinstance(error, ScriptFailed) else error
    is_out_of_memory = type(raised).__name__ == "OutOfMemoryError" or "DefaultCPUAllocator" in str(raised)
    if is_out_of_memory or isinstance(raised, MemoryError):
        detail = "the machine ran out of memory; use a smaller width and height or batch_size"
        return 507, error_body(type(raised).__name__, detail, str(raised))
    for kind, status in STATUSES:
        if isinstance(error, kind):
            return status, error_body(type(error).__name__, str(error))
    return 500, error_body(type(error).__name__, "the program failed on this request; its log says where", str(error))


def add_handlers(app: FastAPI) -> None:
    """Make `app` answer errors as `describe` says."""
    app.add_exception_handler(HTTPException, _handle)
    app.add_exception_handler(PentimentoError, _handle)
    app.add_exception_handler(RequestValidationError, _handle_validation)
    app.add_exception_handler(Exception, _handle)


async def _handle(request: Request, error: Exception) -> PlainJson:
    status, body = describe(error)
    if isinstance(error, InvalidRequest) and request.url.path.startswith(OWN_ROUTES):
        body["field"] = error.field
    return PlainJson(body, status, headers=getattr(error, "headers", None))


async def _handle_validation(request: Request, error: Exception) -> PlainJson:
    assert isinstance(error, RequestValidationError)
    return PlainJson({"detail": [_describe_field(item, error.body) for item in error.errors()]}, 422)


def _describe_field(item: dict[str, Any], body: object) -> dict[str, Any]:
    """One entry in the words of pydantic 1, which A1111 speaks; the offending input is not repeated."""
    if item["type"] == "json_invalid":
        return _describe_json(body)
    if item["type"] == "missing":
        return {"loc": list(item["loc"]), "msg": "field required", "type": "value_error.missing"}
    return {"loc": _plain_location(item["loc"]), "msg": re.sub("^Value error, ", "", item["msg"]), "type": item["type"]}


def _plain_location(location: Sequence[str | int]) -> list[str | int]:
    """Without the names of union members and validators that pydantic 2 adds."""
    return [part for part in location if not (isinstance(part, str) and ("[" in part or "-" in part))]


def _describe_json(body: object) -> dict[str, Any]:
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        context = {"msg": error.msg, "doc": error.doc[:200], "pos": error.pos, "lineno": error.lineno, "colno": error.colno}
        return {"loc": ["body", error.pos], "msg": str(error), "type": "value_error.jsondecode", "ctx": context}
    return {"loc": ["body"], "msg": "value is not a valid dict", "type": "type_error.dict"}
