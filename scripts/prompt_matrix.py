"""Prompt matrix: a picture for every choice among the parts of a prompt that "|" sets apart."""

from __future__ import annotations

from typing import Any

import gradio as gr

from modules import images, processing, scripts
from modules.errors import InvalidRequest, to_choice, to_whole
from modules.plotting import check_sheet, fill_up
from modules.processing import Processed, process_images
from modules.shared import opts

PROMPTS, DELIMITERS = ("positive", "negative"), {"comma": ", ", "space": " "}
MAX_PARTS = 9
MAX_MARGIN_PX = 500


class Script(scripts.Script):
    def title(self) -> str:
        return "Prompt matrix"

    def ui(self, is_img2img: bool) -> list[Any]:
        gr.HTML("<br />")
        with gr.Row():
            put_at_start = gr.Checkbox(label="Put variable parts at start of prompt", value=False, elem_id=self.elem_id("put_at_start"))
            different_seeds = gr.Checkbox(label="Use different seed for each picture", value=False, elem_id=self.elem_id("different_seeds"))
        with gr.Row():
            prompt_type = gr.Radio(list(PROMPTS), value="positive", label="Select prompt", elem_id=self.elem_id("prompt_type"))
            delimiter = gr.Radio(list(DELIMITERS), value="comma", label="Select joining char", elem_id=self.elem_id("variations_delimiter"))
        margin = gr.Slider(0, MAX_MARGIN_PX, value=0, step=2, label="Grid margins (px)", elem_id=self.elem_id("margin_size"))
        return [put_at_start, different_seeds, prompt_type, delimiter, margin]

    def run(
        self,
        p: Any,
        put_at_start: Any = False,
        different_seeds: Any = False,
        prompt_type: Any = "positive",
        delimiter: Any = "comma",
        margin: Any = 0,
    ) -> Processed:
        field = {"positive": "prompt", "negative": "negative_prompt"}[to_choice("script_args[2] (select prompt)", prompt_type, PROMPTS)]
        joint = DELIMITERS[to_choice("script_args[3] (joining char)", delimiter, list(DELIMITERS))]
        margin = to_whole("script_args[4] (grid margins)", margin, 0, MAX_MARGIN_PX)
        written = getattr(p, field)
        parts = written.split("|")
        if len(parts) - 1 > MAX_PARTS:
            raise InvalidRequest(field, f"{len(parts) - 1} parts after '|'", f"at most {MAX_PARTS}, as each doubles the number of pictures")
        prompts = combine(parts, joint, put_at_start=bool(put_at_start))
        count, rows = len(prompts), 1 << ((len(parts) - 1) // 2)
        check_sheet(p, count // rows, rows, margin=margin)
        processing.fix_seed(p)
        setattr(p, field, prompts)
        p.seed = [p.seed + (number if different_seeds else 0) for number in range(count)]
        p.batch_size = max(size for size in range(1, p.batch_size + 1) if count % size == 0)  # a smaller batch changes no picture
        p.n_iter = count // p.batch_size
        saves_grid, p.do_not_save_grid = not p.do_not_save_grid, True
        processed = process_images(p)
        if processed.pictures:
            self._add_grid(p, processed, parts, rows, margin, saves_grid)
        return processed

    def _add_grid(self, p: Any, processed: Processed, parts: list[str], rows: int, margin: int, saves: bool) -> None:
        cells = fill_up(processed.pictures, 1 << (len(parts) - 1))
        grid = images.draw_prompt_matrix(images.image_grid(cells, rows=rows), *cells[0].size, parts, margin)
        info = processed.infotexts[0]
        if opts.grid_save and saves:
            images.save_image(grid, p.outpath_grids, "prompt_matrix", processed.seed, parts[0], opts.grid_format, info=info, grid=True, p=p)
        if opts.return_grid:
            processed.add_grid(grid, info)


def combine(parts: list[str], joint: str, *, put_at_start: bool) -> list[str]:
    """A prompt for every choice among the parts after the first; choice n has part i where bit i of n is set."""
    prompts = []
    for choice in range(1 << (len(parts) - 1)):
        chosen = [part.strip().strip(",") for bit, part in enumerate(parts[1:]) if choice & (1 << bit)]
        prompts.append(joint.join([*chosen, parts[0]] if put_at_start else [parts[0], *chosen]))
    return prompts
