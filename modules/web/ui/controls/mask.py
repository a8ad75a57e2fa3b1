"""What happens to the masked part: shown while a mask is painted."""

from __future__ import annotations

from typing import Any

import gradio as gr

from modules.runtime.presets import Preset
from modules.web.ui.texts import Texts

MASKED_CONTENT: tuple[tuple[str, int | str], ...] = (
    ("patchmatch", "patchmatch"),
    ("fill", 0),
    ("original", 1),
    ("latent_noise", 2),
    ("latent_nothing", 3),
    ("neutral", "neutral"),
)
"""Text id ending, and `inpainting_fill`."""


def build_mask(texts: Texts, preset: Preset) -> dict[str, Any]:
    """Mask controls, by field name."""
    fields: dict[str, Any] = {}
    fields["inpainting_fill"] = gr.Radio(
        [(texts(f"fill.{name}"), value) for name, value in MASKED_CONTENT],
        value=preset.inpainting_fill,
        label=texts("form.inpainting_fill"),
        info=texts("form.inpainting_fill.hint"),
        elem_id="img2img_inpainting_fill",
        elem_classes="pm-pills",
    )
    with gr.Row():
        fields["inpaint_full_res"] = gr.Radio(
            [(texts("area.whole"), 0), (texts("area.masked"), 1)],
            value=int(preset.inpaint_full_res),
            label=texts("form.inpaint_full_res"),
            elem_id="img2img_inpaint_full_res",
            elem_classes="pm-pills",
        )
        fields["inpainting_mask_invert"] = gr.Radio(
            [(texts("mask.masked"), 0), (texts("mask.unmasked"), 1)],
            value=0,
            label=texts("form.inpainting_mask_invert"),
            elem_id="img2img_mask_mode",
            elem_classes="pm-pills",
        )
    with gr.Row():
        fields["mask_blur"] = gr.Slider(0, 64, value=preset.mask_blur, step=1, label=texts("form.mask_blur"), elem_id="img2img_mask_blur")
        fields["inpaint_full_res_padding"] = gr.Slider(
            0,
            256,
            value=preset.inpaint_full_res_padding,
            step=4,
            label=texts("form.inpaint_full_res_padding"),
            elem_id="img2img_inpaint_full_res_padding",
        )
    fields["grow_mask_by"] = gr.Slider(
        0, 64, value=0, step=1, label=texts("form.grow_mask_by"), info=texts("form.grow_mask_by.hint"), elem_id="img2img_grow_mask_by"
    )
    return fields


def build_sketch(texts: Texts) -> dict[str, Any]:
    """Controls of the inpaint sketch, by field name."""
    strength = gr.Slider(
        0, 100, value=0, step=1, label=texts("form.mask_alpha"), info=texts("form.mask_alpha.hint"), elem_id="img2img_mask_alpha"
    )
    return {"mask_alpha": strength}
