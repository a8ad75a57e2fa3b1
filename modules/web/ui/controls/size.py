"""Size that the model works at, and how the picture is brought to it."""

from __future__ import annotations

from typing import Any

import gradio as gr

from modules.runtime.presets import Preset
from modules.web.ui.texts import Texts

SIZE_STEP_PX = 8
MIN_SIZE_PX, MAX_SIZE_PX = 64, 2048


def build_size(texts: Texts, preset: Preset) -> tuple[dict[str, Any], dict[str, Any]]:
    """Size fields by name, and the buttons that set them."""
    bounds = {"minimum": MIN_SIZE_PX, "maximum": MAX_SIZE_PX, "step": SIZE_STEP_PX}
    with gr.Row():
        width = gr.Slider(value=preset.width, label=texts("form.width"), elem_id="img2img_width", **bounds)
        height = gr.Slider(value=preset.height, label=texts("form.height"), elem_id="img2img_height", **bounds)
    with gr.Row(elem_classes="pm-tools"):
        use_image = gr.Button(texts("size.use_image"), size="sm", elem_id="img2img_detect_image_size_btn")
        fit_model = gr.Button(texts("size.fit_model"), size="sm", elem_id="img2img_fit_model_btn")
        swap = gr.Button(texts("size.swap"), size="sm", elem_id="img2img_res_switch_btn")
    resize_mode = gr.Radio(
        [(texts(f"resize.{name}"), value) for value, name in enumerate(("stretch", "crop", "fill", "latent"))],
        value=1,
        label=texts("form.resize_mode"),
        elem_id="resize_mode",
        elem_classes="pm-pills",
    )
    fields = {"width": width, "height": height, "resize_mode": resize_mode}
    return fields, {"use_image": use_image, "fit_model": fit_model, "swap": swap}


def rounded(size_px: float) -> int:
    """A length the model can work at: a multiple of 8 within bounds."""
    return int(min(MAX_SIZE_PX, max(MIN_SIZE_PX, round(size_px / SIZE_STEP_PX) * SIZE_STEP_PX)))


def image_size(width: int, height: int) -> tuple[int, int]:
    """The picture's own size, shrunk evenly if a side is beyond the bounds."""
    scale = min(1.0, MAX_SIZE_PX / max(width, height))
    return rounded(width * scale), rounded(height * scale)


def fitting_size(width: int, height: int, native_px: int) -> tuple[int, int]:
    """A size of the picture's proportions and about `native_px` squared pixels."""
    scale = native_px / (width * height) ** 0.5
    return rounded(width * scale), rounded(height * scale)
