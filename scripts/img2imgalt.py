"""img2img alternative test: find the noise that the picture would come from, and start from it."""

from __future__ import annotations

from typing import Any

import gradio as gr

from modules import scripts
from modules.errors import to_number, to_whole
from modules.inversion import InversionPlan, find_noise, sample_from
from modules.processing import Processed, process_images
from modules.shared import state

MAX_STEPS = 1000


class Script(scripts.Script):
    def title(self) -> str:
        return "img2img alternative test"

    def show(self, is_img2img: bool) -> bool:
        return is_img2img

    def ui(self, is_img2img: bool) -> list[Any]:
        def box(label: str, key: str, value: bool = True) -> Any:
            return gr.Checkbox(label=label, value=value, elem_id=self.elem_id(key))

        info = gr.Markdown("* `CFG Scale` should be 2 or lower.")
        sampler = box("Override `Sampling method` to Euler?(this method is built for it)", "override_sampler")
        prompt = box("Override `prompt` to the same value as `original prompt`?(and `negative prompt`)", "override_prompt")
        original = gr.Textbox(label="Original prompt", value="", lines=1, elem_id=self.elem_id("original_prompt"))
        negative = gr.Textbox(label="Original negative prompt", value="", lines=1, elem_id=self.elem_id("original_negative_prompt"))
        steps = box("Override `Sampling Steps` to the same value as `Decode steps`?", "override_steps")
        decode_steps = gr.Slider(1, 150, value=50, step=1, label="Decode steps", elem_id=self.elem_id("st"))
        strength = box("Override `Denoising strength` to 1?", "override_strength")
        scale = gr.Slider(0.0, 15.0, value=1.0, step=0.1, label="Decode CFG scale", elem_id=self.elem_id("cfg"))
        randomness = gr.Slider(0.0, 1.0, value=0.0, step=0.01, label="Randomness", elem_id=self.elem_id("randomness"))
        adjusted = box("Sigma adjustment for finding noise for image", "sigma_adjustment", value=False)
        return [info, sampler, prompt, original, negative, steps, decode_steps, strength, scale, randomness, adjusted]

    def run(
        self,
        p: Any,
        _: Any = None,
        override_sampler: Any = True,
        override_prompt: Any = True,
        original_prompt: Any = "",
        original_negative_prompt: Any = "",
        override_steps: Any = True,
        decode_steps: Any = 50,
        override_strength: Any = True,
        scale: Any = 1.0,
        randomness: Any = 0.0,
        sigma_adjustment: Any = False,
    ) -> Processed:
        prompt, negative = str(original_prompt or ""), str(original_negative_prompt or "")
        steps = to_whole("script_args[6] (decode steps)", decode_steps, 1, MAX_STEPS)
        scale = to_number("script_args[8] (decode CFG scale)", scale)
        randomness = to_number("script_args[9] (randomness)", randomness, 0, 1)
        if override_sampler:
            p.sampler_name = "Euler"
        if override_prompt:
            p.prompt, p.negative_prompt = prompt, negative
        if override_steps:
            p.steps = steps
        if override_strength:
            p.denoising_strength = 1.0
        p.extra_generation_params |= {
            "Decode prompt": prompt,
            "Decode negative prompt": negative,
            "Decode CFG scale": scale,
            "Decode steps": steps,
            "Randomness": randomness,
            "Sigma Adjustment": bool(sigma_adjustment),
        }
        found: list[Any] = []

        def sample(conditioning: Any, unconditional_conditioning: Any, *_: Any) -> Any:
            if not found:  # once for all iterations: they start from the same picture
                state.job_count += 1
                found.append(find_noise(p, prompt, negative, InversionPlan(steps, scale, bool(sigma_adjustment))))
                state.nextjob()
            return sample_from(p, found[0], randomness, conditioning, unconditional_conditioning)

        p.sample = sample
        try:
            return process_images(p)
        finally:
            del p.sample
