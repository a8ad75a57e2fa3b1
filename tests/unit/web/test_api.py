"""The API's manners, with a stand-in for the pipeline; what pictures come out is tested in tests/api."""

from __future__ import annotations

import base64
import io
import json
import struct
import threading
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from modules.base.errors import BrokenCheckpoint, InvalidRequest, MissingModel, SaveFailed, ScriptFailed, UnknownName

from .conftest import INFOTEXT, TIMEOUT_S, Pipeline, encode

IMG2IMG, OPTIONS, PROGRESS = "/sdapi/v1/img2img", "/sdapi/v1/options", "/sdapi/v1/progress"
Make = Callable[..., TestClient]


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def failed_by(cause: BaseException) -> ScriptFailed:
    """What a selected script fails with that raised `cause`."""
    error = ScriptFailed(f"Script Runs failed: {cause!r}")
    error.__cause__ = cause
    return error


def test_img2img_answers_bare_base64_with_infotext(client: TestClient, picture: str) -> None:
    reply = client.post(IMG2IMG, json={"init_images": [picture], "n_iter": 2, "force_task_id": "task(x)"})
    assert reply.status_code == 200 and reply.headers["x-job-id"] == "task(x)" and float(reply.headers["x-process-time"]) >= 0
    body = reply.json()
    assert len(body["images"]) == 2 and all("," not in image for image in body["images"])
    image = Image.open(io.BytesIO(base64.b64decode(body["images"][0])))
    info = json.loads(body["info"])
    assert image.format == "PNG" and image.info["parameters"] == INFOTEXT == info["infotexts"][0]
    assert body["parameters"]["init_images"] is None and body["parameters"]["mask"] is None and body["parameters"]["n_iter"] == 2
    read = client.post("/sdapi/v1/png-info", json={"image": "data:image/png;base64," + body["images"][0]}).json()
    assert read["info"] == INFOTEXT and read["parameters"]["Seed"] == "5" and read["items"] == {}


def test_both_forms_of_base64_and_the_echo(client: TestClient, picture: str) -> None:
    sent = "data:image/png;base64," + picture
    body = client.post(IMG2IMG, json={"init_images": [sent], "mask": sent, "include_init_images": True}).json()
    assert body["parameters"]["init_images"] == [sent] and body["parameters"]["mask"] == sent


def test_what_reaches_the_pipeline(client: TestClient, picture: str, pipeline: Pipeline) -> None:
    fields = {
        "init_images": [picture],
        "mask": "",
        "steps": "7",
        "sampler_index": "DPM++ 2M Karras",
        "inpainting_fill": "neutral",
        "styles": ["a"],
    }
    client.post(IMG2IMG, json=fields | {"grow_mask_by": 6, "save_images": True, "override_settings": {"CLIP_stop_at_last_layers": 2}})
    client.post(IMG2IMG, json={"init_images": [picture], "sampler_index": "Euler", "sampler_name": "DDIM", "mask": picture})
    first, second = pipeline.requests
    assert (first.steps, first.sampler_name, first.inpainting_fill, first.grow_mask_by) == (7, "DPM++ 2M Karras", "neutral", 6)
    assert first.image_mask is None and not first.do_not_save_samples and first.styles == ["a"]
    assert first.override_settings == {"CLIP_stop_at_last_layers": 2}
    assert second.image_mask is not None and second.sampler_name == "DDIM" and second.do_not_save_samples and second.do_not_save_grid


