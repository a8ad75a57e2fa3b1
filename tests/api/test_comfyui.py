"""A client written for ComfyUI sends an inpainting job to the running program, and gets ComfyUI's picture."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.api.serving import Server

DATA = Path(__file__).parents[1] / "golden" / "data"
GOLDEN = DATA / "comfyui" / "pictures" / "vaeinpaint_alpha_mask.0.png"
MOST, MEAN = 2, 0.1


def pixels(data: bytes | Path) -> np.ndarray:
    source = io.BytesIO(data) if isinstance(data, bytes) else data
    return np.asarray(Image.open(source).convert("RGB")).astype(int)


def hear(socket: Any, job: str) -> tuple[list[dict[str, Any]], list[bytes]]:
    """All messages until the job is over."""
    told, pictures = [], []
    while True:
        message = socket.recv(timeout=60)
        if isinstance(message, bytes):
            pictures.append(message)
            continue
        told.append(json.loads(message))
        if told[-1]["type"] == "executing" and told[-1]["data"] == {"node": None, "display_node": None, "prompt_id": job}:
            return told, pictures


@pytest.fixture
def every_step(client: httpx.Client) -> Iterator[None]:
    """Previews after each step."""
    before = client.get("/sdapi/v1/options").json()["show_progress_every_n_steps"]
    client.post("/sdapi/v1/options", json={"show_progress_every_n_steps": 1})
    yield
    client.post("/sdapi/v1/options", json={"show_progress_every_n_steps": before})


def test_an_inpainting_job_gives_comfyuis_picture(server: Server, client: httpx.Client, every_step: None) -> None:
    file = (DATA / "inputs" / "cat_rgba_128.png").read_bytes()
    assert client.post("/upload/image", files={"image": ("cat_rgba_128.png", file)}).json()["name"] == "cat_rgba_128.png"
    graph = json.loads(Image.open(GOLDEN).info["prompt"])
    with connect(server.url.replace("http", "ws") + "/ws?clientId=tester") as socket:
        assert json.loads(socket.recv(timeout=60))["data"]["sid"] == "tester"
        job = client.post("/prompt", json={"prompt": graph, "client_id": "tester"}).json()["prompt_id"]
        told, pictures = hear(socket, job)
        again = client.post("/prompt", json={"prompt": graph, "client_id": "tester"}).json()["prompt_id"]
        cached = {node for one in hear(socket, again)[0] if one["type"] == "execution_cached" for node in one["data"]["nodes"]}
    ran = [one["data"]["node"] for one in told if one["type"] == "executing"]
    steps = [one["data"]["value"] for one in told if one["type"] == "progress" and graph[one["data"]["node"]]["class_type"] == "KSampler"]
    assert set(graph) == {*ran[:-1]} and steps == list(range(1, 7)) and cached
    assert pictures and all(
        struct.unpack(">II", one[:8]) == (1, 1) and Image.open(io.BytesIO(one[8:])).format == "JPEG" for one in pictures
    )
    record = client.get(f"/history/{job}").json()[job]
    (shown,) = next(iter(record["outputs"].values()))["images"]
    difference = abs(pixels(client.get("/view", params=shown).content) - pixels(GOLDEN))
    print(f"max {difference.max()} of {MOST}, mean {difference.mean():.4f} of {MEAN}")
    assert difference.max() <= MOST and difference.mean() <= MEAN
    entry = client.get("/api/history", params={"mode": "workflow"}).json()["entries"][0]
    assert "Compat: comfyui" in entry["infotext"] and "Steps: 6, Sampler: euler" in entry["infotext"] and entry["seed"] == 1234


def test_the_websocket_refuses_pages_of_others(server: Server) -> None:
    with pytest.raises(InvalidStatus) as refused, connect(server.url.replace("http", "ws") + "/ws", origin=Origin("http://evil.example")):
        pass
    assert refused.value.response.status_code == 403
