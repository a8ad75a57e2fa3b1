"""Our own routes about one layer of a document, fonts, and documents as files of other programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from modules.base.errors import InvalidRequest
from modules.base.registry import load_dotted
from modules.runtime.layers.opened import Opened
from modules.runtime.session import Session
from modules.web.api.assets import read_body
from modules.web.api.caller import OwnerDependency, SessionDependency, UserDependency
from modules.web.api.layers_jobs import begin, keep_picture
from modules.web.api.layers_models import (
    DocumentResponse,
    EnlargeRequest,
    FontResponse,
    FontsAdded,
    JobResponse,
    PictureRequest,
    RepaintRequest,
    RepaintStart,
    ShadowRequest,
    SplitRequest,
    TextRequest,
    describe_state,
)

router = APIRouter(prefix="/api/layers", tags=["Pentimento"])
MAX_FONT_BYTES = 64 << 20
MAX_HEADER_BYTES = 3000
"""Common proxies have room for 4 KiB of headers in all."""
SHOWN_NAMES = 5
ONE = "/{document_id}/layers/{layer}"


@router.get("/fonts")
def list_fonts(session: SessionDependency, user: UserDependency) -> list[FontResponse]:
    """Fonts that text may be set in."""
    return [FontResponse(**_font(values)) for values in session.layer_work.workshop.fonts.as_json()["fonts"]]


@router.post("/fonts")
async def add_font(request: Request, session: SessionDependency, user: UserDependency, name: str = "") -> FontsAdded:
    """Keep a font for text layers: the body is the file as it is."""
    data = await read_body(request, MAX_FONT_BYTES)
    if not data:
        raise InvalidRequest("body", "nothing", "the bytes of a font file (.ttf, .otf, .ttc)")
    names = await run_in_threadpool(session.layer_work.workshop.fonts.add, data)
    return FontsAdded(family=names[0], families=names)


@router.post(f"{ONE}/text")
def set_text(document_id: str, layer: str, body: TextRequest, session: SessionDependency, user: UserDependency) -> DocumentResponse:
    """Rewrite a text layer where it sat: string, font, size_px, color, alignment, tracking_px, angle_deg. `layer` "new": put one on top."""
    return describe_state(session.layer_work.changing.set_text(document_id, body.revision, layer, body.values, user))


@router.post(f"{ONE}/picture")
def set_picture(document_id: str, layer: str, body: PictureRequest, session: SessionDependency, user: UserDependency) -> DocumentResponse:
    """Show another picture in a layer, fitted to its old box. `layer` "new": put it on top."""
    asset = keep_picture(body.image, "image", session)
    return describe_state(session.layer_work.changing.set_picture(document_id, body.revision, layer, asset, user))


@router.post(f"{ONE}/shadow")
def set_shadow(document_id: str, layer: str, body: ShadowRequest, session: SessionDependency, user: UserDependency) -> DocumentResponse:
    """Draw a layer's shadow for the light; it follows the layer from then on."""
    values = body.model_dump(exclude={"revision"}, exclude_none=True)
    return describe_state(session.layer_work.changing.set_shadow(document_id, body.revision, layer, values, user))


@router.post(f"{ONE}/enlarge")
async def enlarge(
    document_id: str, layer: str, body: EnlargeRequest, session: SessionDependency, user: UserDependency, owner: OwnerDependency
) -> JobResponse:
    """Give a layer the pixels that its scale wants: text is set again, pictures go through an upscaler. A job."""

    def prepare() -> Any:
        return session.layer_work.enlarge(document_id, layer, body.upscaler, user)

    return await begin(await run_in_threadpool(prepare), session, user, owner, body.wait)


@router.post(f"{ONE}/decompose")
async def split(
    document_id: str, layer: str, body: SplitRequest, session: SessionDependency, user: UserDependency, owner: OwnerDependency
) -> JobResponse:
    """Take one layer apart into more; the picture stays the same to the bit. A job."""

    def prepare() -> Any:
        return session.layer_work.split(document_id, layer, body.backend, body.settings, user)

    return await begin(await run_in_threadpool(prepare), session, user, owner, body.wait)


