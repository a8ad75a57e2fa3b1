"""Our scripts on the fake model: what each of the runs that a script makes was asked for, and what came back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from modules.backends.fake import FakeModel
from modules.pipeline.processed import Processed
from modules.pipeline.processing import Img2ImgProcessing
from modules.pipeline.run import process_images
from modules.plugins.discovery import find_scripts
from modules.plugins.loader import ROOT, ScriptLibrary
from modules.plugins.runner import ScriptRunner
from modules.plugins.script import Script
from modules.settings.options import Options
from tests.unit.pipeline.conftest import QuietContext

NOTED = (
    "seed subseed denoising_strength inpainting_fill batch_size n_iter width height init_images image_mask latent_mask mask_blur_x "
    "mask_blur_y inpaint_full_res color_corrections prompt steps sampler_name"
).split()


class Recorder(Script):
    """An always-on script that notes each run."""

    def __init__(self) -> None:
        self.runs: list[dict[str, Any]] = []

    def title(self) -> str:
        return "Recorder"

    def process(self, p: Any, *args: Any) -> None:
        noted = {name: getattr(p, name) for name in NOTED}
        self.runs.append({**noted, "init_images": list(p.init_images), "seeds": list(p.all_seeds)})


@dataclass
class Outcome:
    """What a job with a script did.

    Attributes:
        processed: What the person gets.
        runs: Fields of `p` at each run that the script made.
        context: Of the job.
        p: The job's request afterwards.
    """

    processed: Processed
    runs: list[dict[str, Any]]
    context: QuietContext
    p: Img2ImgProcessing

    def all(self, name: str) -> list[Any]:
        """One field over all runs."""
        return [run[name] for run in self.runs]


def noise(width: int, height: int, seed: int = 7) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.fixture(scope="session")
def scripts() -> list[Script]:
    """The selectable scripts of the folder `scripts`, whose controls belong to a page that nobody opens."""
    library = ScriptLibrary(lambda: find_scripts(ROOT / "scripts"), lambda: gr.Blocks(analytics_enabled=False))
    with closing_loops():
        runner = library.img2img
    assert library.broken == []
    return runner.selectable_scripts


@contextmanager
def closing_loops() -> Iterator[None]:
    """Close the event loops that Gradio makes and forgets."""
    policy, made = asyncio.get_event_loop_policy(), []

    def make() -> asyncio.AbstractEventLoop:
        made.append(type(policy).new_event_loop(policy))
        return made[-1]

    policy.new_event_loop = make  # type: ignore[method-assign]
    try:
        yield
    finally:
        del policy.new_event_loop
        for loop in made:
            loop.close()


RunScript = Callable[..., Outcome]


@pytest.fixture
def run_script(tmp_path: Path, scripts: list[Script]) -> RunScript:
    def run(title: str, args: Sequence[Any] = (), options: Options | None = None, stop_after: int | None = None, **fields: Any) -> Outcome:
        recorder = Recorder()
        runner = ScriptRunner(scripts, [recorder])
        context = QuietContext(tmp_path, FakeModel(), options or Options(), stop_after)
        given = {"init_images": [noise(64, 64)], "width": 64, "height": 64, "steps": 2, "seed": 5, "sampler_name": "Euler"}
        silent = {"do_not_save_samples": True, "do_not_save_grid": True}
        p = Img2ImgProcessing(**{**given, **silent, **fields}, scripts=runner, script_args=runner.assemble_args(title, list(args), {}))
        return Outcome(process_images(p, context), recorder.runs, context, p)

    return run
