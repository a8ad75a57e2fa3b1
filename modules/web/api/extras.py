"""POST /sdapi/v1/extra-single-image and /extra-batch-images: finished pictures through the post-processing scripts."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from modules.base.errors import InvalidRequest
from modules.imaging.metadata import encode_image
from modules.runtime.extras.result import ExtrasResult, MadePicture
from modules.runtime.extras.source import ExtrasSource
from modules.runtime.extras.task import KIND
from modules.runtime.session import Session
from modules.settings.options import Options
from modules.web.api.caller import OwnerDependency, SessionDependency, UserDependency
from modules.web.api.coercion import Bool, Float, Int, LenientModel, List, Object, Str
from modules.web.api.pictures import decode_picture
from modules.web.api.waiting import wait_for
from modules.web.errors import PlainJson, describe

router = APIRouter(prefix="/sdapi/v1", tags=["A1111"])

UPSCALE = "Upscale"
BY_FACTOR, TO_SIZE = 0, 1
NO_FACES = "0: this version has no face restoration"


class ExtrasRequest(LenientModel):
    """What both routes take; names and defaults are A1111's."""

    resize_mode: Int = Field(BY_FACTOR, description="0: by upscaling_resize, 1: to upscaling_resize_w x upscaling_resize_h.")
    show_extras_results: Bool = True
    gfpgan_visibility: Float = 0
    codeformer_visibility: Float = 0
    codeformer_weight: Float = 0
    upscaling_resize: Float = 2
    upscaling_resize_w: Int = 512
    upscaling_resize_h: Int = 512
    upscaling_crop: Bool = True
    upscaler_1: Str = "None"
    upscaler_2: Str = "None"
    extras_upscaler_2_visibility: Float = 0
    upscale_first: Bool = False
    postprocessing: Object = Field({}, description="Values of further scripts by name and argument; not in A1111.")


class ExtrasSingleImageRequest(ExtrasRequest):
    image: Str = Field("", description="A picture in base64, as a data URL, or an http(s) address where that is allowed.")


class ExtrasBatchImagesRequest(ExtrasRequest):
    imageList: List = Field([], description='Objects {"data": picture, "name": name of the file}.')


class ExtrasSingleImageResponse(BaseModel):
    html_info: str = Field(description="What was done, as HTML.")
    image: str = Field(description="The result in base64; empty if it was interrupted.")


class ExtrasBatchImagesResponse(BaseModel):
    html_info: str = Field(description="What was done to the last picture, as HTML.")
    images: list[str] = Field(description="Results in base64.")


@router.post("/extra-single-image", response_model=ExtrasSingleImageResponse)
async def extra_single_image(
    body: ExtrasSingleImageRequest, session: SessionDependency, user: UserDependency, owner: OwnerDependency
) -> Response:
    """Enlarge a picture; answers when the job is over."""
    sources = await run_in_threadpool(_sources, [{"data": body.image}], "image", session.options.current)
    return await _answer(body, sources, session, user, owner, lambda images: {"image": images[0] if images else ""})


@router.post("/extra-batch-images", response_model=ExtrasBatchImagesResponse)
async def extra_batch_images(
    body: ExtrasBatchImagesRequest, session: SessionDependency, user: UserDependency, owner: OwnerDependency
) -> Response:
    """Enlarge many pictures; answers when the job is over."""
    sources = await run_in_threadpool(_sources, body.imageList, "imageList[{}].data", session.options.current)
    return await _answer(body, sources, session, user, owner, lambda images: {"images": images})


def read_scripts(body: ExtrasRequest) -> dict[str, Mapping[str, Any]]:
    """Values of scripts by name and argument.

    Raises:
        InvalidRequest: A value cannot be used.
    """
    for name in ("gfpgan_visibility", "codeformer_visibility"):
        if getattr(body, name):
            raise InvalidRequest(name, getattr(body, name), NO_FACES)
    if body.resize_mode not in (BY_FACTOR, TO_SIZE):
        raise InvalidRequest("resize_mode", body.resize_mode, "0 (by a factor) or 1 (to a size)")
    if body.upscaling_resize <= 0:
        raise InvalidRequest("upscaling_resize", body.upscaling_resize, "a number above 0")
    for name, values in body.postprocessing.items():
        if not isinstance(values, dict):
            raise InvalidRequest(f"postprocessing[{name!r}]", values, "an object with values by argument")
    upscale = {
        "upscale_enabled": True,
        "upscale_mode": body.resize_mode,
        "upscale_by": body.upscaling_resize,
        "max_side_length": 0,
        "upscale_to_width": body.upscaling_resize_w,
        "upscale_to_height": body.upscaling_resize_h,
        "upscale_crop": body.upscaling_crop,
        "upscaler_1_name": body.upscaler_1,
        "upscaler_2_name": body.upscaler_2,
        "upscaler_2_visibility": body.extras_upscaler_2_visibility,
    }
    return {UPSCALE: upscale, **body.postprocessing}


async def _answer(
    body: ExtrasRequest, sources: Sequence[ExtrasSource], session: Session, user: str | None, owner: str, place: Any
) -> Response:
    task = await run_in_threadpool(lambda: session.extras.task(sources, read_scripts(body)))
    job = session.submit(task, owner, kind=KIND, user=user)
    result, error = await wait_for(job)
    headers = {"X-Job-Id": quote(job.id)}
    if error is not None:
        status, explanation = describe(error)
        return PlainJson(explanation, status, headers)
    content = await run_in_threadpool(_encode_reply, result or ExtrasResult(), session.options.current, place)
    return Response(content, media_type="application/json", headers=headers)


def _sources(given: Sequence[Any], field: str, options: Options) -> list[ExtrasSource]:
    """Pictures of a request; `field` names one of them, by its place."""
    sources = []
    for number, entry in enumerate(given):
        values = entry if isinstance(entry, dict) else {}
        picture = decode_picture(values.get("data"), field.format(number), options)
        sources.append(ExtrasSource(str(values.get("name") or ""), picture=picture))
    return sources


def _encode_reply(result: ExtrasResult, options: Options, place: Any) -> bytes:
    images = [_encode(one, options) for one in result.made]
    lines = [result.made[-1].done if result.made else "", *(["interrupted"] if result.is_interrupted else []), *result.notes]
    said = "".join(f"<p>{html.escape(line)}</p>" for line in lines if line) or "<p></p>"
    return json.dumps({"html_info": said, **place(images)}, ensure_ascii=False).encode("utf-8", "replace")


def _encode(one: MadePicture, options: Options) -> str:
    assert one.image is not None, "results that are not saved stay in memory"
    has_info, is_png = options.enable_pnginfo, options.samples_format.lower() == "png"
    data = encode_image(
        one.image,
        options.samples_format,
        one.infotext or None if has_info and not is_png else None,
        quality=options.jpeg_quality,
        is_lossless=options.webp_lossless,
        items=one.chunks if has_info else None,
    )
    return base64.b64encode(data).decode("ascii")
