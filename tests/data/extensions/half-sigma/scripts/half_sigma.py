"""Idiom: a callback of the denoiser that every model call passes, switched by an always-on script."""

import gradio as gr

from modules import scripts
from modules.script_callbacks import CFGDenoiserParams, on_cfg_denoiser, on_script_unloaded, remove_callbacks_for_function


class Switch:
    is_on = False
    calls = 0


class HalfSigma(scripts.Script):
    def __init__(self):
        super().__init__()
        self.params = None

    def title(self):
        return "Half sigma"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        return [gr.Checkbox(label="Halve sigma", value=False)]

    def process_batch(self, p, is_on, **kwargs):
        Switch.is_on, Switch.calls = is_on, 0
        assert {"batch_number", "prompts", "seeds", "subseeds"} <= set(kwargs)

    def postprocess_batch(self, p, is_on, batch_number, images, **kwargs):
        if is_on:
            p.extra_generation_params["Half sigma calls"] = Switch.calls
        Switch.is_on = False


def halve(params: CFGDenoiserParams):
    if Switch.is_on:
        Switch.calls += 1
        params.sigma = params.sigma / 2


on_cfg_denoiser(halve)
on_script_unloaded(lambda: remove_callbacks_for_function(halve))
