"""An application around a session whose pipeline is a stand-in."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from modules.base.paths import Paths
from modules.pipeline.processed import Processed
from modules.runtime.session import Session
from modules.settings.flags import Flags
from modules.web.server import create_app

INFOTEXT = "a cat\nNegative prompt: dog\nSteps: 6, Sampler: Euler, CFG scale: 7.0, Seed: 5, Size: 8x8"
TIMEOUT_S = 60.0


def encode(image: Image.Image, fmt: str = "PNG") -> str:
    """Bare base64 of a picture."""
    buffer = io.BytesIO()
    image.save(buffer, fmt)
    return base64.b64encode(buffer.getvalue()).decode()


class Pipeline:
    """Returns the start pictures; or fails with `error`; or waits while `is_held`."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.error: BaseException | None = None
        self.is_held = False
        self.has_begun, self.may_end = threading.Event(), threading.Event()

    def __call__(self, request: Any, context: Any) -> Processed:
        self.requests.append(request)
        if self.error is not None:
            raise self.error
        if self.is_held:
            context.begin(1, 10)
            context.job.preview, context.job.preview_no = Image.new("RGB", (8, 8)), 1
            context.on_step(5, 10, None, None)
            self.has_begun.set()
            while not self.may_end.is_set() and not context.is_interrupted():
                self.may_end.wait(0.001)
        count = request.batch_size * request.n_iter
        picture = request.init_images[0].convert("RGB")
        picture.info["parameters"] = INFOTEXT
        return Processed(None, [picture] * count, 5, all_seeds=[5] * count, infotexts=[INFOTEXT] * count, notes=list(request.notes))


@pytest.fixture
def pipeline() -> Iterator[Pipeline]:
    pipeline = Pipeline()
    yield pipeline
    pipeline.may_end.set()


@pytest.fixture
def make_client(tmp_path: Path, pipeline: Pipeline) -> Iterator[Callable[..., TestClient]]:
    sessions: list[Session] = []

    def make(**flags: Any) -> TestClient:
        session = Session(Paths.under(tmp_path), Flags(**flags), process=pipeline)
        sessions.append(session)
        return TestClient(create_app(session, with_page=False), base_url="http://127.0.0.1:7860", raise_server_exceptions=False)

    yield make
    for session in sessions:
        session.close()


@pytest.fixture
def client(make_client: Callable[..., TestClient]) -> TestClient:
    return make_client()


@pytest.fixture
def picture() -> str:
    return encode(Image.new("RGB", (8, 8), "teal"))


@pytest.fixture
def script() -> SimpleNamespace:
    """Shape of a sampler specification."""
    return SimpleNamespace(name="Euler", aliases=("k_euler",), options={})
