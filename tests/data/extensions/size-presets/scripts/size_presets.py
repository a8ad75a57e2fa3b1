"""Idiom: captures the page's own width and height as they are made, and sets them from buttons, in Gradio 3's dialect."""

import gradio as gr

from modules import scripts
from modules.ui_components import FormRow, InputAccordion, ToolButton

PRESETS = {"Wide": (96, 64), "Tall": (64, 96)}


class SizePresets(scripts.Script):
    width = height = None
    seen = []

    def title(self):
        return "Size presets"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def after_component(self, component, **kwargs):
        elem_id = kwargs.get("elem_id")
        tab = "img2img" if self.is_img2img else "txt2img"
        if elem_id == f"{tab}_width":
            self.width = component
        if elem_id == f"{tab}_height":
            self.height = component
        if elem_id:
            self.seen.append(elem_id)

    def ui(self, is_img2img):
        with InputAccordion(False, label="Size presets", elem_id=self.elem_id("presets")) as enabled:
            with FormRow():
                buttons = {name: ToolButton(name, elem_id=self.elem_id(name.lower())) for name in PRESETS}
            said = gr.Textbox(label="Said", elem_id=self.elem_id("said")).style(container=False)
        if self.width is not None:
            for name, button in buttons.items():
                button.click(lambda name=name: [*PRESETS[name], gr.Textbox.update(value=f"{name} it is")],
                             inputs=[], outputs=[self.width, self.height, said])  # fmt: skip
                button.click(fn=None, _js=f"() => {{ window.sizePresetPicked = '{name}'; return []; }}", inputs=[], outputs=[])
        return [enabled]

    def process(self, p, enabled):
        if enabled:
            p.extra_generation_params["Size preset"] = f"{p.width}x{p.height}"
