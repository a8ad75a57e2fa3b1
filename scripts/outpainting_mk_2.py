"""Outpainting mk2: grow the picture side by side, from noise that has its spectrum and its colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from modules import images, scripts
from modules.errors import to_choices, to_number, to_whole
from modules.outpainting import DIRECTIONS, Extent, Margins, make_keeping_mask, matched_noise, round_up
from modules.processing import Processed, process_images
from modules.shared import opts, state

ADVICE = "Recommended settings: Sampling Steps: 80-100, Sampler: Euler a, Denoising strength: 0.8"
ORIGINAL = 1
BLUR_FACTOR = 4
MAX_PIXELS = 4096


@dataclass(frozen=True)
class Side:
    """One side to grow on.

    Attributes:
        name: One of `DIRECTIONS`.
        pixels: How far.
        blur: Pixels of the old picture that are repainted with the new part; twice as many in the latents.
        exponent, variation: Of the noise, see `matched_noise`.
    """

    name: str
    pixels: int
    blur: int
    exponent: float
    variation: float

    @property
    def is_horizontal(self) -> bool:
        return self.name in ("left", "right")

    @property
    def is_before(self) -> bool:
        """Whether the picture moves to make room."""
        return self.name in ("left", "up")

    def along(self, size: tuple[int, int]) -> int:
        """Of (width, height), the one that grows."""
        return size[0] if self.is_horizontal else size[1]

    def resized(self, size: tuple[int, int], along: int) -> tuple[int, int]:
        """(width, height) with another length along the side's axis."""
        return (along, size[1]) if self.is_horizontal else (size[0], along)

    def keeping_mask(self, size: tuple[int, int], grown: tuple[int, int], inset: int) -> Image.Image:
        """White where there is something to paint: up to `inset` px from the new edge of a picture of `size`."""
        if self.is_before:
            left, top = self.resized((0, 0), inset)
            return make_keeping_mask(size, (left, top, *grown))
        right, bottom = self.resized(grown, self.along(size) - inset)
        return make_keeping_mask(size, (0, 0, right, bottom))


def grow(p: Any, pictures: list[Image.Image], side: Side, working: tuple[int, int]) -> tuple[list[Image.Image], Processed]:
    """Paint one side of each picture; all have one size.

    Args:
        p: The job; its size, pictures and masks are replaced.
        pictures: RGB.
        working: Largest (width, height) to work on, along the axis that grows.
    """
    old = pictures[0].size
    grown = side.resized(old, side.along(old) + side.pixels)
    canvas = (round_up(grown[0]), round_up(grown[1]))
    mask = side.keeping_mask(canvas, grown, side.pixels + side.blur)
    canvases = [make_canvas(picture, mask, side) for picture in pictures]
    window = side.resized(canvas, min(side.along(working), side.along(grown)))
    left, top = (0, 0) if side.is_before else (canvas[0] - window[0], canvas[1] - window[1])
    box = (left, top, left + window[0], top + window[1])
    p.width, p.height = window
    p.init_images = [image.crop(box) for image in canvases]
    p.image_mask = mask.crop(box)
    p.latent_mask = side.keeping_mask(window, grown, side.pixels + 2 * side.blur)
    processed = process_images(p)
    for image, part in zip(canvases, processed.pictures, strict=False):
        at = (0 if side.name == "left" else canvas[0] - part.width, 0 if side.name == "up" else canvas[1] - part.height)
        image.paste(part, at)
    return [image.crop((0, 0, *grown)) for image in canvases], processed


def make_canvas(picture: Image.Image, mask: Image.Image, side: Side) -> Image.Image:
    """The picture on a canvas of the mask's size, with noise like it under the mask."""
    canvas = Image.new("RGB", mask.size)
    canvas.paste(picture, side.resized((0, 0), side.pixels) if side.is_before else (0, 0))
    hole = np.repeat(np.asarray(mask, dtype=np.float64)[..., None] / 255.0, 3, axis=2)
    noised = matched_noise(np.asarray(canvas, dtype=np.float64) / 255.0, hole, side.exponent, side.variation)
    return Image.fromarray((noised * 255.0).astype(np.uint8))