@pytest.mark.parametrize(
    ("compat", "said", "is_mask"),
    [("a1111", {}, False), ("a1111", {"alpha_mask": True}, True), ("comfyui", {}, True), ("comfyui", {"alpha_mask": False}, False)],
)
def test_what_is_clear_can_be_the_mask(client: TestClient, pipeline: Pipeline, compat: str, said: dict[str, Any], is_mask: bool) -> None:
    image = Image.new("RGBA", (8, 8), (10, 200, 30, 255))
    image.paste((10, 200, 30, 55), (0, 0, 4, 8))
    client.post(IMG2IMG, json={"init_images": [encode(image)], "override_settings": {"compat": compat}, **said})
    client.post(IMG2IMG, json={"init_images": [encode(image)], "mask": encode(Image.new("L", (8, 8), 9)), "alpha_mask": True})
    client.post(IMG2IMG, json={"init_images": [encode(image.convert("RGB").convert("RGBA"))], "alpha_mask": True})
    first, with_mask, opaque = pipeline.requests
    assert (first.image_mask is not None) is is_mask and opaque.image_mask is None and with_mask.image_mask.getpixel((0, 0))[0] == 9
    assert first.init_images[0].mode == ("RGB" if is_mask else "RGBA") and first.init_images[0].getpixel((0, 0))[:3] == (10, 200, 30)
    if is_mask:
        assert [first.image_mask.getpixel(place) for place in ((0, 0), (4, 0))] == [200, 0]


def test_conversions_are_told(client: TestClient) -> None:
    for image, fmt, word in (
        (Image.new("I;16", (8, 8)), "PNG", "16-bit"),
        (Image.new("CMYK", (8, 8)), "JPEG", "CMYK"),
        (Image.new("P", (8, 8)), "PNG", "palette"),
    ):
        body = client.post(IMG2IMG, json={"init_images": [encode(image, fmt)]}).json()
        notes = json.loads(body["info"])["pentimento"]["notes"]
        assert any(note.startswith("init image 1: ") and word in note for note in notes), notes


def test_strange_texts_come_through(client: TestClient, picture: str) -> None:
    """Half a surrogate pair, and an id that no header can hold as it is."""
    strange = {"init_images": [picture], "prompt": "\ud800", "force_task_id": "tâsk\r\nX-Evil: 1 " + "é" * 500}
    reply = client.post(IMG2IMG, content=json.dumps(strange), headers={"content-type": "application/json"})
    assert reply.status_code == 200 and "x-evil" not in reply.headers and reply.headers["x-job-id"].startswith("t%C3%A2sk%0D%0AX-Evil:")
    unknown = strange | {"alwayson_scripts": {"\udfff": {}}}
    reply = client.post(IMG2IMG, content=json.dumps(unknown), headers={"content-type": "application/json"})
    assert reply.status_code == 422 and "not found" in reply.json()["detail"]


def test_send_images_false(client: TestClient, picture: str) -> None:
    assert client.post(IMG2IMG, json={"init_images": [picture], "send_images": False}).json()["images"] == []


@pytest.mark.parametrize("change", [{}, {"init_images": []}, {"init_images": None}])
def test_no_start_picture(client: TestClient, change: dict[str, Any]) -> None:
    reply = client.post(IMG2IMG, json={"prompt": "x"} | change)
    assert (reply.status_code, reply.json()) == (
        404,
        {"error": "HTTPException", "detail": "Init image not found", "body": "", "errors": ""},
    )


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"script_name": "no such script"}, "Script 'no such script' not found"),
        ({"alwayson_scripts": {"no such": {"args": []}}}, "Script 'no such' not found"),
        ({"alwayson_scripts": {"Seed": {"args": 5}}}, "alwayson_scripts['Seed']: got {'args': 5}, wanted"),
        ({"alwayson_scripts": {"Seed": {"args": {"a": 1}}}}, "alwayson_scripts['Seed']: got"),
        ({"alwayson_scripts": {"Seed": [True]}}, "alwayson_scripts['Seed']: got [True], wanted"),
        ({"alwayson_scripts": {"Seed": "on"}}, "alwayson_scripts['Seed']: got 'on', wanted"),
        ({"init_images": ["not base64 !!"]}, "Invalid encoded image"),
        ({"init_images": ["aGVsbG8="]}, "Invalid encoded image"),
        ({"init_images": [""]}, "Invalid encoded image"),
        ({"init_images": [3]}, "Invalid encoded image"),
        ({"mask": "aGVsbG8="}, "Invalid encoded image: mask"),
        ({"init_images": ["http://127.0.0.1/x.png"]}, "Request to local resource not allowed"),
        ({"init_images": ["https://example.com/x.png"]}, "Requests not allowed"),
        ({"steps": 0}, "steps"),
        ({"steps": 10_000}, "steps"),
        ({"width": 0}, "width"),
        ({"height": 100_000}, "height"),
        ({"width": 4}, "width"),
        ({"resize_mode": 7}, "resize_mode"),
        ({"inpainting_fill": 9}, "inpainting_fill"),
        ({"inpainting_fill": "magic"}, "inpainting_fill"),
        ({"batch_size": 0}, "batch_size"),
        ({"override_settings": {"no_such_setting": 1}}, "no_such_setting"),
        ({"override_settings": {"CLIP_stop_at_last_layers": "x"}}, "CLIP_stop_at_last_layers"),
    ],
)
def test_client_mistakes_are_422_in_a1111s_shape(
    client: TestClient, picture: str, pipeline: Pipeline, change: dict[str, Any], detail: str
) -> None:
    reply = client.post(IMG2IMG, json={"init_images": [picture]} | change)
    body = reply.json()
    assert reply.status_code == 422 and set(body) == {"error", "detail", "body", "errors"} and detail in body["detail"]
    assert not pipeline.requests


