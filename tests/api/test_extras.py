"""The two routes of post-processing: A1111's fields, its reply, and clear words where it had none."""

from __future__ import annotations

import base64
import io
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.api.serving import decode, encode

INFOTEXT = "a cat\nNegative prompt: dog\nSteps: 6, Sampler: Euler, CFG scale: 7.0, Seed: 5, Size: 8x8"
SINGLE, BATCH = "/sdapi/v1/extra-single-image", "/sdapi/v1/extra-batch-images"


def gradient(width: int = 32, height: int = 24) -> Image.Image:
    ramp = np.linspace(0, 255, width * height * 3).reshape(height, width, 3)
    return Image.fromarray(ramp.astype(np.uint8))


def with_info(image: Image.Image, text: str) -> str:
    info, buffer = PngInfo(), io.BytesIO()
    info.add_text("parameters", text)
    image.save(buffer, "PNG", pnginfo=info)
    return base64.b64encode(buffer.getvalue()).decode()


def post(client: httpx.Client, route: str, **body: Any) -> dict[str, Any]:
    answer = client.post(route, json=body)
    assert answer.status_code == 200, answer.text
    reply: dict[str, Any] = answer.json()
    return reply


def test_one_picture_is_enlarged_and_tells_what_was_done(client: httpx.Client) -> None:
    body = {"image": "data:image/png;base64," + with_info(gradient(), INFOTEXT), "upscaling_resize": "4", "upscaler_1": "lanczos"}
    reply = post(client, SINGLE, **body, upscale_first=True, unknown_key=1)
    assert reply.keys() == {"html_info", "image"}
    done = "Postprocess upscale by: 4.0, Postprocess upscaler: Lanczos"
    assert reply["html_info"] == f"<p>{done}</p>"
    result = decode(reply["image"])
    assert result.size == (128, 96)
    assert (
        result.info["parameters"] == INFOTEXT
        and result.info["postprocessing"] == "Postprocess upscale by: 4.0, Postprocess upscaler: Lanczos"
    )
    assert np.array_equal(result, gradient().resize((128, 96), Image.Resampling.LANCZOS))


def test_a_size_is_met_exactly_and_two_upscalers_are_blended(client: httpx.Client) -> None:
    body = {"image": encode(gradient()), "resize_mode": 1, "upscaling_resize_w": 60, "upscaling_resize_h": 100, "upscaler_1": "Lanczos"}
    blended = {"upscaler_2": "Nearest", "extras_upscaler_2_visibility": 0.5}
    reply = post(client, SINGLE, **body, **blended)
    assert decode(reply["image"]).size == (60, 100)
    said = "Postprocess upscale to: 60x100, Postprocess crop to: 60x100, Postprocess upscaler: Lanczos, Postprocess upscaler 2: Nearest"
    assert reply["html_info"] == f"<p>{said}</p>"
    one, other = (decode(post(client, SINGLE, **{**body, "upscaler_1": name})["image"]) for name in ("Lanczos", "Nearest"))
    assert np.array_equal(decode(reply["image"]), Image.blend(one, other, 0.5))
    whole = decode(post(client, SINGLE, **body, upscaling_crop=False)["image"])
    assert whole.height >= 100 and whole.width > 60


def test_transparency_and_pictures_without_an_upscaler_stay(client: httpx.Client) -> None:
    clear = gradient().convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(clear.size))
    assert decode(post(client, SINGLE, image=encode(clear), upscaler_1="Nearest")["image"]).getchannel("A").getextrema()[0] < 20
    assert np.array_equal(decode(post(client, SINGLE, image=encode(gradient()))["image"]), gradient())


def test_many_pictures_come_back_in_order(client: httpx.Client) -> None:
    files = [{"data": encode(gradient(32, 24)), "name": "a.png"}, {"data": encode(gradient(40, 16)), "name": ""}]
    reply = post(client, BATCH, imageList=files, upscaling_resize=2, upscaler_1="Nearest")
    assert reply.keys() == {"html_info", "images"}
    assert [decode(image).size for image in reply["images"]] == [(64, 48), (80, 32)]


