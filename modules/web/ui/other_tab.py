"""The tab "txt2img" of A1111, for extensions that wire themselves into both tabs: in the browser, unseen, with the ids they look for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr

from modules.imaging.geometry import Extent

SIZE = Extent(512, 512)


@contextmanager
def build_other_tab() -> Iterator[tuple[Any, dict[str, Any]]]:
    """Build it within the page; yields where scripts' controls go, and widgets by the infotext key that fills them."""
    fields: dict[str, Any] = {}
    with gr.Column(elem_id="tab_txt2img", elem_classes="pm-hidden"):
        fields["Prompt"] = gr.Textbox(label="Prompt", elem_id="txt2img_prompt")
        fields["Negative prompt"] = gr.Textbox(label="Negative prompt", elem_id="txt2img_neg_prompt")
        for action in ("interrupt", "skip", "generate"):
            gr.Button(action.capitalize(), elem_id=f"txt2img_{action}")
        gr.Dropdown([], value=None, label="Sampling method", elem_id="txt2img_sampling")
        gr.Dropdown([], value=None, label="Schedule type", elem_id="txt2img_scheduler")
        fields["Steps"] = gr.Slider(1, 150, value=20, step=1, label="Sampling steps", elem_id="txt2img_steps")
        fields["Size-1"] = gr.Slider(64, 2048, value=SIZE.width, step=8, label="Width", elem_id="txt2img_width")
        fields["Size-2"] = gr.Slider(64, 2048, value=SIZE.height, step=8, label="Height", elem_id="txt2img_height")
        gr.Slider(1, 100, value=1, step=1, label="Batch count", elem_id="txt2img_batch_count")
        gr.Slider(1, 8, value=1, step=1, label="Batch size", elem_id="txt2img_batch_size")
        fields["CFG scale"] = gr.Slider(1, 30, value=7, step=0.5, label="CFG Scale", elem_id="txt2img_cfg_scale")
        fields["Seed"] = gr.Number(-1, label="Seed", elem_id="txt2img_seed")
        with gr.Column(elem_id="txt2img_script_container"), gr.Column(visible=False) as place:
            pass  # their controls stay out of the browser: twice as many would make the page slow
        yield place, fields
        gr.Gallery([], label="Output", elem_id="txt2img_gallery")
