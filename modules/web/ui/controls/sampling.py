"""Strength, guidance, whose rules hold, sampler, scheduler, steps and counts."""

from __future__ import annotations

from typing import Any

import gradio as gr

from modules.runtime.presets import Preset
from modules.web.ui.form import COMPATS
from modules.web.ui.texts import Texts


def build_strength(texts: Texts, preset: Preset) -> dict[str, Any]:
    """The two sliders a person reaches for first."""
    with gr.Row():
        strength = gr.Slider(
            0, 1, value=preset.denoising_strength, step=0.01, label=texts("form.denoising_strength"), elem_id="img2img_denoising_strength"
        )
        guidance = gr.Slider(1, 30, value=preset.cfg_scale, step=0.5, label=texts("form.cfg_scale"), elem_id="img2img_cfg_scale")
    return {"denoising_strength": strength, "cfg_scale": guidance}


def build_sampling(texts: Texts, preset: Preset) -> dict[str, Any]:
    """Whose rules hold, sampler, scheduler and steps; the lists follow the rules, and are filled when the page loads (they need torch)."""
    compat = gr.Radio(
        [(texts(f"form.compat.{name}"), name) for name in COMPATS], value=COMPATS[0], label=texts("form.compat"),
        info=texts("form.compat.hint"), elem_id="img2img_compat", elem_classes="pm-pills",
    )  # fmt: skip
    with gr.Row():
        sampler = gr.Dropdown(
            [preset.sampler_name], value=preset.sampler_name, label=texts("form.sampler_name"), elem_id="img2img_sampling"
        )
        scheduler = gr.Dropdown([preset.scheduler], value=preset.scheduler, label=texts("form.scheduler"), elem_id="img2img_scheduler")
    steps = gr.Slider(1, 150, value=preset.steps, step=1, label=texts("form.steps"), elem_id="img2img_steps")
    return {"compat": compat, "sampler_name": sampler, "scheduler": scheduler, "steps": steps}


def build_batch(texts: Texts) -> dict[str, Any]:
    """How many pictures."""
    with gr.Row():
        count = gr.Slider(1, 100, value=1, step=1, label=texts("form.n_iter"), elem_id="img2img_batch_count")
        size = gr.Slider(1, 8, value=1, step=1, label=texts("form.batch_size"), elem_id="img2img_batch_size")
    return {"n_iter": count, "batch_size": size}
