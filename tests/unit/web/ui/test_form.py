from __future__ import annotations

from typing import Any

import pytest
from PIL import Image

from modules.base.errors import InvalidRequest
from modules.imaging.picture import Picture
from modules.web.ui.form import Mode, form_of, read_form
from modules.web.ui.messages import Told

VALUES: dict[str, Any] = {
    "prompt": "a cat", "negative_prompt": None, "sampler_name": "Euler a", "scheduler": "Karras", "steps": 20, "cfg_scale": 7,
    "denoising_strength": 0.5, "width": 256, "height": 320, "n_iter": 1, "batch_size": 2, "mask_blur": 4, "inpaint_full_res_padding": 32,
    "inpainting_mask_invert": 0, "inpaint_full_res": 1, "inpainting_fill": "patchmatch", "resize_mode": 1, "seed": -1,
    "checkpoint": "built-in.safetensors [0123456789]", "override_settings": [],
}  # fmt: skip
PICTURE = Picture(Image.new("RGBA", (8, 6), (10, 20, 30, 0)), notes=("palette was converted to RGBA",))
MASK = Image.new("L", (8, 6), 255)


def test_the_form_becomes_a_request() -> None:
    request = read_form(VALUES, Mode.INPAINT, PICTURE, MASK)
    assert (request.prompt, request.negative_prompt, request.steps, request.height) == ("a cat", "", 20, 320)
    assert request.inpainting_fill == "patchmatch" and request.inpaint_full_res is True
    assert request.image_mask is MASK
    assert request.override_settings == {"sd_model_checkpoint": "built-in.safetensors [0123456789]"}
    assert request.notes == ["palette was converted to RGBA"]


def test_colours_beneath_transparency_reach_the_pipeline_as_they_are() -> None:
    image = read_form(VALUES, Mode.INPAINT, PICTURE, MASK).init_images[0]
    assert image.mode == "RGB" and image.getpixel((0, 0)) == (10, 20, 30)


def test_img2img_takes_no_mask_along() -> None:
    assert read_form(VALUES, Mode.IMG2IMG, PICTURE, MASK).image_mask is None


def test_a_request_gives_its_form_back() -> None:
    back = form_of(read_form(VALUES, Mode.INPAINT, PICTURE, MASK))
    wanted = {name: value for name, value in VALUES.items() if name != "checkpoint"} | {"negative_prompt": ""}
    assert back == wanted


def test_what_is_missing_is_told() -> None:
    with pytest.raises(Told, match=r"error\.no_picture"):
        read_form(VALUES, Mode.INPAINT, None, MASK)
    with pytest.raises(Told, match=r"error\.no_mask"):
        read_form(VALUES, Mode.INPAINT, PICTURE, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("steps", 0),
        ("steps", 10_000),
        ("width", 100_000),
        ("height", 0),
        ("denoising_strength", float("nan")),
        ("seed", None),
        ("steps", True),
    ],
)
def test_numbers_out_of_range_are_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(InvalidRequest, match=field):
        read_form({**VALUES, field: value}, Mode.INPAINT, PICTURE, MASK)
