"""A job on the fake model, with nothing else running."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modules.backends.embeddings.catalog import EmbeddingCatalog
from modules.backends.fake import FakeModel
from modules.backends.loras.catalog import LoraCatalog
from modules.backends.upscalers.catalog import UpscalerCatalog
from modules.base.paths import Paths
from modules.pipeline.context import ReuseCache
from modules.pipeline.processed import Processed
from modules.pipeline.processing import Img2ImgProcessing
from modules.pipeline.run import process_images
from modules.plugins.runner import ScriptRunner
from modules.settings.options import Options


class QuietContext:
    """A `RunContext` that counts; `stop_after` interrupts after so many steps."""

    def __init__(self, folder: Path, model: FakeModel, options: Options, stop_after: int | None = None) -> None:
        self.paths, self.options, self.cache, self.user = Paths.under(folder), options, ReuseCache(), ""
        self.loras = LoraCatalog([self.paths.models / "Lora"], self.paths.cache / "loras.json")
        self.embeddings = EmbeddingCatalog([self.paths.data / "embeddings"])
        self.upscalers = UpscalerCatalog()
        self.fake, self.stop_after, self.steps, self.saved = model, stop_after, 0, []
        self.kept: dict[str, Image.Image] = {}

    def model(self, name: str | None, options: Options | None = None) -> FakeModel:
        self.loaded_as = options
        return self.fake

    def script_runner(self) -> ScriptRunner:
        return ScriptRunner()

    def expect(self, images: int) -> None:
        self.expected = images

    def begin(self, images: int, steps: int) -> None:
        self.images = images

    def begin_iteration(self, index: int) -> None:
        self.iteration = index

    def on_step(self, step: int, total: int, latent: Any, model: Any) -> None:
        self.steps += 1

    def is_interrupted(self) -> bool:
        return self.stop_after is not None and self.steps >= self.stop_after

    def is_skipped(self) -> bool:
        return False

    def clear_skip(self) -> None:
        return None

    def on_saved(self, path: Path, infotext: str) -> None:
        self.saved.append(path)

    def keep_picture(self, image: Image.Image) -> str:
        name = f"pentimento/{hashlib.sha256(image.tobytes()).hexdigest()[:16]}.png"
        self.kept[name] = image.copy()
        return name


@pytest.fixture
def photo() -> Image.Image:
    pixels = np.random.default_rng(7).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.fixture
def mask() -> Image.Image:
    hole = Image.new("L", (128, 96))
    hole.paste(255, (40, 30, 80, 60))
    return hole


Run = Callable[..., tuple[Processed, QuietContext]]


@pytest.fixture
def run(tmp_path: Path, photo: Image.Image) -> Run:
    def run_job(
        model: FakeModel | None = None,
        options: Options | None = None,
        stop_after: int | None = None,
        context: QuietContext | None = None,
        **fields: Any,
    ) -> tuple[Processed, QuietContext]:
        context = context or QuietContext(tmp_path, model or FakeModel(), options or Options(), stop_after)
        given = {"init_images": [photo], "width": 128, "height": 96, "steps": 4, "seed": 5, "sampler_name": "Euler", **fields}
        return process_images(Img2ImgProcessing(**given), context), context

    return run_job
