"""One running server for all tests that do not need their own."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.api.serving import Server, encode, start_server
from tests.golden.tiny_models import require_vocabulary, tiny_models_folder

SIZE_PX = 64


def take_port() -> int:
    """A port of the loopback interface that nobody listened on a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="session")
def tiny_models() -> Path:
    """Folder of tiny checkpoints."""
    require_vocabulary()
    return tiny_models_folder()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, tiny_models: Path) -> Iterator[Server]:
    """The API alone, on a tiny base checkpoint."""
    data = tmp_path_factory.mktemp("studio")
    (data / "config.json").write_text(json.dumps({"sd_model_checkpoint": "tiny_sd15.safetensors"}))
    running = start_server(data, take_port(), "--nowebui", "--comfy-api", "--no-half", "--ckpt-dir", str(tiny_models))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


@pytest.fixture(scope="session")
def photo() -> Image.Image:
    """RGB, with structure everywhere."""
    ramp = np.arange(SIZE_PX, dtype=np.uint8)
    pixels = np.stack(
        [np.tile(ramp * 3, (SIZE_PX, 1)), np.tile(ramp[:, None] * 3, (1, SIZE_PX)), np.full((SIZE_PX, SIZE_PX), 90, np.uint8)], axis=-1
    )
    image = Image.fromarray(pixels)
    ImageDraw.Draw(image).ellipse((10, 30, 40, 55), fill=(220, 40, 60))
    return image


@pytest.fixture(scope="session")
def mask() -> Image.Image:
    """L, white in the middle."""
    image = Image.new("L", (SIZE_PX, SIZE_PX))
    ImageDraw.Draw(image).rectangle((24, 24, 43, 39), fill=255)
    return image


@pytest.fixture
def request_body(photo: Image.Image) -> dict[str, Any]:
    """A quick request."""
    return {"init_images": [encode(photo)], "width": SIZE_PX, "height": SIZE_PX, "steps": 2, "seed": 1, "sampler_name": "Euler"}
