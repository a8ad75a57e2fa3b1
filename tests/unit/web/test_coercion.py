"""What real clients send, and what becomes of it."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from pydantic import ValidationError

from modules.web.api.schemas import StableDiffusionProcessingImg2Img as Request


@pytest.mark.parametrize(
    ("field", "sent", "meant"),
    [
        ("steps", "20", 20),
        ("steps", 20.0, 20),
        ("steps", "20.0", 20),
        ("steps", 20.9, 20),
        ("seed", "-1", -1),
        ("cfg_scale", "7.5", 7.5),
        ("cfg_scale", 7, 7.0),
        ("denoising_strength", None, 0.75),
        ("width", None, 512),
        ("tiling", "True", True),
        ("tiling", "False", False),
        ("restore_faces", 0, False),
        ("inpaint_full_res", 1.0, True),
        ("inpainting_mask_invert", True, 1),
        ("include_init_images", "", False),
        ("prompt", None, ""),
        ("prompt", 12, "12"),
        ("prompt", "\ud83d cat 🐈", "? cat 🐈"),
        ("styles", "one", ["one"]),
        ("init_images", "abc", ["abc"]),
        ("script_args", None, []),
        ("override_settings", [], {}),
        ("inpainting_fill", "2", 2),
        ("inpainting_fill", 1.0, 1),
        ("inpainting_fill", "patchmatch", "patchmatch"),
        ("grow_mask_by", "6", 6),
        ("crop_region", [1, "2", 30.0, 40], [1, 2, 30, 40]),
        ("crop_region", "1,2,30,40", [1, 2, 30, 40]),
    ],
)
def test_lenient_types(field: str, sent: object, meant: object) -> None:
    value = getattr(Request.model_validate({field: sent}), field)
    assert value == meant and type(value) is type(meant)


@pytest.mark.parametrize(
    ("field", "sent", "kind", "message"),
    [
        ("steps", "many", "type_error.integer", "value is not a valid integer"),
        ("seed", "abc", "type_error.integer", "value is not a valid integer"),
        ("steps", [], "type_error.integer", "value is not a valid integer"),
        ("crop_region", [1, 2, 3], "value_error.region", "value is not a list of left, top, right, bottom"),
        ("cfg_scale", "high", "type_error.float", "value is not a valid float"),
        ("denoising_strength", math.nan, "value_error.number.not_finite", "value is not a finite number"),
        ("denoising_strength", "NaN", "value_error.number.not_finite", "value is not a finite number"),
        ("steps", math.inf, "value_error.number.not_finite", "value is not a finite number"),
        ("cfg_scale", 10**400, "type_error.float", "value is not a valid float"),
        ("tiling", "perhaps", "type_error.bool", "value could not be parsed to a boolean"),
        ("prompt", ["a"], "type_error.str", "str type expected"),
        ("alwayson_scripts", "x", "type_error.dict", "value is not a valid dict"),
    ],
)
def test_refusals_speak_pydantic_1(field: str, sent: Any, kind: str, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Request.model_validate({field: sent})
    error = caught.value.errors()[0]
    assert (error["loc"], error["type"], error["msg"]) == ((field,), kind, message)


def test_unknown_keys_are_ignored() -> None:
    request = Request.model_validate({"uniqueDocumentId": 1, "outpainting_fill": 2, "steps": 3})
    assert request.steps == 3 and "uniqueDocumentId" not in request.model_dump()


def test_defaults_are_those_of_a1111() -> None:
    request = Request.model_validate({})
    wanted = {
        "steps": 50, "denoising_strength": 0.75, "inpainting_fill": 0, "inpaint_full_res": True, "inpaint_full_res_padding": 0,
        "sampler_index": "Euler", "sampler_name": None, "mask_blur": None, "mask_blur_x": 4, "save_images": False, "send_images": True,
    }  # fmt: skip
    assert {name: getattr(request, name) for name in wanted} == wanted


def test_the_echo_of_a_request_is_json() -> None:
    json.dumps(Request.model_validate({"alwayson_scripts": {"x": {"args": [1]}}}).model_dump(), allow_nan=False)