def test_further_scripts_can_be_asked_for(client: httpx.Client) -> None:
    flips = {"Create flipped copies": {"enable": True, "option": ["Both"]}}
    reply = post(client, BATCH, imageList=[{"data": encode(gradient()), "name": "a"}], postprocessing=flips)
    assert np.array_equal(decode(reply["images"][1]), gradient().rotate(180)) and len(reply["images"]) == 2


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"upscaler_1": "ESRGAN_4x_that_is_gone"}, "one of None, Lanczos, Nearest"),
        ({"upscaler_1": "Lanczos", "upscaler_2": "gone"}, "upscaler_2"),
        ({"gfpgan_visibility": 0.5}, "no face restoration"),
        ({"codeformer_visibility": 1}, "codeformer_visibility"),
        ({"upscaling_resize": 0}, "upscaling_resize"),
        ({"upscaling_resize": 1000, "upscaler_1": "Lanczos"}, "upscaling_resize"),
        ({"upscaling_resize": 0.1, "upscaler_1": "Lanczos"}, "8 px"),
        ({"resize_mode": 2}, "resize_mode"),
        ({"resize_mode": 1, "upscaling_resize_w": 0, "upscaler_1": "Lanczos"}, "upscaling_resize_w"),
        ({"image": ""}, "image"),
        ({"image": "no picture"}, "Invalid encoded image"),
        ({"postprocessing": {"Rembg": {}}}, "one of Auto-sized crop"),
        ({"postprocessing": {"Upscale": {"speed": 3}}}, "speed"),
        ({"postprocessing": {"Upscale": 3}}, "object"),
    ],
)
def test_what_cannot_be_done_is_said(client: httpx.Client, change: dict[str, Any], detail: str) -> None:
    answer = client.post(SINGLE, json={"image": encode(gradient())} | change)
    assert answer.status_code == 422 and detail in answer.json()["detail"]


def test_no_pictures_at_all(client: httpx.Client) -> None:
    assert client.post(BATCH, json={}).status_code == 422
    assert "imageList[0].data" in client.post(BATCH, json={"imageList": [{"name": "a.png"}]}).json()["detail"]


def test_results_are_in_the_history(client: httpx.Client) -> None:
    files = [{"data": with_info(gradient(), INFOTEXT), "name": "a.png"}, {"data": encode(gradient(40, 40)), "name": "b.png"}]
    post(client, BATCH, imageList=files, upscaler_1="Lanczos")
    second, first = client.get("/api/history", params={"mode": "extras", "limit": 2}).json()["entries"]
    assert (first["mode"], first["prompt"], first["seed"], first["width"]) == ("extras", "a cat", 5, 64)
    assert first["infotext"] == f"{INFOTEXT}, Postprocess upscale by: 2, Postprocess upscaler: Lanczos"
    assert second["infotext"] == "Postprocess upscale by: 2, Postprocess upscaler: Lanczos"
    assert first["recipe"]["extras"]["Upscale"]["upscaler_1_name"] == "Lanczos"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"postprocessing": {"Auto-sized crop": {"enable": True, "maxdim": 10**9, "maxarea": 10**18}}}, "maxdim"),
        ({"postprocessing": {"Create flipped copies": {"enable": True, "option": 5}}}, "option"),
        ({"upscaler_1": "Lanczos", "resize_mode": 1, "upscaling_resize_w": 16384, "upscaling_resize_h": 16384}, "16384x16384"),
    ],
)
def test_values_out_of_reach_are_refused_at_once(client: httpx.Client, body: dict[str, Any], field: str) -> None:
    answer = client.post(SINGLE, json={"image": encode(gradient()), **body})
    assert answer.status_code == 422 and field in answer.json()["detail"]
