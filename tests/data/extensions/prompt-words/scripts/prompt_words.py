"""Idiom: an always-on script that rewrites prompts in process, and notes what it did in the infotext."""

import random

import gradio as gr
import modules.scripts as scripts
from modules.processing import StableDiffusionProcessing
from modules.script_callbacks import on_ui_settings
from modules.shared import OptionInfo, opts

WORDS = {"colour": ["red", "green", "blue"], "animal": ["cat", "dog"]}


class PromptWords(scripts.Script):
    def title(self):
        return "Prompt words"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        with gr.Accordion("Prompt words", open=False, elem_id=self.elem_id("group")):
            enabled = gr.Checkbox(label="Replace words", value=False, elem_id=self.elem_id("enabled"))
            extra = gr.Textbox(label="Added words", value="")
        self.infotext_fields = [(enabled, lambda params: "Prompt words" in params), (extra, "Prompt words")]
        self.paste_field_names = ["Prompt words"]
        return [enabled, extra]

    def process(self, p: StableDiffusionProcessing, enabled, extra):
        if not enabled:
            return
        mark = getattr(opts, "prompt_words_mark", "__")
        for number, prompt in enumerate(p.all_prompts):
            draw = random.Random(p.all_seeds[number])
            for word, choices in WORDS.items():
                prompt = prompt.replace(f"{mark}{word}{mark}", draw.choice(choices))
            p.all_prompts[number] = f"{prompt}, {extra}" if extra else prompt
        p.extra_generation_params["Prompt words"] = extra or "yes"
        p._prompt_words_ran = True

    def postprocess(self, p, processed, enabled, extra):
        if enabled and getattr(p, "_prompt_words_ran", False):
            processed.info += "\nprompt words were here"


def settings():
    section = ("prompt_words", "Prompt words")
    opts.add_option("prompt_words_mark", OptionInfo("__", "Mark around words", gr.Textbox, section=section).info("on both sides"))
    opts.add_option(
        "prompt_words_count", OptionInfo(2, "Number of words", gr.Slider, {"minimum": 1, "maximum": 9, "step": 1}, section=section)
    )


on_ui_settings(settings)
