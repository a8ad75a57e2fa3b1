"""SD upscale: enlarge the picture, then repaint it in overlapping tiles."""

from __future__ import annotations

import math
from typing import Any

import gradio as gr
from PIL import Image

from modules import devices, images, processing, scripts, shared
from modules.errors import InvalidRequest, to_choice, to_number, to_whole
from modules.processing import Processed, process_images
from modules.shared import opts, state

ADVICE = "Will upscale the image by the selected scale factor; use width and height sliders to set tile size"
NONE = "None"
MAX_SCALE = 32
MAX_AREA_PX = 100_000_000


def enlarge(picture: Image.Image, upscaler: Any, scale: float) -> Image.Image:
    """RGB; sides are multiples of 8, except with the upscaler "None", which leaves the picture as it is.

    Raises:
        InvalidRequest: The result would be empty, or too large.
    """
    if upscaler.name == NONE:
        return picture
    width, height = picture.width * scale, picture.height * scale
    if min(width, height) < 8 or width * height > MAX_AREA_PX:
        wanted = f"a result of 8 px a side to {MAX_AREA_PX // 1_000_000} megapixels; it would have {width:.0f}x{height:.0f} px"
        raise InvalidRequest("script_args[3] (scale factor)", scale, wanted)
    return upscaler.scaler.upscale(picture, scale, upscaler.data_path)


class Script(scripts.Script):
    def title(self) -> str:
        return "SD upscale"

    def show(self, is_img2img: bool) -> bool:
        return is_img2img

    def ui(self, is_img2img: bool) -> list[Any]:
        names = [upscaler.name for upscaler in shared.sd_upscalers]
        info = gr.HTML(f'<p style="margin-bottom:0.75em">{ADVICE}</p>')
        overlap = gr.Slider(0, 256, value=64, step=16, label="Tile overlap", elem_id=self.elem_id("overlap"))
        upscaler = gr.Radio(names, value=names[0], type="index", label="Upscaler", elem_id=self.elem_id("upscaler_index"))
        scale = gr.Slider(1.0, 4.0, value=2.0, step=0.05, label="Scale Factor", elem_id=self.elem_id("scale_factor"))
        return [info, overlap, upscaler, scale]

    def run(self, p: Any, _: Any = None, overlap: Any = 64, upscaler: Any = NONE, scale: Any = 2.0) -> Processed:
        overlap = to_whole("script_args[1] (tile overlap)", overlap, 0)
        if overlap >= min(p.width, p.height):
            wanted = f"less than the tile, which is width x height: {p.width}x{p.height}"
            raise InvalidRequest("script_args[1] (tile overlap)", overlap, wanted)
        known = {entry.name: entry for entry in shared.sd_upscalers}
        chosen = known[to_choice("script_args[2] (upscaler)", upscaler, list(known))]
        scale = to_number("script_args[3] (scale factor)", scale, 0, MAX_SCALE)
        processing.fix_seed(p)
        p.extra_generation_params["SD upscale overlap"] = overlap
        p.extra_generation_params["SD upscale upscaler"] = chosen.name
        source = p.init_images[0]
        large = enlarge(images.flatten(source, opts.img2img_background_color), chosen, scale)
        devices.torch_gc()
        grid = images.split_grid(large, tile_w=p.width, tile_h=p.height, overlap=overlap)
        tiles = [cell[2] for _, _, row in grid.tiles for cell in row]
        rounds, p.n_iter, seed = p.n_iter, 1, p.seed
        saves, p.do_not_save_samples, p.do_not_save_grid = not p.do_not_save_samples, True, True
        state.job_count = math.ceil(len(tiles) / p.batch_size) * rounds
        results: list[Image.Image] = []
        info = ""
        for number in range(rounds):
            if state.interrupted:
                break
            p.seed = seed + number
            painted, first = self._paint(p, tiles)
            info = info or first
            fresh = iter([*painted, *tiles[len(painted) :]])
            for _, _, row in grid.tiles:
                for cell in row:
                    cell[2] = next(fresh)
            results.append(images.keep_profile(source, images.combine_grid(grid)))
            if opts.samples_save and saves:
                images.save_image(results[-1], p.outpath_samples, "", seed + number, p.prompt, opts.samples_format, info=info, p=p)
        return Processed(p, results, seed, info)

    def _paint(self, p: Any, tiles: list[Image.Image]) -> tuple[list[Image.Image], str]:
        """The tiles repainted, as far as it got before an interruption, and the first infotext."""
        painted: list[Image.Image] = []
        info, size = "", p.batch_size
        for start in range(0, len(tiles), size):
            part = tiles[start : start + size]
            p.batch_size, p.init_images = size, part
            processed = process_images(p)
            info = info or processed.info
            p.seed = processed.seed + 1
            painted += processed.pictures[: len(part)]
            if state.interrupted:
                break
        return painted, info
