"""Idiom: a selectable script that calls process_images once a tile, with a mask of its own over the whole picture."""

import math

import gradio as gr
from PIL import Image, ImageDraw

from modules import images, processing, scripts, shared
from modules.processing import Processed, process_images


class Script(scripts.Script):
    def title(self):
        return "Masked tiles"

    def show(self, is_img2img):
        return is_img2img

    def ui(self, is_img2img):
        with gr.Row():
            tile = gr.Slider(label="Tile", minimum=16, maximum=512, step=8, value=32, elem_id=self.elem_id("tile"))
            redraw = gr.Radio(label="Redraw", choices=["All", "Chess"], value="All", type="index")
        return [tile, redraw]

    def run(self, p, tile, redraw):
        processing.fix_seed(p)
        p.extra_generation_params["Masked tile"] = tile
        p.do_not_save_grid = True
        p.do_not_save_samples = True
        p.inpaint_full_res = False
        p.inpainting_fill = 1
        p.mask_blur = 0
        p.batch_size, p.n_iter = 1, 1
        picture = images.flatten(p.init_images[0], shared.opts.img2img_background_color)
        p.width, p.height = picture.size
        cols, rows = math.ceil(picture.width / tile), math.ceil(picture.height / tile)
        cells = [(x, y) for y in range(rows) for x in range(cols) if redraw == 0 or (x + y) % 2 == 0]
        shared.state.job_count = len(cells)
        seed, info = p.seed, ""
        for number, (x, y) in enumerate(cells):
            if shared.state.interrupted:
                break
            shared.state.job = f"Tile {number + 1} out of {len(cells)}"
            mask = Image.new("L", picture.size, "black")
            ImageDraw.Draw(mask).rectangle((x * tile, y * tile, (x + 1) * tile - 1, (y + 1) * tile - 1), fill="white")
            p.init_images = [picture]
            p.image_mask = mask
            p.seed = seed + number
            processed = process_images(p)
            info = processed.infotext(p, 0)
            if len(processed.images) > 0:
                picture = processed.images[0]
        if shared.opts.samples_save:
            images.save_image(picture, p.outpath_samples, "", seed, p.prompt, shared.opts.samples_format, info=info, p=p)
        return Processed(p, [picture], seed, info)
