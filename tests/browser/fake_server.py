"""A real server with the real session and page, and a stand-in for the pipeline: no weights, steps take a fixed time.

Run as `python -m tests.browser.fake_server PORT DATA_DIR [SECONDS_A_STEP]`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from PIL import Image

from modules.base.errors import InvalidRequest
from modules.base.paths import Paths
from modules.imaging.compose import count_changed
from modules.pipeline.processed import Processed
from modules.runtime.session import Session
from modules.settings.flags import parse_flags
from modules.web.server import create_app, open_port, serve

ROOT = Path(__file__).resolve().parents[2]
PAINT = (32, 160, 96)
HELD_S = 300.0
"""After this a picture is no longer held back: a test that failed must not stop those behind it."""


class FakeSession(Session):
    """Knows one checkpoint and a few samplers without looking for them."""

    def checkpoints(self) -> list[Any]:
        return [
            checkpoint("pentimento-small-inpaint.safetensors", "built-in (small)"),
            checkpoint("other.safetensors", "other"),
            checkpoint("flux.safetensors", "flux", reason="a transformer, not a UNet"),
        ]

    def checkpoint(self, name: str | None = None) -> Any:
        return next((info for info in self.checkpoints() if info.title == name), self.checkpoints()[0])

    def load_model(self, owner: str = "program") -> Any:
        """There is none to load."""

    def rounds(self, name: str | None = None) -> bool:
        return True

    def samplers(self) -> list[Any]:
        return [SimpleNamespace(name=name) for name in ("DPM++ 2M", "Euler a", "Euler", "DDIM")]

    def schedulers(self) -> list[Any]:
        return [SimpleNamespace(name=name.lower(), label=name) for name in ("Automatic", "Karras", "Exponential", "SGM Uniform")]


def checkpoint(name: str, label: str, reason: str = "") -> Any:
    return SimpleNamespace(
        title=f"{name} [0123456789]", sha256="0123456789", label=label, is_supported=not reason, reason=reason,
        model_name=Path(name).stem, path=Path(name), is_builtin=label.startswith("built-in"),
    )  # fmt: skip


def fake_process(step_s: float) -> Any:
    """A `process_images` that paints the mask green, step by step. The prompts "boom" and "refuse" fail, "echo" gives the start picture;
    "while PATH" holds each picture back as long as there is such a file."""

    def process(p: Any, context: Any) -> Processed:
        if p.prompt == "boom":
            raise RuntimeError("a secret detail of the inside")
        if p.prompt == "refuse":
            raise InvalidRequest("steps", p.steps, "fewer")
        picture = p.init_images[0].convert("RGB")
        mask = p.image_mask.convert("L") if p.image_mask is not None else Image.new("L", picture.size, 255)
        green = Image.new("RGB", picture.size, PAINT)
        images: list[Image.Image] = []
        gate = Path(p.prompt.removeprefix("while ")) if p.prompt.startswith("while ") else None
        context.begin(p.n_iter, p.steps)
        for number in range(p.n_iter):
            context.begin_iteration(number)
            for step in range(1, p.steps + 1):
                time.sleep(step_s)
                with context.job.changing() as job:
                    job.step, job.steps = step, p.steps
                    job.preview, job.preview_no = Image.blend(picture, green, step / p.steps), job.preview_no + 1
                if context.is_interrupted() or context.is_skipped():
                    break
            held_until_s = time.monotonic() + HELD_S
            while gate and gate.exists() and time.monotonic() < held_until_s and not (context.is_interrupted() or context.is_skipped()):
                time.sleep(step_s)
            context.clear_skip()
            images.append(picture if p.prompt == "echo" else Image.composite(green, picture, mask))
            if context.is_interrupted():
                break
        seeds = [p.seed if p.seed >= 0 else 1234567 + n for n in range(len(images))]
        exact = "Precision: fp32, " if p.override_settings.get("pentimento_precision") == "fp32" else ""
        shared = f"{exact}Size: {p.width}x{p.height}, Script values: {list(p.script_args)}"
        lines = [f"{p.prompt}\nSteps: {p.steps}, Sampler: {p.sampler_name}, Seed: {seed}, {shared}" for seed in seeds]
        changed = [None if p.image_mask is None else count_changed(picture, image, mask) for image in images]
        return Processed(None, images, all_seeds=seeds, infotexts=lines, changed_outside_mask=changed, notes=p.notes)

    return process


def main(port: int, data: Path, step_s: float) -> None:
    session = FakeSession(Paths.under(ROOT, data), parse_flags([]), process=fake_process(step_s))
    with open_port("127.0.0.1", port) as listener:
        serve(create_app(session, with_page=True), session, listener)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else 0.1)
