"""ComfyUI's routes about picture files, with `--comfy-api` alone: uploading them, masks onto them, and looking at them."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from PIL import Image
from starlette.datastructures import UploadFile
from starlette.responses import FileResponse
from starlette.types import Receive, Scope

from modules.base.errors import InvalidRequest, PentimentoError, SaveFailed, UnknownName
from modules.imaging.metadata import encode_image, write_png
from modules.imaging.picture import open_picture
from modules.runtime.session import Session
from modules.runtime.workflows.inputs import INPUT, OUTPUT, FileName
from modules.web.api.assets import MEDIA_TYPES, upload_limit
from modules.web.api.caller import SessionDependency, UserDependency

router = APIRouter(tags=["ComfyUI"])

FORM_ROOM_BYTES = 1 << 20
TRUE = ("true", "1")
CHANNELS = ("rgba", "rgb", "a")
KEPT_TEXTS = ("prompt", "workflow", "parameters")
PREVIEWS = {"webp": "webp", "jpeg": "jpeg"}
HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}


@router.post("/upload/image")
async def upload_image(request: Request, session: SessionDependency, user: UserDependency) -> dict[str, Any]:
    """Keep a picture: a form with `image`, and perhaps `type`, `subfolder`, `overwrite`."""
    form, data, name = await _read(request, session)
    return await run_in_threadpool(_keep, session, form, data, name, user)


@router.post("/upload/mask")
async def upload_mask(request: Request, session: SessionDependency, user: UserDependency) -> dict[str, Any]:
    """Keep the picture that `original_ref` names with the transparency of the uploaded one."""
    form, data, name = await _read(request, session)

    def lay() -> dict[str, Any]:
        return _keep(session, form, _with_mask(session, form, data, user), str(PurePosixPath(name).with_suffix(".png")), user)

    return await run_in_threadpool(lay)


@router.get("/view")
def view_file(
    session: SessionDependency,
    user: UserDependency,
    filename: Annotated[str, Query(min_length=1, max_length=1000)],
    subfolder: Annotated[str, Query(max_length=1000)] = "",
    type: Annotated[str, Query(max_length=20)] = OUTPUT,
    preview: Annotated[str, Query(max_length=20)] = "",
    channel: Annotated[str, Query(max_length=20)] = "rgba",
) -> Response:
    """A picture; `preview` ("webp;90", "jpeg;80") gives it small in bytes, `channel` (rgba, rgb, a) a part of it."""
    try:
        path = session.workflows.folders.find_file(FileName(filename, subfolder, type), user)
    except UnknownName as error:
        raise HTTPException(404, f"no picture {filename!r} in {type}") from error
    except PentimentoError as error:
        raise HTTPException(400, str(error)) from error
    media_type = MEDIA_TYPES.get({".jpeg": ".jpg", ".tiff": ".tif"}.get(path.suffix.lower(), path.suffix.lower()))
    if media_type is None:
        raise HTTPException(404, f"{filename!r} is no picture")
    if not preview and channel == "rgba":
        return FileResponse(path, media_type=media_type, headers=HEADERS)
    if channel not in CHANNELS:
        raise HTTPException(400, str(InvalidRequest("channel", channel, "one of " + ", ".join(CHANNELS))))
    image = _take(open_picture(path, "filename").image, channel)
    if preview:
        fmt, _, quality = preview.partition(";")
        fmt, shown = PREVIEWS.get(fmt, "webp"), int(quality) if quality.isdigit() else 90
        return Response(encode_image(image, fmt, quality=max(1, min(shown, 100))), media_type=f"image/{fmt}", headers=HEADERS)
    return Response(write_png(image, None, compress_level=1), media_type="image/png", headers=HEADERS)


class _Bounded(Request):
    """A request whose body ends in an error when it is too long, whatever length it announced: forms go to the disk as they come."""

    def __init__(self, scope: Scope, receive: Receive, limit: int) -> None:
        super().__init__(scope, receive)
        self._limit = limit

    async def stream(self) -> AsyncGenerator[bytes, None]:
        came = 0
        async for chunk in super().stream():
            came += len(chunk)
            if came > self._limit:
                raise _too_large(self._limit)
            yield chunk


def _too_large(limit: int) -> HTTPException:
    return HTTPException(413, f"at most {limit / 1e6:.1f} MB are accepted (the option img_max_size_mp sets this)")


async def _read(request: Request, session: Session) -> tuple[dict[str, str], bytes, str]:
    """The form's texts, its file, and what that is called."""
    limit, announced = upload_limit(session), request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit + FORM_ROOM_BYTES:
        raise _too_large(limit)
    async with _Bounded(request.scope, request.receive, limit + FORM_ROOM_BYTES).form(max_files=4, max_fields=20) as form:
        file = form.get("image")
        if not isinstance(file, UploadFile) or not file.filename:
            shown = None if file is None else str(file)
            raise HTTPException(400, str(InvalidRequest("image", shown, "a picture file in a multipart form")))
        data = await file.read(limit + 1)
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
    if len(data) > limit:
        raise _too_large(limit)
    return fields, data, file.filename


def _keep(session: Session, form: Mapping[str, str], data: bytes, name: str, user: str | None) -> dict[str, Any]:
    kind, subfolder = form.get("type") or INPUT, form.get("subfolder") or ""
    replaces = form.get("overwrite", "").lower() in TRUE
    try:
        kept = session.workflows.folders.add(data, name, subfolder, kind, replaces=replaces, user=user)
    except SaveFailed:
        raise
    except PentimentoError as error:
        raise HTTPException(400, str(error)) from error
    return {"name": kept.filename, "subfolder": kept.subfolder, "type": kept.type}


def _with_mask(session: Session, form: Mapping[str, str], data: bytes, user: str | None) -> bytes:
    """The original in the form's `original_ref`, with the uploaded picture's alpha: a PNG with the original's workflow in it."""
    try:
        named = json.loads(form.get("original_ref") or "null")
        file = FileName(str(named["filename"]), str(named.get("subfolder") or ""), str(named.get("type") or OUTPUT))
        path = session.workflows.folders.find_file(file, user)
        original, mask = open_picture(path, "original_ref"), open_picture(data, "image")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        wanted = 'JSON with "filename", "subfolder" and "type" of a picture'
        raise HTTPException(400, str(InvalidRequest("original_ref", form.get("original_ref"), wanted))) from error
    except PentimentoError as error:
        raise HTTPException(400, str(error)) from error
    if original.image.size != mask.image.size:
        sizes = ["{}x{}".format(*image.size) for image in (mask.image, original.image)]
        raise HTTPException(400, str(InvalidRequest("image", sizes[0], f"the original's size {sizes[1]}")))
    image = original.image.convert("RGBA")
    image.putalpha(mask.image.convert("RGBA").getchannel("A"))
    texts = {name: text for name, text in original.info.items() if name in KEPT_TEXTS and isinstance(text, str)}
    return write_png(image, None, texts, compress_level=4)


def _take(image: Image.Image, channel: str) -> Image.Image:
    if channel == "rgb":
        return image.convert("RGB")
    if channel == "a":
        only = Image.new("RGBA", image.size)
        only.putalpha(image.convert("RGBA").getchannel("A"))
        return only
    return image
