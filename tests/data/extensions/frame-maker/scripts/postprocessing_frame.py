"""Idiom: a step of post-processing, and a route of its own on the running server."""

import gradio as gr
from fastapi import Body, FastAPI
from PIL import ImageOps

from modules import script_callbacks, scripts_postprocessing
from modules.api.api import decode_base64_to_image, encode_pil_to_base64


def frame(image, width, colour):
    return ImageOps.expand(image.convert("RGB"), border=int(width), fill=colour)


class Frame(scripts_postprocessing.ScriptPostprocessing):
    name = "Frame"
    order = 20000

    def ui(self):
        with gr.Group():
            enable = gr.Checkbox(label="Frame", value=False)
            width = gr.Slider(label="Frame width", minimum=1, maximum=64, step=1, value=8)
            colour = gr.ColorPicker(label="Frame colour", value="#ff0000")
        return {"enable": enable, "width": width, "colour": colour}

    def process(self, pp: scripts_postprocessing.PostprocessedImage, enable, width, colour):
        if not enable:
            return
        pp.image = frame(pp.image, width, colour)
        pp.info["Frame"] = width


def api(_: gr.Blocks, app: FastAPI):
    @app.get("/frame/version")
    async def version():
        return {"version": 1}

    @app.post("/frame/make")
    async def make(image: str = Body(...), width: int = Body(8)):
        return {"image": encode_pil_to_base64(frame(decode_base64_to_image(image), width, "#00ff00")).decode()}


script_callbacks.on_app_started(api)
