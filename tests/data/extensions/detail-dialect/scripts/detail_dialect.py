"""Idiom: an always-on with an accordion that is switched on in its head, its values gathered in one State, wired to the page's button."""

from functools import partial

import gradio as gr

from modules import script_callbacks, scripts
from modules.ui_components import FormRow, InputAccordion

FIELDS = {"model": "none", "confidence": 0.3, "prompt": ""}
buttons = {}


class Detail(scripts.Script):
    def title(self):
        return "Detail dialect"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        tab = "img2img" if is_img2img else "txt2img"
        with InputAccordion(False, label="Detail dialect", elem_id=f"detail_{tab}") as enabled:
            with gr.Group(), FormRow():
                widgets = {
                    "model": gr.Dropdown(choices=["none", "face", "hand"], value="none", label="Detector", elem_id=f"detail_{tab}_model"),
                    "confidence": gr.Slider(
                        label="Confidence", minimum=0.0, maximum=1.0, step=0.01, value=0.3, elem_id=f"detail_{tab}_conf"
                    ),
                    "prompt": gr.Textbox(label="Detail prompt", show_label=False, lines=2, elem_id=f"detail_{tab}_prompt"),
                }
        state = gr.State(lambda: {**FIELDS, "is_api": []})

        def keep(values, value, *, name):
            return {**values, name: value}

        for name, widget in widgets.items():
            widget.change(fn=partial(keep, name=name), inputs=[state, widget], outputs=[state], queue=False)

        def gather(values, *given):
            return {**values, **dict(zip(FIELDS, given))}

        buttons[tab].click(fn=gather, inputs=[state, *widgets.values()], outputs=[state], queue=False)
        self.infotext_fields = [(enabled, "Detail enabled"), *((widget, f"Detail {name}") for name, widget in widgets.items())]
        return [enabled, state]

    def process(self, p, enabled, values):
        if enabled:
            p.extra_generation_params |= {"Detail enabled": True, **{f"Detail {name}": values[name] for name in FIELDS}}


def remember(component, **kwargs):
    for tab in ("txt2img", "img2img"):
        if getattr(component, "elem_id", None) == f"{tab}_generate":
            buttons[tab] = component


script_callbacks.on_after_component(remember)
