"""Poor man's outpainting: a larger black canvas, repainted tile by tile where the picture does not reach."""

from __future__ import annotations

from typing import Any

import gradio as gr
from PIL import Image

from modules import images, scripts
from modules.errors import InvalidRequest, to_choice, to_choices, to_whole
from modules.outpainting import DIRECTIONS, Extent, Margins, make_keeping_mask, round_up
from modules.processing import Processed, process_images
from modules.shared import opts, state

FILLS = ("fill", "original", "latent noise", "latent nothing")
BLUR_FACTOR = 2
MAX_PIXELS = 4096


def inset_mask(size: tuple[int, int], margins: Margins, inset: int) -> Image.Image:
    """White margins of a canvas, reaching `inset` px into the picture on each side that grows."""
    width, height = size
    left, right, up, down = (margins.on(side) + inset * (margins.on(side) > 0) for side in DIRECTIONS)
    return make_keeping_mask(size, (left, up, width - right, height - down))


def is_inside(left: int, top: int, tile: tuple[int, int], canvas: tuple[int, int], margins: Margins) -> bool:
    """Whether a tile shows nothing but the picture."""
    is_across = left >= margins.left and left + tile[0] <= canvas[0] - margins.right
    return is_across and top >= margins.up and top + tile[1] <= canvas[1] - margins.down


class Script(scripts.Script):
    def title(self) -> str:
        return "Poor man's outpainting"

    def show(self, is_img2img: bool) -> bool:
        return is_img2img

    def ui(self, is_img2img: bool) -> list[Any]:
        pixels = gr.Slider(8, 256, value=128, step=8, label="Pixels to expand", elem_id=self.elem_id("pixels"))
        blur = gr.Slider(0, 64, value=4, step=1, label="Mask blur", elem_id=self.elem_id("mask_blur"))
        fill = gr.Radio(list(FILLS), value=FILLS[0], type="index", label="Masked content", elem_id=self.elem_id("inpainting_fill"))
        sides = gr.CheckboxGroup(list(DIRECTIONS), value=list(DIRECTIONS), label="Outpainting direction", elem_id=self.elem_id("direction"))
        return [pixels, blur, fill, sides]

    def run(self, p: Any, pixels: Any = 128, mask_blur: Any = 4, fill: Any = 0, direction: Any = DIRECTIONS) -> Processed:
        pixels = to_whole("script_args[0] (pixels)", pixels, 0, MAX_PIXELS)
        if pixels >= min(p.width, p.height):
            raise InvalidRequest("script_args[0] (pixels)", pixels, f"less than the tile, which is width x height: {p.width}x{p.height}")
        blur = to_whole("script_args[1] (mask blur)", mask_blur, 0, 511)
        p.mask_blur = BLUR_FACTOR * blur
        p.inpainting_fill = FILLS.index(to_choice("script_args[2] (masked content)", fill, FILLS))
        directions = to_choices("script_args[3] (outpainting direction)", direction, DIRECTIONS)
        source = p.init_images[0]
        picture = images.flatten(source, opts.img2img_background_color)
        margins = Margins.around(Extent(*picture.size), pixels, directions)
        saves, p.do_not_save_samples, p.do_not_save_grid = not p.do_not_save_samples, True, True
        p.inpaint_full_res, p.n_iter, p.batch_size = False, 1, 1
        grid, first = self._paint(p, picture, margins, pixels, blur)
        combined = images.keep_profile(source, images.combine_grid(grid))
        seed, info = (first.seed, first.info) if first else (-1, "")
        if opts.samples_save and saves:
            images.save_image(combined, p.outpath_samples, "", seed, p.prompt, opts.samples_format, info=info, p=p)
        return Processed(p, [combined], seed, info)

    def _paint(self, p: Any, picture: Image.Image, margins: Margins, overlap: int, blur: int) -> tuple[images.Grid, Processed | None]:
        """The canvas in tiles, those outside the picture repainted, and what the first run gave; after an interruption, what is there."""
        pixels = [margins.on(side) for side in DIRECTIONS]
        size = (round_up(picture.width + pixels[0] + pixels[1]), round_up(picture.height + pixels[2] + pixels[3]))
        canvas = Image.new("RGB", size)
        canvas.paste(picture, (margins.left, margins.up))
        masks = inset_mask(size, margins, BLUR_FACTOR * blur), inset_mask(size, margins, blur // 2)
        tile = (p.width, p.height)
        grid = images.split_grid(canvas, *tile, overlap)
        work = [
            (cell, (cell[0], top, cell[0] + tile[0], top + tile[1]))
            for top, _, row in grid.tiles
            for cell in row
            if not is_inside(cell[0], top, tile, size, margins)
        ]
        state.job_count = len(work)
        first: Processed | None = None
        for number, (cell, box) in enumerate(work):
            state.job = f"Tile {number + 1} out of {len(work)}"
            p.init_images = [cell[2]]
            p.image_mask, p.latent_mask = (mask.crop(box) for mask in masks)
            processed = process_images(p)
            first = first or processed
            p.seed = processed.seed + 1
            if processed.pictures:
                cell[2] = processed.pictures[0]
            if state.interrupted:
                break
        return grid, first
