"""Requests are checked before anything is done with them."""

from __future__ import annotations

import math

import pytest
from PIL import Image

from modules.base.errors import InvalidRequest
from modules.pipeline.plan import check_request, resolve_seed
from modules.pipeline.processing import Img2ImgProcessing


def make_request(**changes: object) -> Img2ImgProcessing:
    return Img2ImgProcessing(**{"init_images": [Image.new("RGB", (64, 64))], "width": 64, "height": 64, **changes})


def test_an_ordinary_request_passes() -> None:
    check_request(make_request())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("steps", 0),
        ("steps", 10_000),
        ("steps", 2.5),
        ("width", 0),
        ("height", 100_000),
        ("batch_size", 0),
        ("n_iter", 100_000),
        ("denoising_strength", math.nan),
        ("cfg_scale", math.inf),
        ("eta", math.nan),
        ("eta", 1e30),
        ("cfg_scale", 1e30),
        ("cfg_scale", -1001),
        ("image_cfg_scale", 1e30),
        ("denoising_strength", 1e30),
        ("subseed_strength", 101),
        ("initial_noise_multiplier", 1e30),
        ("s_churn", -1),
        ("s_churn", 1e9),
        ("s_noise", -0.5),
        ("s_noise", 1e30),
        ("mask_blur", -1),
        ("inpaint_full_res_padding", -5),
        ("grow_mask_by", 65),
        ("crop_region", 5),
        ("crop_region", (1, 2, 3)),
        ("crop_region", (1, 2, 3, "4")),
        ("crop_region", (0, 0, 10.5, 10)),
        ("crop_region", (10, 0, 10, 20)),
        ("crop_region", (0, 30, 10, 20)),
        ("crop_region", (0, 0, 2**40, 20)),
        ("resize_mode", 7),
        ("seed_resize_from_w", 10**6),
        ("inpainting_fill", 9),
        ("inpainting_fill", "purple"),
        ("init_images", []),
    ],
)
def test_a_wrong_field_is_named(field: str, value: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_request(make_request(**{field: value}))
    assert caught.value.field == field
    assert "wanted" in str(caught.value)


def test_a_working_size_that_no_machine_holds_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="width"):
        check_request(make_request(width=8192, height=8192))


def test_more_pictures_than_the_batch_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="init_images"):
        check_request(make_request(init_images=[Image.new("RGB", (8, 8))] * 3, batch_size=2))


@pytest.mark.parametrize("seed", [-1, None, ""])
def test_a_missing_seed_is_drawn(seed: object) -> None:
    assert 0 <= resolve_seed(seed) < 4294967294


def test_a_seed_beyond_64_bits_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="seed"):
        resolve_seed(2**70)


@pytest.mark.parametrize("sizes", [[(4, 4)], [(8000, 6000)], [(64, 64), (32, 64)]])
def test_latent_resize_bounds_the_pictures_themselves(sizes: list[tuple[int, int]]) -> None:
    pictures = [Image.new("RGB", size) for size in sizes]
    with pytest.raises(InvalidRequest, match="init_images"):
        check_request(make_request(resize_mode=3, init_images=pictures, batch_size=len(pictures)))