def test_a_bomb_is_refused_by_its_header(client: TestClient, picture: str) -> None:
    data = bytearray(base64.b64decode(picture))
    data[16:24] = struct.pack(">II", 30_000, 30_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    reply = client.post(IMG2IMG, json={"init_images": [base64.b64encode(data).decode()]})
    assert reply.status_code == 422 and "megapixels" in reply.json()["detail"]
    assert client.post(IMG2IMG, json={"init_images": [picture]}).status_code == 200


def test_wrong_types_and_broken_json_speak_pydantic_1(client: TestClient, picture: str) -> None:
    reply = client.post(IMG2IMG, json={"init_images": [picture], "steps": "many"})
    wanted = {"loc": ["body", "steps"], "msg": "value is not a valid integer", "type": "type_error.integer"}
    assert (reply.status_code, reply.json()) == (422, {"detail": [wanted]})
    reply = client.post(IMG2IMG, content='{"denoising_strength": NaN}', headers={"content-type": "application/json"})
    assert reply.status_code == 422 and reply.json()["detail"][0]["loc"] == ["body", "denoising_strength"]
    reply = client.post(IMG2IMG, content="{not json", headers={"content-type": "application/json"})
    context = {"msg": "Expecting property name enclosed in double quotes", "doc": "{not json", "pos": 1, "lineno": 1, "colno": 2}
    assert reply.status_code == 422
    assert reply.json()["detail"] == [
        {"loc": ["body", 1], "msg": f"{context['msg']}: line 1 column 2 (char 1)", "type": "value_error.jsondecode", "ctx": context}
    ]
    for body in ("[]", '"x"', ""):
        assert client.post(IMG2IMG, content=body, headers={"content-type": "application/json"}).status_code == 422


@pytest.mark.parametrize(
    ("error", "status", "detail", "errors"),
    [
        (UnknownName("sampler_name", "x", ["Euler", "DDIM"]), 400, "Sampler not found", "Euler, DDIM"),
        (UnknownName("scheduler", "x", ["Karras"]), 400, "Scheduler not found", "Karras"),
        (UnknownName("sd_model_checkpoint", "x", ["a [b]"]), 400, "Checkpoint not found", "a [b]"),
        (InvalidRequest("mask", "8x8", "a mask"), 422, "mask", ""),
        (MissingModel("no checkpoint is installed"), 503, "no checkpoint is installed", ""),
        (BrokenCheckpoint("x is truncated"), 503, "x is truncated", ""),
        (SaveFailed("disk full"), 507, "disk full", ""),
        (RuntimeError("bug"), 500, "log", "bug"),
        (MemoryError(), 507, "memory", ""),
        (ScriptFailed("Script Runs failed: SystemExit: 4"), 500, "Script Runs failed: SystemExit: 4", ""),
        (failed_by(MemoryError()), 507, "memory", ""),
    ],
)
def test_what_a_job_fails_with_is_answered(
    client: TestClient, picture: str, pipeline: Pipeline, error: BaseException, status: int, detail: str, errors: str
) -> None:
    pipeline.error = error
    reply = client.post(IMG2IMG, json={"init_images": [picture]})
    body = reply.json()
    assert reply.status_code == status and detail in body["detail"] and errors in body["errors"] and reply.headers["x-job-id"]
    job = client.get(f"/api/jobs/{reply.headers['x-job-id']}").json()
    assert job["state"] == "failed" and job["error"] == body["detail"]
    pipeline.error = None
    assert client.post(IMG2IMG, json={"init_images": [picture]}).status_code == 200


def test_always_on_scripts_without_values_bring_none(client: TestClient, picture: str) -> None:
    named = {"Seed": None, "sampler": {}, "refiner": {"args": None}, "extra options": {"args": []}}
    assert client.post(IMG2IMG, json={"init_images": [picture], "alwayson_scripts": named}).status_code == 200


def test_infotext_of_a_request_sets_what_the_request_does_not(client: TestClient, picture: str, pipeline: Pipeline) -> None:
    text = "a dog\nSteps: 9, Sampler: DDIM, Schedule type: Karras, CFG scale: 3, Seed: 77, Size: 64x64, Clip skip: 2, ENSD: 31337"
    client.post(IMG2IMG, json={"init_images": [picture], "infotext": text, "seed": 5})
    (request,) = pipeline.requests
    assert (request.steps, request.sampler_name, request.scheduler, request.seed) == (9, "DDIM", "Karras", 5)
    assert (request.prompt, request.cfg_scale, request.width) == ("", 7.0, 512)
    assert request.override_settings == {"CLIP_stop_at_last_layers": 2, "eta_noise_seed_delta": 31337}


def test_idle_progress_is_all_zero(client: TestClient) -> None:
    body = client.get(PROGRESS).json()
    assert body["progress"] == 0.0 and body["eta_relative"] == 0.0 and body["current_image"] is None and body["textinfo"] is None
    assert body["state"]["job_count"] == 0 and body["state"]["sampling_steps"] == 0
    assert {"skipped", "interrupted", "stopping_generation", "job", "job_timestamp", "job_no", "sampling_step"} < set(body["state"])


@pytest.fixture
def running(client: TestClient, picture: str, pipeline: Pipeline) -> Any:
    """A held img2img job and the thread that waits for its reply."""
    pipeline.is_held = True
    replies: list[Any] = []
    send = lambda: replies.append(client.post(IMG2IMG, json={"init_images": [picture], "force_task_id": "task(run)"}))  # noqa: E731
    thread = threading.Thread(target=send)
    thread.start()
    assert pipeline.has_begun.wait(TIMEOUT_S)
    yield lambda: (thread.join(TIMEOUT_S), replies[0])[1]
    pipeline.may_end.set()
    thread.join(TIMEOUT_S)


def test_progress_and_preview_of_a_running_job(client: TestClient, running: Callable[[], Any], pipeline: Pipeline) -> None:
    body = client.get(PROGRESS).json()
    assert 0.5 <= body["progress"] < 0.6 and body["state"]["job_count"] == 1 and body["state"]["sampling_step"] == 5
    assert Image.open(io.BytesIO(base64.b64decode(body["current_image"]))).size == (8, 8)
    assert client.get(PROGRESS + "?skip_current_image=true").json()["current_image"] is None
    job = client.get("/api/jobs/task(run)").json()
    assert job["state"] == "running" and job["step"] == 5 and job["progress"] == pytest.approx(body["progress"])
    told = client.post("/internal/progress", json={"id_task": "task(run)", "id_live_preview": -1}).json()
    assert told["active"] and told["live_preview"].startswith("data:image/png;base64,") and told["id_live_preview"] == 1
    assert client.post("/internal/progress", json={"id_task": "task(run)", "id_live_preview": 1}).json()["live_preview"] is None
    pipeline.may_end.set()
    assert running().status_code == 200
    assert client.get(PROGRESS).json()["progress"] == 0.0
    assert client.post("/internal/progress", json={"id_task": "task(run)"}).json()["completed"]


@pytest.mark.parametrize("content", [b"", b"{}", b'""', b"null"])
def test_interrupt_and_skip_take_any_body(client: TestClient, running: Callable[[], Any], content: bytes) -> None:
    assert client.post("/sdapi/v1/skip/", content=content).json() == {}
    assert client.get(PROGRESS).json()["state"]["skipped"]
    assert client.post("/sdapi/v1/interrupt", content=content).json() == {}
    reply = running()
    assert reply.status_code == 200 and len(reply.json()["images"]) == 1
    assert client.get("/api/jobs/task(run)").json()["state"] == "interrupted"


def test_a_waiting_job_can_be_taken_off(client: TestClient, picture: str, running: Callable[[], Any]) -> None:
    replies: list[Any] = []
    body = {"init_images": [picture], "force_task_id": "task(wait)"}
    thread = threading.Thread(target=lambda: replies.append(client.post(IMG2IMG, json=body)))
    thread.start()
    while client.get("/api/jobs/task(wait)").status_code == 404:
        pass
    assert client.get("/internal/pending-tasks").json() == {"size": 1, "tasks": ["task(wait)"]}
    assert client.post("/api/jobs/task(wait)/interrupt").json()["state"] == "interrupted"
    thread.join(TIMEOUT_S)
    assert replies[0].status_code == 200 and replies[0].json()["images"] == []
    assert [job["id"] for job in client.get("/api/jobs").json()] == ["task(run)", "task(wait)"]


def test_jobs_are_seen_and_stopped_by_their_owners_only(make_client: Make, picture: str, pipeline: Pipeline) -> None:
    client = make_client(api_auth="ann:a,bob:b")
    pipeline.is_held = True
    ann, bob = basic("ann", "a"), basic("bob", "b")
    body = {"init_images": [picture], "force_task_id": "t"}
    thread = threading.Thread(target=lambda: client.post(IMG2IMG, json=body, headers=ann))
    thread.start()
    assert pipeline.has_begun.wait(TIMEOUT_S)
    assert client.get("/api/jobs/t", headers=bob).status_code == 404 and client.get("/api/jobs", headers=bob).json() == []
    assert client.post("/api/jobs/t/interrupt", headers=bob).status_code == 404
    client.post("/sdapi/v1/interrupt", headers=bob)
    seen = client.get(PROGRESS, headers=bob).json()
    assert seen["state"]["job_count"] == 1 and seen["current_image"] is None and seen["state"]["job"] == ""
    assert client.get("/api/jobs/t", headers=ann).json()["state"] == "running"
    client.post("/sdapi/v1/interrupt", headers=ann)
    thread.join(TIMEOUT_S)
    assert client.get("/api/jobs/t", headers=ann).json()["state"] == "interrupted"


def test_options_round_trip_is_a_no_op(client: TestClient) -> None:
    before = client.get(OPTIONS).json()
    assert client.post(OPTIONS + "/", json=before | {"no_such_option": 1, "sd_backend": "x"}).status_code == 200
    assert client.get(OPTIONS).json() == before
    assert client.post(OPTIONS, json={"img2img_color_correction": "True", "CLIP_stop_at_last_layers": 2.0}).json() is None
    after = client.get(OPTIONS).json()
    assert after["img2img_color_correction"] is True and after["CLIP_stop_at_last_layers"] == 2
    assert not {"forge_preset", "sd_backend", "use_scale_latent_for_hires_fix"} & set(after)


@pytest.mark.parametrize(("change", "status"), [({"CLIP_stop_at_last_layers": 99}, 422), ({"sd_model_checkpoint": "none"}, 400)])
def test_wrong_options_change_nothing(client: TestClient, change: dict[str, Any], status: int) -> None:
    before = client.get(OPTIONS).json()
    reply = client.post(OPTIONS, json={"img2img_fix_steps": True} | change)
    assert reply.status_code == status and set(reply.json()) == {"error", "detail", "body", "errors"}
    assert client.get(OPTIONS).json() == before


@pytest.mark.parametrize(
    "route",
    [
        "options",
        "sd-models",
        "sd-vae",
        "hypernetworks",
        "face-restorers",
        "realesrgan-models",
        "prompt-styles",
        "embeddings",
        "loras",
        "extensions",
        "upscalers",
        "latent-upscale-modes",
        "scripts",
        "script-info",
        "cmd-flags",
        "memory",
        "progress",
    ],
)
def test_lists_are_there_without_a_model(client: TestClient, route: str) -> None:
    for slash in ("", "/"):
        assert client.get(f"/sdapi/v1/{route}{slash}").status_code == 200


@pytest.mark.parametrize("route", ["refresh-checkpoints", "refresh-vae", "refresh-loras", "refresh-embeddings", "unload-checkpoint"])
@pytest.mark.parametrize("content", [b"", b'""', b"{}"])
def test_commands_without_a_body(client: TestClient, route: str, content: bytes) -> None:
    assert client.post(f"/sdapi/v1/{route}", content=content).status_code == 200


def test_reload_without_a_model_says_so(client: TestClient) -> None:
    reply = client.post("/sdapi/v1/reload-checkpoint")
    assert reply.status_code == 503 and "models/Stable-diffusion" in reply.json()["detail"]


@pytest.mark.parametrize("route", ["/internal/ping", "/queue/status", "/startup-events", "/user", "/openapi.json", "/docs"])
def test_probes(client: TestClient, route: str) -> None:
    assert client.get(route).status_code == 200


def test_unknown_routes_are_a_clean_404(client: TestClient) -> None:
    for route in ("/sdapi/v1/sd-modules", "/sdapi/v1/txt2img", "/nowhere"):
        assert client.get(route).status_code == 404


def test_logins(make_client: Make) -> None:
    client = make_client(api_auth="ann:secret")
    for headers in ({}, {"Authorization": ""}, basic("ann", "wrong")):
        reply = client.get(OPTIONS, headers=headers)
        assert reply.status_code == 401 and reply.headers["www-authenticate"] == "Basic" and reply.json()["error"] == "HTTPException"
    assert client.get(OPTIONS, headers=basic("ann", "secret")).status_code == 200
    assert client.get("/user", headers=basic("ann", "secret")).json() == "ann"
    assert client.get("/internal/ping").status_code == 200
    flags = client.get("/sdapi/v1/cmd-flags", headers=basic("ann", "secret")).text
    assert "secret" not in flags and "api_auth" in flags


def test_an_empty_authorization_header_is_no_credentials(client: TestClient) -> None:
    assert client.get(OPTIONS, headers={"Authorization": ""}).status_code == 200


def test_foreign_pages_are_refused_unless_configured(client: TestClient, make_client: Make) -> None:
    foreign = {"Origin": "https://app.example"}
    assert client.post("/sdapi/v1/interrupt", headers=foreign).status_code == 403
    assert "access-control-allow-origin" not in client.get(OPTIONS, headers=foreign).headers
    assert client.post("/sdapi/v1/interrupt", headers={"Origin": "http://127.0.0.1:7860"}).status_code == 200
    assert client.get(OPTIONS, headers={"Host": "rebound.example"}).status_code == 403


@pytest.mark.parametrize("origin", ["https://app.example", "null", "file://", "uxp://com.example.plugin"])
def test_configured_origins_pass_preflight(make_client: Make, origin: str) -> None:
    client = make_client(cors_allow_origins="https://app.example,null,file://,uxp://com.example.plugin")
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    reply = client.options(IMG2IMG, headers=asked)
    assert reply.status_code == 200 and reply.headers["access-control-allow-origin"] == origin
    assert client.post("/sdapi/v1/interrupt", headers={"Origin": origin}).status_code == 200
    assert client.options(IMG2IMG, headers=asked | {"Origin": "https://evil.example"}).status_code in (400, 403)
