"""Idiom: an always-on script that changes start pictures, mask and fill before anything is read from p."""

import gradio as gr
from PIL import Image

from modules import scripts


class BlankStart(scripts.Script):
    def title(self):
        return "Blank start"

    def show(self, is_img2img):
        return scripts.AlwaysVisible if is_img2img else False

    def ui(self, is_img2img):
        with gr.Accordion(label="Blank start", open=False):
            with gr.Row():
                active = gr.Checkbox(False, label="Start from one colour")
                colour = gr.ColorPicker(label="Colour", value="#808080")
        return active, colour

    def before_process(self, p, active, colour):
        if not active:
            return
        size = p.init_images[0].size
        p.init_images = [Image.new("RGB", size, colour)]
        p.image_mask = Image.new("L", size, 255)
        p.inpainting_fill = 1
        p.denoising_strength = min(p.denoising_strength, 0.5)
        p.extra_generation_params["Blank start"] = colour
