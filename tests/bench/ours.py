"""Our program, whole, as bench_steps measures it: a session whose requests go through queue, pipeline and saving."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageDraw

from modules.base.paths import Paths
from modules.pipeline.processing import Img2ImgProcessing
from modules.runtime.session import Session
from modules.settings.flags import Flags

ROOT = Path(__file__).resolve().parents[2]
PROMPT = "a photo of a cat on a sofa"


@dataclass
class Meter:
    """CPU seconds and calls by name.

    Attributes:
        seconds: One entry a call.
    """

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def watch(self, owner: Any, method: str, name: str) -> None:
        """Time every later call of `owner.method` under `name`."""
        function = getattr(owner, method)

        def timed(*args: Any, **kwargs: Any) -> Any:
            with torch.no_grad():
                return self.time(name, lambda: function(*args, **kwargs))

        setattr(owner, method, timed)

    def time(self, name: str, run: Callable[[], Any]) -> Any:
        started = time.process_time()
        result = run()
        self.seconds[name].append(time.process_time() - started)
        return result

    def typical(self, name: str) -> float:
        """The quickest call: the one that neighbours on the machine disturbed least."""
        return min(self.seconds[name])


def make_picture(number: int, side_px: int) -> tuple[Image.Image, Image.Image]:
    """A start picture, another for each `number`, and a mask over its middle."""
    image = Image.effect_noise((side_px, side_px), 40 + number).convert("RGB")
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).rectangle([side_px // 4, side_px // 4, side_px * 3 // 4, side_px * 3 // 4], fill=255)
    return image, mask


class Ours:
    """A session, as the server has one; each request goes through the queue and saves its picture."""

    def __init__(self, checkpoint: Path, data: Path, no_half: bool) -> None:
        self.meter = Meter()
        self.session = Session(Paths.under(ROOT, data), Flags(ckpt_dir=checkpoint.parent, no_half=no_half, use_cpu=True))
        self.name = checkpoint.name
        self.model = self.meter.time("load", lambda: self.session.model(self.name))
        for method in ("predict", "encode", "decode"):
            self.meter.watch(self.model, method, method)

    def request(self, number: int, steps: int, side_px: int) -> Image.Image:
        image, mask = make_picture(number, side_px)
        request = Img2ImgProcessing(
            prompt=PROMPT, seed=number, steps=steps, cfg_scale=7.0, width=side_px, height=side_px, denoising_strength=1.0,
            sampler_name="Euler", init_images=[image], image_mask=mask, inpainting_fill=1, inpaint_full_res=False,
            override_settings={"sd_model_checkpoint": self.name},
        )  # fmt: skip
        job = self.meter.time("request", lambda: self._finish(self.session.submit(request, "bench")))
        if job.error is not None:
            raise job.error
        result: Image.Image = job.result.images[0]
        return result

    @staticmethod
    def _finish(job: Any) -> Any:
        while not job.state.is_final:
            time.sleep(0.05)
        return job