class Script(scripts.Script):
    def title(self) -> str:
        return "Outpainting mk2"

    def show(self, is_img2img: bool) -> bool:
        return is_img2img

    def ui(self, is_img2img: bool) -> list[Any]:
        info = gr.HTML(f'<p style="margin-bottom:0.75em">{ADVICE}</p>')
        pixels = gr.Slider(8, 256, value=128, step=8, label="Pixels to expand", elem_id=self.elem_id("pixels"))
        blur = gr.Slider(0, 64, value=8, step=1, label="Mask blur", elem_id=self.elem_id("mask_blur"))
        sides = gr.CheckboxGroup(list(DIRECTIONS), value=list(DIRECTIONS), label="Outpainting direction", elem_id=self.elem_id("direction"))
        exponent = gr.Slider(
            0.0, 4.0, value=1.0, step=0.01, label="Fall-off exponent (lower=higher detail)", elem_id=self.elem_id("noise_q")
        )
        variation = gr.Slider(0.0, 1.0, value=0.05, step=0.01, label="Color variation", elem_id=self.elem_id("color_variation"))
        return [info, pixels, blur, sides, exponent, variation]

    def run(
        self,
        p: Any,
        _: Any = None,
        pixels: Any = 128,
        mask_blur: Any = 8,
        direction: Any = DIRECTIONS,
        exponent: Any = 1.0,
        variation: Any = 0.05,
    ) -> Processed:
        blur = to_whole("script_args[2] (mask blur)", mask_blur, 0, 255)
        directions = to_choices("script_args[3] (outpainting direction)", direction, DIRECTIONS)
        exponent = to_number("script_args[4] (fall-off exponent)", exponent, 0, 16)
        variation = to_number("script_args[5] (color variation)", variation, 0, 1)
        source = p.init_images[0]
        picture = images.flatten(source, opts.img2img_background_color)
        margins = Margins.around(Extent(*picture.size), to_whole("script_args[1] (pixels)", pixels, 0, MAX_PIXELS), directions)
        sides = [Side(name, margins.on(name), blur, exponent, variation) for name in DIRECTIONS if margins.on(name) > 0]
        p.mask_blur_x = BLUR_FACTOR * blur * any(side.is_horizontal for side in sides)
        p.mask_blur_y = BLUR_FACTOR * blur * any(not side.is_horizontal for side in sides)
        p.inpaint_full_res, p.inpainting_fill = False, ORIGINAL
        saves = (not p.do_not_save_samples, not p.do_not_save_grid)
        p.do_not_save_samples = p.do_not_save_grid = True
        batches, p.n_iter = p.n_iter, 1
        results, first = self._grow_all(p, picture, sides, batches)
        return self._finish(p, [images.keep_profile(source, image) for image in results], first, saves)

    def _grow_all(self, p: Any, picture: Image.Image, sides: list[Side], batches: int) -> tuple[list[Image.Image], Processed | None]:
        """All results, and what the first run gave; after an interruption, what is there."""
        seed, count, working = p.seed, p.batch_size, (p.width, p.height)
        state.job_count = batches * len(sides)
        results: list[Image.Image] = []
        first: Processed | None = None
        for batch in range(batches):
            state.job = f"Batch {batch + 1} out of {batches}"
            grown = [picture] * count
            for side in sides:
                p.seed = seed
                grown, processed = grow(p, grown, side, working)
                first = first or processed
                if state.interrupted:
                    return results + grown, first
            results += grown
        return results, first

    def _finish(self, p: Any, results: list[Image.Image], first: Processed | None, saves: tuple[bool, bool]) -> Processed:
        """Save and show what was made, a grid first if there are several."""
        seed, info = (first.seed, first.info) if first else (-1, "")
        if opts.samples_save and saves[0]:
            for image in results:
                images.save_image(image, p.outpath_samples, "", seed, p.prompt, opts.samples_format, info=info, p=p)
        if len(results) < 2 and opts.grid_only_if_multiple:
            return Processed(p, results, seed, info)
        grid = images.image_grid(results)
        if opts.grid_save and saves[1]:
            images.save_image(grid, p.outpath_grids, "grid", seed, p.prompt, opts.grid_format, info=info, grid=True, p=p)
        return Processed(p, [grid, *results] if opts.return_grid else results, seed, info)
