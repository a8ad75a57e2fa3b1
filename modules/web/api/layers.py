"""Our own routes about layered documents: /api/layers. With logins a person sees the own ones; without, everybody on this machine all."""

from __future__ import annotations

import hashlib
import io
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from PIL import Image

from modules.base.registry import load_dotted
from modules.runtime.layers.opened import WHOLE, Opened
from modules.runtime.session import Session
from modules.web.api.assets import read_body, upload_limit
from modules.web.api.caller import SessionDependency, UserDependency
from modules.web.api.layers_models import (
    CopyRequest,
    DocumentResponse,
    EditsRequest,
    RecordResponse,
    RenameRequest,
    RevisionRequest,
    describe_record,
    describe_state,
)

router = APIRouter(prefix="/api/layers", tags=["Pentimento"])

PNG_LEVEL = 1
THUMBNAIL_PX = 96
MAX_SIDE = 16384
Side = Annotated[int | None, Query(ge=16, le=MAX_SIDE, description="The longer side at most, px; null = as it is.")]


@router.get("")
def list_documents(session: SessionDependency, user: UserDependency) -> list[RecordResponse]:
    """Documents, the last changed first."""
    return [describe_record(record) for record in session.layers.list(user)]


@router.post("/import")
async def import_document(request: Request, session: SessionDependency, user: UserDependency, name: str = "") -> DocumentResponse:
    """Keep a document out of a file of layers: the body is a .layers, ZIP, PSD or OpenRaster file."""
    data = await read_body(request, upload_limit(session) * 4)
    return await run_in_threadpool(_import, session, data, name, user)


@router.get("/{document_id}")
def get_document(document_id: str, session: SessionDependency, user: UserDependency) -> DocumentResponse:
    """A document with all its layers."""
    return describe_state(session.layers.get(document_id, user))


@router.delete("/{document_id}")
def delete_document(document_id: str, session: SessionDependency, user: UserDependency) -> dict[str, bool]:
    """Put a document into the bin; it can be restored for 30 days."""
    session.layers.delete(document_id, user)
    return {"deleted": True}


@router.post("/{document_id}/restore")
def restore_document(document_id: str, session: SessionDependency, user: UserDependency) -> RecordResponse:
    """Take a document out of the bin."""
    return describe_record(session.layers.restore(document_id, user))


@router.post("/{document_id}/rename")
def rename_document(document_id: str, body: RenameRequest, session: SessionDependency, user: UserDependency) -> DocumentResponse:
    """Give a document another name, as one step that can be undone."""
    return describe_state(session.layers.rename(document_id, body.name, user))


@router.post("/{document_id}/copy")
def copy_document(document_id: str, body: CopyRequest, session: SessionDependency, user: UserDependency) -> DocumentResponse:
    """Keep a copy as a document of its own; also of a state that another tab has gone beyond."""
    return describe_state(session.layers.copy(document_id, body.name, user, body.document))


@router.post("/{document_id}/edits")
def edit_document(document_id: str, body: EditsRequest, session: SessionDependency, user: UserDependency) -> DocumentResponse:
    """Change layers by one step: set, order, delete, duplicate, add, replace, merge, part, document, resize_canvas, link; 409 = stale."""
    return describe_state(session.layer_work.changing.edit(document_id, body.revision, body.edits, user))


@router.post("/{document_id}/undo")
def undo(document_id: str, body: RevisionRequest, session: SessionDependency, user: UserDependency) -> DocumentResponse:
    """One step back."""
    return describe_state(session.layers.undo(document_id, body.revision, user))


@router.post("/{document_id}/redo")
def redo(document_id: str, body: RevisionRequest, session: SessionDependency, user: UserDependency) -> DocumentResponse:
    """One step forth again."""
    return describe_state(session.layers.redo(document_id, body.revision, user))


@router.get("/{document_id}/picture.png")
def get_picture(
    document_id: str,
    request: Request,
    session: SessionDependency,
    user: UserDependency,
    revision: Annotated[int | None, Query(description="For the browser's cache: kept if it is the one in force.")] = None,
    only: Annotated[str, Query(description="Ids of the layers to show, separated by commas; empty = the visible ones.")] = "",
    max_side: Side = None,
) -> Response:
    """The document as a picture, RGBA."""
    wanted = [layer for layer in only.split(",") if layer] or None

    def ask(opened: Opened) -> tuple[int, Any]:
        tag = f"{opened.record.revision}"
        if request.headers.get("if-none-match") == _tag(tag, wanted, max_side):
            return opened.record.revision, None
        return opened.record.revision, opened.render(wanted, max_side or WHOLE)

    now, pixels = session.layers.look(document_id, user, ask)
    headers = {"ETag": _tag(str(now), wanted, max_side), "Cache-Control": _cache(revision == now)}
    return Response(status_code=304, headers=headers) if pixels is None else _png(pixels, headers)


@router.get("/{document_id}/layers/{layer}.png")
def get_layer(
    document_id: str, layer: str, request: Request, session: SessionDependency, user: UserDependency, max_side: Side = None
) -> Response:
    """The pixels of one layer with its colour adjustments, not placed."""
    return _layer_picture(document_id, layer, request, session, user, max_side)


@router.get("/{document_id}/layers/{layer}/thumbnail.png")
def get_thumbnail(
    document_id: str,
    layer: str,
    request: Request,
    session: SessionDependency,
    user: UserDependency,
    max_side: Annotated[int, Query(ge=16, le=1024)] = THUMBNAIL_PX,
) -> Response:
    """One layer, small."""
    return _layer_picture(document_id, layer, request, session, user, max_side)


def _layer_picture(document_id: str, layer: str, request: Request, session: Session, user: str | None, max_side: int | None) -> Response:
    """Named by what it is made of, so that the browser asks again only after a change of it."""

    def ask(opened: Opened) -> tuple[str, Any]:
        tag = _tag(opened.fingerprint(layer), max_side)
        if request.headers.get("if-none-match") == tag:
            return tag, None
        return tag, opened.layer_pixels(layer, max_side or WHOLE)

    tag, pixels = session.layers.look(document_id, user, ask)
    headers = {"ETag": tag, "Cache-Control": _cache(False)}
    return Response(status_code=304, headers=headers) if pixels is None else _png(pixels, headers)


def _import(session: Session, data: bytes, name: str, user: str | None) -> DocumentResponse:
    return describe_state(session.layer_work.import_file(data, name, user))


def _tag(*parts: object) -> str:
    make_hash = hashlib.sha256
    return '"' + make_hash(repr(parts).encode()).hexdigest()[:32] + '"'


def _cache(is_certain: bool) -> str:
    return "private, max-age=31536000, immutable" if is_certain else "private, no-cache"


def _png(pixels: Any, headers: dict[str, str]) -> Response:
    """(H, W, 4) uint8 as a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=PNG_LEVEL)
    return Response(buffer.getvalue(), media_type="image/png", headers={**headers, "X-Content-Type-Options": "nosniff"})
