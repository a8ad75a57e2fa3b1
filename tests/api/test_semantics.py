"""The reply beside the pictures: A1111's `info` and `parameters`, infotexts of requests, overrides that stay."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.api.serving import Server, decode, encode, infotexts

IMG2IMG, OPTIONS = "/sdapi/v1/img2img", "/sdapi/v1/options"
GOLDEN = Path(__file__).parents[1] / "golden" / "data"
CASES = (
    "only_masked_return_masks", "two_init_images", "inpaint_batch_2_fill_2", "inpaint_blur_xy", "sched_beta", "m9_mask_weight_0.5",
    "ip2p_image_cfg_1.5", "n_iter_2_euler_a", "include_init_images", "sampler_legacy_name_with_scheduler", "size_not_multiple_of_8",
    "seed_resize_smaller_subseed", "only_masked_blank_mask",
)  # fmt: skip
OURS = {"pentimento", "job_timestamp"}
"""Keys of `info` that the recordings lack: ours, and the time, which was not recorded."""


def read_case(name: str) -> dict[str, Any]:
    return json.loads((GOLDEN / "cases" / f"{name}.json").read_text(encoding="utf-8"))


def picture(name: str) -> str:
    return base64.b64encode((GOLDEN / name).read_bytes()).decode()


def send(client: httpx.Client, payload: dict[str, Any]) -> dict[str, Any]:
    body = dict(payload) | {"init_images": [picture(name) for name in payload["init_images"]]}
    if payload.get("mask"):
        body["mask"] = picture(payload["mask"])
    reply = client.post(IMG2IMG, json=body)
    assert reply.status_code == 200, reply.text
    return reply.json()


@pytest.mark.parametrize("name", CASES)
def test_info_and_parameters_are_a1111s(client: httpx.Client, name: str) -> None:
    case = read_case(name)
    reply = send(client, case["payload"])
    info, wanted = json.loads(reply["info"]), case["info"]
    assert [key for key in info if key not in OURS] == list(wanted)
    random = set() if case["payload"].get("subseed", -1) != -1 else {"subseed", "all_subseeds"}
    for key in set(wanted) - {"version", "infotexts"} - random:
        assert info[key] == wanted[key], key
    assert len(info["infotexts"]) == len(wanted["infotexts"]) and len(info["all_subseeds"]) == len(wanted["all_subseeds"])
    parameters, echoed = reply["parameters"], case["response_parameters"]
    assert set(echoed) <= set(parameters)
    pictures = {"init_images", "mask"} if case["payload"].get("include_init_images") else set()
    assert {key: parameters[key] for key in set(echoed) - pictures} == {key: echoed[key] for key in set(echoed) - pictures}
    assert all(parameters[key] for key in pictures & set(case["payload"]))


def test_pictures_carry_their_own_infotext_and_masks_none(client: httpx.Client) -> None:
    reply = send(client, read_case("only_masked_return_masks")["payload"] | {"batch_size": 2})
    texts = [decode(image).info.get("parameters") for image in reply["images"]]
    first, second = infotexts(reply)
    assert texts == [first, None, None, second, None, None]


@pytest.fixture
def two_models(client: httpx.Client) -> dict[str, Any]:
    return {model["model_name"]: model for model in client.get("/sdapi/v1/sd-models").json()}


@pytest.fixture
def swapping(client: httpx.Client) -> Iterator[None]:
    client.post(OPTIONS, json={"disable_weights_auto_swap": False})
    yield
    client.post(OPTIONS, json={"disable_weights_auto_swap": True})


def infotext_of(model_hash: str, name: str, rest: str = "") -> str:
    return f"x\nSteps: 3, Sampler: Euler, CFG scale: 7, Seed: 77, Size: 64x64, Model hash: {model_hash}, Model: {name}{rest}"


def notes(reply: httpx.Response) -> str:
    assert reply.status_code == 200, reply.text
    return " ".join(json.loads(reply.json()["info"])["pentimento"]["notes"])


def test_infotext_names_another_checkpoint(client: httpx.Client, request_body: dict[str, Any], two_models: dict[str, Any]) -> None:
    other = two_models["tiny_sd15_inpaint"]
    reply = client.post(IMG2IMG, json=request_body | {"infotext": infotext_of(other["hash"], "tiny_sd15_inpaint")})
    assert "disable_weights_auto_swap" in notes(reply) and "Model: tiny_sd15," in infotexts(reply.json())[0]
    reply = client.post(IMG2IMG, json=request_body | {"infotext": infotext_of("0123456789", "tiny_sd15")})
    assert "not installed" in notes(reply)
    own = two_models["tiny_sd15"]
    assert notes(client.post(IMG2IMG, json=request_body | {"infotext": infotext_of(own["hash"], "tiny_sd15")})) == ""


@pytest.mark.usefixtures("swapping")
def test_infotext_changes_the_checkpoint_where_that_is_allowed(
    client: httpx.Client, request_body: dict[str, Any], two_models: dict[str, Any]
) -> None:
    other = two_models["tiny_sd15_inpaint"]
    reply = client.post(IMG2IMG, json=request_body | {"infotext": infotext_of(other["hash"], "any name")})
    assert notes(reply) == "" and "Model: tiny_sd15_inpaint" in infotexts(reply.json())[0]
    assert reply.json()["parameters"]["override_settings"] == {"sd_model_checkpoint": other["title"]}
    override = {"sd_model_checkpoint": "tiny_sd15"}
    reply = client.post(IMG2IMG, json=request_body | {"infotext": infotext_of(other["hash"], ""), "override_settings": override})
    assert "Model: tiny_sd15," in infotexts(reply.json())[0]


def test_infotext_of_a_result_makes_it_again(client: httpx.Client, request_body: dict[str, Any]) -> None:
    asked = {"sampler_name": "DPM++ 2S a", "scheduler": "Beta", "steps": 3, "subseed": 5, "subseed_strength": 0.3, "eta": 0.6}
    override = {"CLIP_stop_at_last_layers": 2, "eta_noise_seed_delta": 31337, "beta_dist_alpha": 0.8, "emphasis": "No norm"}
    prompt = {"prompt": 'a (cat), "quoted"'}
    first = client.post(IMG2IMG, json=request_body | prompt | asked | {"override_settings": override}).json()
    bare = {key: value for key, value in request_body.items() if key not in ("sampler_name", "seed", "steps")}
    again = client.post(IMG2IMG, json=bare | prompt | {"infotext": infotexts(first)[0]}).json()
    assert [decode(image).tobytes() for image in again["images"]] == [decode(image).tobytes() for image in first["images"]]
    assert infotexts(again) == infotexts(first)


def test_overrides_stay_only_when_that_is_asked_for(client: httpx.Client, request_body: dict[str, Any]) -> None:
    override = {"override_settings": {"CLIP_stop_at_last_layers": 2, "sd_model_checkpoint": "tiny_sd15_inpaint"}}
    before = client.get(OPTIONS).json()
    client.post(IMG2IMG, json=request_body | override)
    assert client.get(OPTIONS).json() == before
    try:
        client.post(IMG2IMG, json=request_body | override | {"override_settings_restore_afterwards": False})
        after = client.get(OPTIONS).json()
        assert after["CLIP_stop_at_last_layers"] == 2 and after["sd_model_checkpoint"].startswith("tiny_sd15_inpaint.safetensors [")
        text = infotexts(client.post(IMG2IMG, json=request_body).json())[0]
        assert "Clip skip: 2" in text and "Model: tiny_sd15_inpaint" in text
    finally:
        client.post(OPTIONS, json={name: before[name] for name in ("CLIP_stop_at_last_layers", "sd_model_checkpoint")})
    assert client.get(OPTIONS).json() == before


@pytest.mark.parametrize("fmt", ["jpg", "webp"])
def test_other_formats_carry_the_text_in_exif(client: httpx.Client, request_body: dict[str, Any], fmt: str) -> None:
    client.post(OPTIONS, json={"samples_format": fmt})
    try:
        reply = client.post(IMG2IMG, json=request_body | {"prompt": "猫, “quoted”"}).json()
        image = decode(reply["images"][0])
        comment = image.getexif().get_ifd(0x8769)[0x9286]
        assert image.format == ("JPEG" if fmt == "jpg" else "WEBP") and comment.startswith(b"UNICODE\0")
        assert client.post("/sdapi/v1/png-info", json={"image": reply["images"][0]}).json()["info"] == infotexts(reply)[0]
    finally:
        client.post(OPTIONS, json={"samples_format": "png"})


@pytest.mark.parametrize(("width", "height"), [(8, 8), (40, 24), (72, 136), (65, 71)])
def test_odd_and_tiny_sizes(client: httpx.Client, request_body: dict[str, Any], width: int, height: int) -> None:
    reply = client.post(IMG2IMG, json=request_body | {"width": width, "height": height})
    assert reply.status_code == 200, reply.text
    assert decode(reply.json()["images"][0]).size == (width // 8 * 8, height // 8 * 8)
    assert f"Size: {width}x{height}" in infotexts(reply.json())[0]


def test_strength_outside_0_to_1_is_not_refused(client: httpx.Client, request_body: dict[str, Any]) -> None:
    full = client.post(IMG2IMG, json=request_body | {"denoising_strength": 1}).json()["images"]
    reply = client.post(IMG2IMG, json=request_body | {"denoising_strength": 1.5})
    assert reply.json()["images"][0] != "" and "denoising_strength 1.5" in notes(reply)
    assert np.array_equal(decode(reply.json()["images"][0]), decode(full[0]))


@pytest.mark.parametrize("mode", ["LA", "P", "I;16", "CMYK", "1"])
def test_unusual_masks_and_pictures(
    client: httpx.Client, request_body: dict[str, Any], photo: Image.Image, mask: Image.Image, mode: str
) -> None:
    grey = photo.convert("L")
    image = grey.convert(mode) if mode in ("LA", "1") else photo.convert(mode) if mode != "I;16" else to_16_bits(grey)
    wanted = np.asarray((grey if mode == "I;16" else image).convert("RGB"), int)
    text = encode(image, "TIFF" if mode == "CMYK" else "PNG")
    reply = client.post(IMG2IMG, json=request_body | {"init_images": [text], "mask": encode(mask), "inpaint_full_res": False})
    assert reply.status_code == 200, reply.text
    assert np.array_equal(np.asarray(decode(reply.json()["images"][0]))[:8], wanted[:8])


def to_16_bits(grey: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)


def test_vaes_are_listed(client: httpx.Client, server: Server) -> None:
    folder = server.data / "models" / "VAE"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "best.safetensors").touch()
    assert client.get("/sdapi/v1/sd-vae").json() == [{"model_name": "best.safetensors", "filename": str(folder / "best.safetensors")}]
    (folder / "best.safetensors").unlink()
    assert client.get("/sdapi/v1/sd-vae").json() == []
