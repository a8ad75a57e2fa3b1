"""Loopback: each result becomes the next start picture, with a strength that moves along a curve."""

from __future__ import annotations

import math
from typing import Any

import gradio as gr
from PIL.Image import Image

from modules import images, processing, scripts
from modules.errors import InvalidRequest, to_choice, to_number, to_whole
from modules.processing import Processed, process_images
from modules.shared import opts, state

CURVES = ("Aggressive", "Linear", "Lazy")
INTERROGATORS = ("None", "CLIP", "DeepBooru")
MAX_LOOPS = 1000
ORIGINAL = 1
"""`inpainting_fill` that keeps what is under the mask."""


def strength_at(loop: int, loops: int, first: float, last: float, curve: str) -> float:
    """Denoising strength of a loop (0 first); beyond the last one, the curve goes on."""
    if loops == 1:
        return first
    progress = loop / (loops - 1)
    share = {"Aggressive": math.sin(progress * math.pi * 0.5), "Lazy": 1 - math.cos(progress * math.pi * 0.5)}.get(curve, progress)
    return first + (last - first) * share


class Script(scripts.Script):
    def title(self) -> str:
        return "Loopback"

    def show(self, is_img2img: bool) -> bool:
        return is_img2img

    def ui(self, is_img2img: bool) -> list[Any]:
        with gr.Row():
            loops = gr.Slider(1, 32, value=4, step=1, label="Loops", elem_id=self.elem_id("loops"))
            last = gr.Slider(0, 1, value=0.5, step=0.01, label="Final denoising strength", elem_id=self.elem_id("final_denoising_strength"))
        curve = gr.Dropdown(list(CURVES), value="Linear", label="Denoising strength curve", elem_id=self.elem_id("denoising_curve"))
        interrogator = gr.Dropdown(
            list(INTERROGATORS),
            value="None",
            label="Append interrogated prompt at each iteration",
            elem_id=self.elem_id("append_interrogation"),
        )
        return [loops, last, curve, interrogator]

    def run(self, p: Any, loops: Any = 4, final_strength: Any = 0.5, curve: Any = "Linear", interrogator: Any = "None") -> Processed:
        loops = to_whole("script_args[0] (loops)", loops, 1, MAX_LOOPS)
        final_strength = to_number("script_args[1] (final denoising strength)", final_strength)
        curve = to_choice("script_args[2] (denoising strength curve)", curve, CURVES)
        if to_choice("script_args[3] (interrogation)", interrogator, INTERROGATORS) != "None":
            raise InvalidRequest("script_args[3] (interrogation)", interrogator, '"None": no interrogator is installed')
        batches, p.n_iter, p.batch_size, p.do_not_save_grid, saves_grid = p.n_iter, 1, 1, True, not p.do_not_save_grid
        p.extra_generation_params = {"Final denoising strength": final_strength, "Denoising curve": curve}
        processing.fix_seed(p)
        state.job_count = loops * batches
        history, first = self._loop(p, batches, loops, final_strength, curve)
        shown = history
        if len(history) > 1:
            grid = images.image_grid(history, rows=1)
            if opts.grid_save and saves_grid:
                images.save_image(grid, p.outpath_grids, "grid", first.seed, p.prompt, opts.grid_format, info=first.info, grid=True, p=p)
            shown = [grid, *history] if opts.return_grid else history
        return Processed(p, shown, first.seed, first.info)

    def _loop(self, p: Any, batches: int, loops: int, last: float, curve: str) -> tuple[list[Image], Processed]:
        """Results to show (of several batches only the last of each), and what the very first run gave."""
        start, strength, fill = p.init_images, p.denoising_strength, p.inpainting_fill
        colors = processing.setup_color_correction(start[0])
        history: list[Image] = []
        first: Processed | None = None
        for batch in range(batches):
            p.init_images, p.denoising_strength, p.inpainting_fill = start, strength, fill
            latest: Image | None = None
            for loop in range(loops):
                state.job = f"Iteration {loop + 1}/{loops}, batch {batch + 1}/{batches}"
                if opts.img2img_color_correction:
                    p.color_corrections = [colors]
                processed = process_images(p)
                first = first or processed
                if state.interrupted:
                    return history or ([latest] if latest else processed.pictures), first
                p.seed = processed.seed + 1
                p.denoising_strength = strength_at(loop + 1, loops, strength, last, curve)
                if state.skipped:
                    break
                latest = processed.pictures[0]
                p.init_images, p.inpainting_fill = [latest], ORIGINAL
                if batches == 1:
                    history.append(latest)
            if batches > 1 and latest is not None and not state.skipped:
                history.append(latest)
            p.inpainting_fill = fill
        if first is None:
            raise InvalidRequest("n_iter", batches, "at least 1")
        return history or first.pictures, first
