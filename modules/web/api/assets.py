"""Our own routes about kept pictures: /api/assets. A picture goes by the SHA-256 of its file, so what is under an id never changes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import unquote

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field
from starlette.responses import FileResponse

from modules.base.errors import InvalidRequest
from modules.runtime.session import Session
from modules.runtime.store import THUMBNAIL_SIDES
from modules.web.api.caller import SessionDependency, UserDependency

router = APIRouter(prefix="/api/assets", tags=["Pentimento"])

BYTES_A_PIXEL = 8
HEADER_ROOM_BYTES = 4 << 20
MAX_UPLOAD_BYTES = 1 << 29
IMMUTABLE = {"Cache-Control": "private, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
MEDIA_TYPES = {
    ".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp", ".avif": "image/avif", ".gif": "image/gif", ".bmp": "image/bmp",
    ".tif": "image/tiff", ".ppm": "image/x-portable-pixmap", ".tga": "image/x-tga", ".jp2": "image/jp2", ".ico": "image/x-icon",
}  # fmt: skip


class AssetResponse(BaseModel):
    """A kept picture."""

    id: str = Field(description="SHA-256 of the file, 64 hexadecimal digits.")
    width: int
    height: int
    has_alpha: bool
    name: str
    notes: list[str] = Field(description="What has to be done to the file to show it as the pipeline sees it.")


@router.post("")
async def add_asset(request: Request, session: SessionDependency, user: UserDependency) -> AssetResponse:
    """Keep a picture: the body is the file as it is, the header `X-File-Name` (percent-encoded) its name."""
    data = await read_body(request, upload_limit(session))
    if not data:
        raise InvalidRequest("body", "nothing", "the bytes of a picture file")
    name = unquote(request.headers.get("x-file-name", ""))
    asset = await run_in_threadpool(session.store.add, data, name)
    return AssetResponse(**asset.as_json())


@router.get("/{asset_id}")
def get_asset(asset_id: str, session: SessionDependency, user: UserDependency) -> Response:
    """The file as it came."""
    return _serve(session.store.path(asset_id))


@router.get("/{asset_id}/info")
def describe_asset(asset_id: str, session: SessionDependency, user: UserDependency) -> AssetResponse:
    """Size, name and notes of a kept picture."""
    return AssetResponse(**session.store.describe(asset_id).as_json())


@router.get("/{asset_id}/view")
def view_asset(asset_id: str, session: SessionDependency, user: UserDependency) -> Response:
    """The picture as the pipeline sees it, upright, in a format that browsers show."""
    return _serve(session.store.view(asset_id))


@router.get("/{asset_id}/thumbnail")
def get_thumbnail(
    asset_id: str,
    session: SessionDependency,
    user: UserDependency,
    side_px: Annotated[int, Query(ge=THUMBNAIL_SIDES[0], le=THUMBNAIL_SIDES[-1])] = 256,
) -> Response:
    """A small WebP that fits into a square of `side_px`; outlives the picture itself."""
    return _serve(session.store.thumbnail(asset_id, side_px))


def upload_limit(session: Session) -> int:
    """Bytes of the largest file that could hold a picture of the accepted size, 16 bits a channel, without compression."""
    pixels = session.options.current.img_max_size_mp * 1_000_000
    return min(MAX_UPLOAD_BYTES, int(pixels * BYTES_A_PIXEL) + HEADER_ROOM_BYTES)


async def read_body(request: Request, limit: int) -> bytes:
    """The body, refused by its announced length before a byte is read, and by its true one while it comes."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise HTTPException(413, _too_large(int(announced), limit))
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise HTTPException(413, _too_large(len(body), limit))
    return bytes(body)


def _too_large(size: int, limit: int) -> str:
    return f"the file has {size / 1e6:.1f} MB or more, at most {limit / 1e6:.1f} MB are accepted (the option img_max_size_mp sets this)"


def _serve(path: Path) -> Response:
    return FileResponse(path, media_type=MEDIA_TYPES[path.suffix], headers=IMMUTABLE)
