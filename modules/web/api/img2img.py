"""POST /sdapi/v1/img2img."""

from __future__ import annotations

import dataclasses
import json
import string
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Response
from fastapi.concurrency import run_in_threadpool
from PIL.Image import Image

from modules.base.errors import InvalidRequest
from modules.imaging.masks import alpha_as_mask
from modules.pipeline.plan import COMFYUI, check_request
from modules.pipeline.processing import Img2ImgProcessing
from modules.runtime.session import Session
from modules.settings.options import Options
from modules.web.api.caller import HereDependency, OwnerDependency, SessionDependency, UserDependency
from modules.web.api.infotext_fields import apply_infotext
from modules.web.api.options import change_options
from modules.web.api.pictures import decode_picture, encode_pictures
from modules.web.api.schemas import ImageToImageResponse, StableDiffusionProcessingImg2Img
from modules.web.api.waiting import wait_for
from modules.web.errors import PlainJson, describe

FILLS = range(4)
MAX_ID_LENGTH = 200
OPAQUE = 255
HEADER_SAFE = "".join(sign for sign in string.punctuation if sign != "%")

router = APIRouter(prefix="/sdapi/v1", tags=["A1111"])

CONVERTED = frozenset(
    {"init_images", "mask", "latent_mask", "sampler_name", "styles", "override_settings", "script_args"}
    | {"do_not_save_samples", "do_not_save_grid"}
)
PASSED_ON = [
    field.name
    for field in dataclasses.fields(Img2ImgProcessing)
    if field.name in StableDiffusionProcessingImg2Img.model_fields and field.name not in CONVERTED
]
"""Fields that go to the pipeline as they came."""


@router.post("/img2img", response_model=ImageToImageResponse)
async def img2img(
    body: StableDiffusionProcessingImg2Img,
    session: SessionDependency,
    user: UserDependency,
    owner: OwnerDependency,
    is_from_here: HereDependency,
) -> Response:
    """Repaint a picture, or the masked part of it; answers when the job is over."""
    body, notes = await run_in_threadpool(apply_infotext, body, session)
    request = await run_in_threadpool(build_request, body, session, user, notes)
    job = session.submit(request, owner, (body.force_task_id or "")[:MAX_ID_LENGTH])
    result, error = await wait_for(job)
    headers = {"X-Job-Id": quote(job.id, safe=HEADER_SAFE)}
    if error is not None:
        status, explanation = describe(error)
        return PlainJson(explanation, status, headers)
    if not body.override_settings_restore_afterwards:
        await run_in_threadpool(change_options, session, body.override_settings or {}, is_from_here=is_from_here)
    content = await run_in_threadpool(build_reply, body, result, session.options.current)
    return Response(content, media_type="application/json", headers=headers)


def build_request(body: StableDiffusionProcessingImg2Img, session: Session, user: str | None, notes: Sequence[str] = ()) -> Any:
    """The pipeline's request for an API body, pictures decoded, scripts found, numbers checked.

    Args:
        body: The request, `apply_infotext` done.
        session: Options and scripts.
        user: Login, for infotext.
        notes: Already known things to tell.

    Raises:
        HTTPException: 404 without a start picture.
        InvalidRequest: A field cannot be used.
    """
    options = session.options.current
    if not body.init_images:
        raise HTTPException(404, "Init image not found")
    script_args = session.scripts.assemble_args(body.script_name or None, body.script_args, _alwayson(body))
    pictures = [decode_picture(value, f"init_images[{index}]", options) for index, value in enumerate(body.init_images or [])]
    mask = decode_picture(body.mask, "mask", options) if body.mask else None
    latent_mask = decode_picture(body.latent_mask, "latent_mask", options) if body.latent_mask else None
    start, mask_image = [picture.image for picture in pictures], mask.image if mask else None
    if mask is None and _means_mask(body, start[0], options):
        mask_image = alpha_as_mask(start[0])
        start = [image.convert("RGB") for image in start]  # the colours beneath stay what they are in the file
    named = [*((f"init image {index + 1}: ", picture) for index, picture in enumerate(pictures)), ("mask: ", mask)]
    request = Img2ImgProcessing(
        **{name: getattr(body, name) for name in PASSED_ON},
        init_images=start,
        image_mask=mask_image,
        latent_mask=latent_mask.image if latent_mask else None,
        sampler_name=body.sampler_name or body.sampler_index,
        styles=list(body.styles or []),
        override_settings=dict(body.override_settings or {}),
        do_not_save_samples=not body.save_images,
        do_not_save_grid=not body.save_images,
        scripts=session.scripts,
        script_args=script_args,
        is_api=True,
        notes=[*notes, *(prefix + note for prefix, picture in named if picture is not None for note in picture.notes)],
        user=user,
    )
    if isinstance(body.inpainting_fill, int) and body.inpainting_fill not in FILLS:
        raise InvalidRequest("inpainting_fill", body.inpainting_fill, 'a number from 0 to 3, "patchmatch" or "neutral"')
    check_request(request)
    options.coerced(request.override_settings)
    return request


def _means_mask(body: StableDiffusionProcessingImg2Img, picture: Image, options: Options) -> bool:
    """Whether a start picture's transparency is the mask."""
    if picture.mode != "RGBA" or body.outpaint or body.alpha_mask is False or picture.getchannel("A").getextrema()[0] == OPAQUE:
        return False
    return bool(body.alpha_mask) or options.coerced(body.override_settings or {}).compat == COMFYUI


def build_reply(body: StableDiffusionProcessingImg2Img, result: Any, options: Options) -> bytes:
    """The reply as JSON; `result` None stands for a job that was taken off the queue before it began."""
    images = encode_pictures(result.images, options) if result is not None and body.send_images else []
    parameters = body.model_dump()
    if not body.include_init_images:
        parameters |= {"init_images": None, "mask": None}
    nothing = {"all_prompts": [], "all_seeds": [], "all_subseeds": [], "infotexts": [], "index_of_first_image": 0}
    info = result.js() if result is not None else json.dumps(nothing)
    return json.dumps({"images": images, "parameters": parameters, "info": info}, ensure_ascii=False).encode("utf-8", "replace")


def _alwayson(body: StableDiffusionProcessingImg2Img) -> dict[str, Any]:
    """Always-on scripts by title; null, an object without `args` and null `args` bring no values.

    Raises:
        InvalidRequest: Anything else than an object with a list of `args`.
    """
    named: dict[str, Any] = {}
    for title, given in body.alwayson_scripts.items():
        args = given.get("args") if isinstance(given, dict) else given
        if args is not None and not (isinstance(given, dict) and isinstance(args, list)):
            shown = repr(given)[:80]
            raise InvalidRequest("alwayson_scripts", given, f'alwayson_scripts[{title!r}]: got {shown}, wanted {{"args": [...]}}')
        named[title] = {"args": args or []}
    return named