@router.post(f"{ONE}/repaint")
async def repaint(
    document_id: str, layer: str, body: RepaintRequest, session: SessionDependency, user: UserDependency, owner: OwnerDependency
) -> DocumentResponse | JobResponse | RepaintStart:
    """Repaint one layer: `result` = take what was painted elsewhere into it, `request` = paint it (a job), else what to paint from."""
    changing = session.layer_work.changing

    def start_or_take() -> DocumentResponse | RepaintStart:
        mask = keep_picture(body.mask, "mask", session) if body.mask else None
        if body.result is None:
            return RepaintStart(**changing.start_repaint(document_id, layer, user, mask=mask, grow_px=body.grow_px))
        picture = session.store.open(keep_picture(body.result, "result", session)).image
        given: Any = {"mask": mask, "grow_px": body.grow_px, "keeps_alpha": body.keeps_alpha}
        return describe_state(changing.take_repainted(document_id, body.revision, layer, picture, user, **given))

    if body.request is None or body.result is not None:
        return await run_in_threadpool(start_or_take)

    def prepare() -> Any:
        mask = keep_picture(body.mask, "mask", session) if body.mask else None
        values = {"mask": mask, "grow_px": body.grow_px, "keeps_alpha": body.keeps_alpha}
        return session.layer_work.repaint(document_id, layer, body.request or {}, values, user)

    return await begin(await run_in_threadpool(prepare), session, user, owner, body.wait)


@router.get("/{document_id}/export")
def export_document(
    document_id: str,
    session: SessionDependency,
    user: UserDependency,
    kind: Annotated[str, Query(description="png, zip, psd, ora, pptx or layers.")] = "png",
    text: Annotated[str, Query(description='PPTX: "boxes" = text layers become text that can be written in.')] = "",
    is_trimmed: Annotated[bool, Query(description="ZIP: each PNG holds only its layer's box.")] = False,
) -> Response:
    """The document as a file of another program; the header X-Layers-Notes (JSON) says what that one will not see as it is here."""
    if kind == "layers":
        return _own_file(session, document_id, user)
    made = _export(session, document_id, user, kind, {"is_trimmed": is_trimmed, "has_text_boxes": text == "boxes"})
    headers = {**_attached(made.file_name), "X-Layers-Notes": _notes_header(made.notes)}
    return Response(made.data, media_type=made.media_type, headers=headers)


def _notes_header(notes: Sequence[Mapping[str, Any]]) -> str:
    """Notes as JSON in ASCII, short enough for a header: programs and proxies refuse answers whose headers are long.

    Names of layers are left out first, and counted, then words, then notes.
    """
    full = [dict(note) for note in notes]
    some = [_without_most_names(note) for note in full]
    keys = [{"key": note["key"]} for note in full if "key" in note]
    for told in (full, some, keys):
        text = json.dumps(told)
        if len(text) <= MAX_HEADER_BYTES:
            return text
    return json.dumps(keys[:SHOWN_NAMES])


def _without_most_names(note: dict[str, Any]) -> dict[str, Any]:
    layers = note.get("layers", ())
    if len(layers) <= SHOWN_NAMES:
        return note
    short = {name: value for name, value in note.items() if name != "text"}
    return short | {"layers": [*(str(layer)[:40] for layer in layers[:SHOWN_NAMES]), f"... ({len(layers)})"]}


def _own_file(session: Session, document_id: str, user: str | None) -> Response:
    """The document as it is kept, with its steps."""
    name, data = session.layers.look(document_id, user, lambda opened: (opened.document.name, opened.read_bytes(session.layers.folder)))
    sanitize: Any = load_dotted("modules.imaging.naming:sanitize_part")
    return Response(data, media_type="application/zip", headers=_attached(f"{sanitize(name) or 'document'}.layers"))


def _attached(name: str) -> dict[str, str]:
    disposition = f"attachment; filename*=UTF-8''{quote(name)}"
    return {"Content-Disposition": disposition, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def _export(session: Session, document_id: str, user: str | None, kind: str, options: dict[str, bool]) -> Any:
    export: Any = load_dotted("modules.pipeline.layers.exchange.exporting:export")
    make_options: Any = load_dotted("modules.pipeline.layers.exchange.exporting:ExportOptions")

    def ask(opened: Opened) -> Any:
        return export(opened.document, opened.sources, kind, make_options(**options))

    return session.layers.look(document_id, user, ask)


def _font(values: dict[str, Any]) -> dict[str, Any]:
    styles = [values["style"]] if values.get("style") else []
    return {"family": values["name"], "styles": styles, "origin": values["origin"], "has_chinese": values["chinese"]}
