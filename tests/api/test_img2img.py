"""Pictures from the running server."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import webuiapi
from PIL import Image

from tests.api.serving import REPLY_LIMIT_S, Server, decode, encode, infotexts

IMG2IMG, OPTIONS, PROGRESS = "/sdapi/v1/img2img", "/sdapi/v1/options", "/sdapi/v1/progress"
DATA = Path(__file__).parent / "data"
KEYS = """
    prompt all_prompts negative_prompt all_negative_prompts seed all_seeds subseed all_subseeds subseed_strength width height
    sampler_name cfg_scale steps batch_size restore_faces face_restoration_model sd_model_name sd_model_hash sd_vae_name
    sd_vae_hash seed_resize_from_w seed_resize_from_h denoising_strength extra_generation_params index_of_first_image infotexts
    styles job_timestamp clip_skip is_using_inpainting_conditioning version
"""


def test_webuiapi_repaints_with_a_mask(server: Server, photo: Image.Image, mask: Image.Image) -> None:
    port = int(server.url.rpartition(":")[2])
    api = webuiapi.WebUIApi(host="127.0.0.1", port=port)
    result = api.img2img(
        images=[photo], mask_image=mask, prompt="a cat", steps=3, seed=7, width=64, height=64, mask_blur=2, inpainting_fill=1,
        inpaint_full_res=False, denoising_strength=0.8, sampler_name="Euler a", scheduler="karras",
    )  # fmt: skip
    before, after = np.asarray(photo), np.asarray(result.image.convert("RGB"))
    assert result.image.size == photo.size and result.info["all_seeds"] == [7] and result.info["sampler_name"] == "Euler a"
    far = np.asarray(mask.resize(photo.size)) == 0
    far[16:48, 16:52] = False
    assert (before[far] == after[far]).all() and (before[28:36, 28:40] != after[28:36, 28:40]).any()
    assert "Schedule type: Karras" in result.info["infotexts"][0]
    api.util_wait_for_ready(check_interval=0.1)
    assert api.get_progress()["progress"] == 0.0
    assert {"Euler", "DDIM"} <= {sampler["name"] for sampler in api.get_samplers()}
    assert any(model["model_name"] == "tiny_sd15" for model in api.get_sd_models())
    assert api.get_options()["sd_model_checkpoint"].startswith("tiny_sd15.safetensors [")


def test_the_reply(client: httpx.Client, request_body: dict[str, Any]) -> None:
    reply = client.post(IMG2IMG, json=request_body | {"batch_size": 2, "prompt": "a cat", "negative_prompt": "dog"})
    assert reply.status_code == 200, reply.text
    body = reply.json()
    info = json.loads(body["info"])
    assert set(KEYS.split()) <= set(info) and len(body["images"]) == 2 and info["all_seeds"] == [1, 2]
    for image, text in zip(body["images"], infotexts(body), strict=True):
        picture = decode(image)
        assert picture.format == "PNG" and picture.size == (64, 64) and picture.info["parameters"] == text
        assert client.post("/sdapi/v1/png-info", json={"image": image}).json()["info"] == text
    assert body["images"][0] != body["images"][1]


def test_equal_requests_give_equal_pictures(client: httpx.Client, request_body: dict[str, Any]) -> None:
    pictures = [client.post(IMG2IMG, json=request_body | change).json()["images"][0] for change in ({}, {}, {"seed": 2}, {"prompt": "x"})]
    assert pictures[0] == pictures[1] and len(set(pictures)) == 3


def test_data_url_and_bare_base64_are_one(client: httpx.Client, request_body: dict[str, Any]) -> None:
    url = "data:image/png;base64," + request_body["init_images"][0]
    assert (
        client.post(IMG2IMG, json=request_body).json()["images"]
        == client.post(IMG2IMG, json=request_body | {"init_images": [url]}).json()["images"]
    )


@pytest.mark.parametrize("name", ["DPM++ 2M Karras", "dpm++ 2m karras", "k_dpmpp_2m"])
def test_samplers_are_matched_leniently(client: httpx.Client, request_body: dict[str, Any], name: str) -> None:
    body = {key: value for key, value in request_body.items() if key != "sampler_name"}
    reply = client.post(IMG2IMG, json=body | {"sampler_index": name, "scheduler": "KARRAS"})
    assert reply.status_code == 200 and "Sampler: DPM++ 2M, Schedule type: Karras" in infotexts(reply.json())[0]


@pytest.mark.parametrize(
    ("change", "detail", "known"),
    [
        ({"sampler_name": "No Such Sampler"}, "Sampler not found", "Euler"),
        ({"scheduler": "No Such"}, "Scheduler not found", "Karras"),
        ({"override_settings": {"sd_model_checkpoint": "no_such_model"}}, "Checkpoint not found", "tiny_sd15.safetensors"),
    ],
)
def test_unknown_names_are_400_with_the_known_ones(
    client: httpx.Client, request_body: dict[str, Any], change: dict[str, Any], detail: str, known: str
) -> None:
    reply = client.post(IMG2IMG, json=request_body | change)
    assert reply.status_code == 400 and reply.json()["detail"] == detail and known in reply.json()["errors"]


ERRORS: dict[str, Any] = json.loads((DATA / "errors_img2img.json").read_text())
DIFFERENT = {
    "bad_sampler": 400,
    "bad_scheduler": 400,
    "unknown_checkpoint": 400,
    "bad_inpainting_fill": 422,
    "bad_resize_mode": 422,
    "empty_init_images": 404,
}


@pytest.mark.parametrize("name", sorted(ERRORS))
def test_a1111s_recorded_errors(client: httpx.Client, request_body: dict[str, Any], mask: Image.Image, name: str) -> None:
    recorded = ERRORS[name]
    reply = _send(client, request_body, mask, recorded["payload_change"], name)
    wanted = DIFFERENT.get(name, 422 if recorded["status"] == 500 else recorded["status"])
    assert reply.status_code == wanted, reply.text
    if recorded["status"] in (404, 422):
        assert reply.json() == recorded["body"]
    elif wanted >= 400:
        assert set(reply.json()) == {"error", "detail", "body", "errors"} and reply.json()["detail"].startswith(
            _wanted_detail(recorded["body"])
        )


def _wanted_detail(body: object) -> str:
    return str(body.get("detail", "")) if isinstance(body, dict) else ""


def _send(client: httpx.Client, body: dict[str, Any], mask: Image.Image, change: Any, name: str) -> httpx.Response:
    if isinstance(change, str):
        return client.post(IMG2IMG, content=change, headers={"content-type": "application/json"})
    if name == "no_init_images":
        return client.post(IMG2IMG, json=change)
    (picture,) = body["init_images"]

    def read(value: Any) -> Any:
        if isinstance(value, list):
            return [read(item) for item in value]
        if not isinstance(value, str) or "inputs/" not in value:
            return value
        found = encode(mask) if "mask" in value else picture
        return "data:image/jpeg;base64," + found if value.startswith("DATAURI:") else found

    return client.post(IMG2IMG, json=body | {key: read(value) for key, value in change.items()})


@pytest.mark.parametrize("fmt", ["16-bit", "palette", "cmyk", "animated"])
def test_unusual_pictures_are_converted_and_it_is_said(
    client: httpx.Client, request_body: dict[str, Any], photo: Image.Image, fmt: str
) -> None:
    pictures = {
        "16-bit": lambda: encode(Image.fromarray(np.asarray(photo.convert("L")).astype(np.uint16) * 257)),
        "palette": lambda: encode(photo.quantize(16)),
        "cmyk": lambda: encode(photo.convert("CMYK"), "JPEG"),
        "animated": lambda: _animate(photo),
    }
    reply = client.post(IMG2IMG, json=request_body | {"init_images": [pictures[fmt]()]})
    assert reply.status_code == 200 and json.loads(reply.json()["info"])["pentimento"]["notes"]


def _animate(photo: Image.Image) -> str:
    import io

    buffer = io.BytesIO()
    photo.save(buffer, "GIF", save_all=True, append_images=[photo.transpose(Image.Transpose.ROTATE_90)])
    return base64.b64encode(buffer.getvalue()).decode()


def test_masks_of_other_sizes_and_blank_masks(
    client: httpx.Client, request_body: dict[str, Any], mask: Image.Image, photo: Image.Image
) -> None:
    larger = client.post(IMG2IMG, json=request_body | {"mask": encode(mask.resize((128, 128)))})
    assert larger.status_code in (200, 422) and (larger.status_code == 200 or "mask" in larger.json()["detail"])
    blank = client.post(IMG2IMG, json=request_body | {"mask": encode(Image.new("L", photo.size))})
    assert blank.status_code == 200 and "mask is empty" in str(json.loads(blank.json()["info"])["pentimento"]["notes"])


def test_override_settings_last_for_one_request(client: httpx.Client, request_body: dict[str, Any]) -> None:
    override = {"sd_model_checkpoint": "tiny_sd15_inpaint", "CLIP_stop_at_last_layers": 2}
    text = infotexts(client.post(IMG2IMG, json=request_body | {"override_settings": override}).json())[0]
    assert "Model: tiny_sd15_inpaint" in text and "Clip skip: 2" in text
    text = infotexts(client.post(IMG2IMG, json=request_body).json())[0]
    assert "Model: tiny_sd15," in text and "Clip skip" not in text


@pytest.mark.parametrize(
    "spell",
    [
        lambda m: m["title"],
        lambda m: m["model_name"],
        lambda m: m["hash"],
        lambda m: m["filename"],
        lambda m: m["filename"].replace("/", "\\"),
    ],
)
def test_checkpoints_go_by_many_names(client: httpx.Client, spell: Any) -> None:
    models = {model["model_name"]: model for model in client.get("/sdapi/v1/sd-models").json()}
    try:
        assert client.post(OPTIONS, json={"sd_model_checkpoint": spell(models["tiny_sd15_ip2p"])}).status_code == 200
        options = client.get(OPTIONS).json()
        assert options["sd_model_checkpoint"] == models["tiny_sd15_ip2p"]["title"]
        assert options["sd_checkpoint_hash"] == models["tiny_sd15_ip2p"]["sha256"]
    finally:
        client.post(OPTIONS, json={"sd_model_checkpoint": "tiny_sd15"})


def test_a_picture_is_painted_outwards(client: httpx.Client, request_body: dict[str, Any], photo: Image.Image) -> None:
    asked = {"outpaint": {"left": 24, "down": 8, "overlap": 4}, "inpainting_fill": 0}
    body = client.post(IMG2IMG, json=request_body | asked).json()
    picture = decode(body["images"][0]).convert("RGB")
    assert picture.size == (photo.width + 24, photo.height + 8)
    kept = (24 + 4, 0, photo.width + 24, photo.height - 4)
    assert picture.crop(kept).tobytes() == photo.convert("RGB").crop((4, 0, photo.width, photo.height - 4)).tobytes()
    info = json.loads(body["info"])
    assert info["pentimento"]["changed_outside_mask"] == [0] and "Outpaint overlap: 4" in infotexts(body)[0]
    refused = client.post(IMG2IMG, json=request_body | {"outpaint": {"left": -1}})
    assert refused.status_code == 422 and "outpaint.left" in refused.text


def test_saving(client: httpx.Client, server: Server, request_body: dict[str, Any]) -> None:
    folder = server.data / "outputs" / "img2img-images"
    before = set(folder.rglob("*.png"))
    client.post(IMG2IMG, json=request_body)
    assert set(folder.rglob("*.png")) == before
    body = client.post(IMG2IMG, json=request_body | {"save_images": True, "send_images": False}).json()
    (saved,) = set(folder.rglob("*.png")) - before
    assert body["images"] == [] and saved.parent.parent == folder
    with Image.open(saved) as image:
        assert image.info["parameters"] == infotexts(body)[0]


def test_a_folder_that_cannot_be_written(client: httpx.Client, server: Server, request_body: dict[str, Any]) -> None:
    (server.data / "blocked").write_text("a file where a folder should be")
    override = {"outdir_img2img_samples": str(server.data / "blocked")}
    reply = client.post(IMG2IMG, json=request_body | {"save_images": True, "override_settings": override})
    assert reply.status_code in (422, 507) and reply.json()["detail"]
    assert (server.data / "blocked").read_text() == "a file where a folder should be"
    assert client.post(IMG2IMG, json=request_body).status_code == 200


@pytest.fixture
def long_job(client: httpx.Client, server: Server, request_body: dict[str, Any]) -> Iterator[list[httpx.Response]]:
    """A job of very many steps; gives the list that its reply is put into."""
    replies: list[httpx.Response] = []

    def send() -> None:
        with server.client() as own:
            replies.append(own.post(IMG2IMG, json=request_body | {"steps": 1000, "denoising_strength": 1, "force_task_id": "task(long)"}))

    thread = threading.Thread(target=send)
    thread.start()
    yield replies
    client.post("/sdapi/v1/interrupt")
    thread.join(REPLY_LIMIT_S)


def test_interrupt_while_running(client: httpx.Client, request_body: dict[str, Any], long_job: list[httpx.Response]) -> None:
    client.post(OPTIONS, json={"show_progress_every_n_steps": 1})
    seen = _wait_for(lambda: client.get(PROGRESS).json(), lambda told: told["state"]["sampling_step"] > 1)
    assert 0 < seen["progress"] < 1 and seen["state"]["job_count"] == 1 and seen["state"]["sampling_steps"] > 1
    assert client.get("/api/jobs/task(long)").json()["state"] == "running"
    assert client.post("/sdapi/v1/interrupt").json() == {}
    _wait_for(lambda: long_job, bool)
    assert long_job[0].status_code == 200 and client.get("/api/jobs/task(long)").json()["state"] == "interrupted"
    assert client.get(PROGRESS).json()["progress"] == 0.0
    assert client.post(IMG2IMG, json=request_body).status_code == 200


def test_live_preview(client: httpx.Client, long_job: list[httpx.Response]) -> None:
    client.post(OPTIONS, json={"show_progress_every_n_steps": 1})
    seen = _wait_for(
        lambda: client.get(PROGRESS).json(), lambda told: told["current_image"] is not None or told["state"]["sampling_step"] > 20
    )
    assert seen["current_image"] is not None and decode(seen["current_image"]).size[0] >= 8
    assert client.get(PROGRESS + "?skip_current_image=true").json()["current_image"] is None


def _wait_for(look: Callable[[], Any], is_there: Callable[[Any], bool]) -> Any:
    deadline_s = time.monotonic() + REPLY_LIMIT_S
    while not is_there(seen := look()):
        assert time.monotonic() < deadline_s, seen
        time.sleep(0.02)
    return seen
