"""A real server whose stand-in for the pipeline tints the masked part, each picture of a job less than the last, and scores the seams.

Run as `python -m tests.browser.results_server PORT DATA_DIR [SECONDS_A_STEP]`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from PIL import Image

from modules.base.paths import Paths
from modules.imaging.compose import count_changed
from modules.imaging.seams import score_seam
from modules.pipeline.processed import Processed
from modules.pipeline.start_canvas import find_start
from modules.settings.flags import parse_flags
from modules.web.server import create_app
from tests.browser.fake_server import ROOT, FakeSession

TINTS = ((70, -50, 20), (24, -16, 8), (0, 0, 0))
"""Added to the colours of the first, second and all further pictures."""
SPOILED = "spoil"
"""The prompt under which a pixel outside the mask changes too."""


def tint_process(step_s: float) -> Any:
    """A `process_images`; where it is asked to repaint a seam's band (nothing is to be saved), it changes nothing."""

    def process(p: Any, context: Any) -> Processed:
        start = find_start(p, context.options)
        pixels = np.asarray(start.canvas).astype(float)
        shares = 1.0 if start.mask is None else np.asarray(start.mask)[..., None] / 255
        images: list[Image.Image] = []
        context.begin(p.n_iter, p.steps)
        for number in range(p.n_iter):
            context.begin_iteration(number)
            for step in range(1, p.steps + 1):
                time.sleep(step_s)
                with context.job.changing() as job:
                    job.step, job.steps = step, p.steps
                if context.is_interrupted():
                    return Processed(p, images)
            added = TINTS[-1] if p.do_not_save_samples else TINTS[min(number, len(TINTS) - 1)]
            images.append(Image.fromarray(np.clip(np.rint(pixels + np.array(added) * shares), 0, 255).astype(np.uint8)))
            if p.prompt == SPOILED:
                images[-1].putpixel((0, 0), (255, 0, 255))
        seeds = [max(p.seed, 40) + number for number in range(p.n_iter)]
        lines = [f"{p.prompt}\nSteps: {p.steps}, Sampler: {p.sampler_name}, Seed: {seed}" for seed in seeds]
        mask = start.mask
        changed = [None if mask is None else count_changed(start.canvas, image, mask) for image in images]
        processed = Processed(p, images, seeds[0], all_seeds=seeds, infotexts=lines, changed_outside_mask=changed)
        processed.seam_scores = [None if mask is None else score_seam(image, mask) for image in images]
        return processed

    return process


def main(port: int, data: Path, step_s: float) -> None:
    session = FakeSession(Paths.under(ROOT, data), parse_flags([]), process=tint_process(step_s))
    uvicorn.run(create_app(session, with_page=True), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else 0.02)
