"""The program as a process: start, port, logins, lists, the page."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.api.conftest import take_port
from tests.api.serving import CODE, ROOT, Server, encode, start_server

DATA = Path(__file__).parent / "data"
STOPPED_WITHIN_S = 60.0  # a page that is not hung up on holds it for ever; what waits out its grace says so in the log
GOLDEN_ROUTES = """
    img2img png-info progress interrupt skip options cmd-flags samplers schedulers upscalers latent-upscale-modes sd-models sd-vae
    hypernetworks face-restorers realesrgan-models prompt-styles embeddings refresh-embeddings refresh-checkpoints refresh-vae memory
    unload-checkpoint reload-checkpoint scripts script-info extensions loras refresh-loras
"""


def test_routes_are_described(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert {f"/sdapi/v1/{name}" for name in GOLDEN_ROUTES.split()} <= set(paths)
    assert {"/api/jobs", "/api/jobs/{job_id}", "/api/jobs/{job_id}/interrupt"} <= set(paths)


def test_samplers_and_schedulers_are_told_as_a1111_does(client: httpx.Client) -> None:
    samplers = {sampler["name"]: sampler for sampler in json.loads((DATA / "GET_samplers.json").read_text())}
    told = client.get("/sdapi/v1/samplers").json()
    assert {"Euler", "Euler a", "DPM++ 2M", "DDIM"} <= {sampler["name"] for sampler in told}
    assert all(sampler == samplers[sampler["name"]] for sampler in told)
    schedulers = {scheduler["name"]: scheduler for scheduler in json.loads((DATA / "GET_schedulers.json").read_text())}
    assert all(scheduler == schedulers[scheduler["name"]] for scheduler in client.get("/sdapi/v1/schedulers").json())


def test_idle_progress_has_a1111s_shape(client: httpx.Client) -> None:
    recorded, told = json.loads((DATA / "GET_progress.json").read_text()), client.get("/sdapi/v1/progress").json()
    assert set(told) == set(recorded) and set(told["state"]) == set(recorded["state"]) and told["progress"] == 0.0


def test_a_broken_checkpoint_leaves_the_previous_one(client: httpx.Client, server: Server, tiny_models: Path) -> None:
    folder = server.data / "models" / "Stable-diffusion"
    folder.mkdir(parents=True, exist_ok=True)
    data = (tiny_models / "tiny_sd15.safetensors").read_bytes()
    (folder / "cut.safetensors").write_bytes(data[: len(data) // 2])
    client.post("/sdapi/v1/refresh-checkpoints")
    before = client.get("/sdapi/v1/options").json()["sd_model_checkpoint"]
    reply = client.post("/sdapi/v1/options", json={"sd_model_checkpoint": "cut.safetensors"})
    assert 400 <= reply.status_code < 600 and "cut" in reply.json()["detail"]
    assert client.get("/sdapi/v1/options").json()["sd_model_checkpoint"] == before
    (folder / "cut.safetensors").unlink()
    assert client.post("/sdapi/v1/refresh-checkpoints").status_code == 200


def test_a_second_server_of_the_same_folder_says_so_and_stops(server: Server) -> None:
    command = [sys.executable, "-c", CODE, "--nowebui", "--port", str(take_port()), "--data-dir", str(server.data)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 1 and "Traceback" not in ended.stderr
    for words in (f"process {server.process.pid}", server.url, str(server.data), "--data-dir"):
        assert words in ended.stderr


def test_a_busy_port_is_a_message(server: Server, tmp_path: Path) -> None:
    port = server.url.rpartition(":")[2]
    command = [sys.executable, "-c", CODE, "--nowebui", "--port", port, "--data-dir", str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 1 and f"port {port}" in ended.stderr and "--port" in ended.stderr and "Traceback" not in ended.stderr


@pytest.fixture(scope="module")
def page_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With the page, behind a login, before any model is loaded."""
    data = tmp_path_factory.mktemp("page")
    running = start_server(data, take_port(), "--gradio-auth", "ann:secret")
    yield running
    running.stop()


def test_page_and_api_live_in_one_program(page_server: Server) -> None:
    with page_server.client() as visitor:
        assert visitor.get("/config").status_code == 401
        reply = visitor.get("/sdapi/v1/options", headers={"Authorization": ""})
        assert reply.status_code == 401 and reply.headers["www-authenticate"] == "Basic"
        assert visitor.get("/sdapi/v1/options", auth=("ann", "secret")).status_code == 200
        assert visitor.get("/sdapi/v1/sd-modules", auth=("ann", "secret")).status_code == 404
        assert visitor.get("/openapi.json").json()["info"]["title"] == "Pentimento"
        assert visitor.post("/login", data={"username": "ann", "password": "secret"}).status_code == 200
        assert visitor.get("/sdapi/v1/options").status_code == 200
        events = visitor.get("/config").json()["dependencies"]
        assert events and all(len(event["show_progress_on"] or ()) == 1 for event in events if event["show_progress"] == "hidden")
        assert visitor.get("/user").json() == "ann"
        page = visitor.get("/")
        assert page.status_code == 200 and "text/html" in page.headers["content-type"]
        assert visitor.post("/login", data={}, headers={"Origin": "https://evil.example"}).status_code == 403


def test_a_stop_hangs_up_on_open_pages_quickly_and_quietly(tmp_path: Path) -> None:
    server = start_server(tmp_path, take_port())
    with server.client() as browser, server.client() as client:
        session = "a-page"
        client.post("/gradio_api/queue/join", json={"data": [None], "fn_index": 0, "session_hash": session}).raise_for_status()
        assert "process_completed" in client.get("/gradio_api/queue/data", params={"session_hash": session}).text
        with (
            browser.stream("GET", f"/gradio_api/heartbeat/{session}") as beats,
            client.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as events,
        ):
            assert "event-stream" in events.headers["content-type"]
            assert next(beats.iter_text()).startswith("data: ALIVE")
            begun_s = time.monotonic()
            server.stop()
            assert time.monotonic() - begun_s < STOPPED_WITHIN_S
    assert "Exception" not in server.log.read_text() and "graceful" not in server.log.read_text()


def test_without_any_model_the_answer_says_so(tmp_path: Path, photo: Image.Image) -> None:
    """A copy of the program without the built-in checkpoint."""
    root = tmp_path / "program"
    root.mkdir()
    for name in ("modules", "scripts", "extensions-builtin"):
        (root / name).symlink_to(ROOT / name)
    port = take_port()
    code = CODE.replace("Path.cwd()", f"Path({str(root)!r})")
    process = subprocess.Popen(
        [sys.executable, "-c", code, "--nowebui", "--port", str(port), "--data-dir", str(tmp_path / "data")], cwd=ROOT
    )
    try:
        transport = httpx.HTTPTransport(retries=0)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", transport=transport, timeout=60) as client:
            _wait_up(client)
            assert client.get("/openapi.json").status_code == 200 and client.get("/sdapi/v1/sd-models").json() == []
            assert client.get("/sdapi/v1/options").json()["sd_model_checkpoint"] is None
            reply = client.post("/sdapi/v1/img2img", json={"init_images": [encode(photo)], "width": 64, "height": 64})
            assert reply.status_code == 503 and "models/Stable-diffusion" in reply.json()["detail"]
    finally:
        process.terminate()
        process.wait(120)


def _wait_up(client: httpx.Client) -> None:
    waiting = threading.Event()
    for _ in range(3000):
        try:
            client.get("/internal/ping")
            return
        except httpx.TransportError:
            waiting.wait(0.1)
    raise AssertionError("the server did not start")
