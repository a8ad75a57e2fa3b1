"""Prompt and negative prompt."""

from __future__ import annotations

from typing import Any

import gradio as gr

from modules.web.ui.texts import Texts


def build_prompt(texts: Texts) -> dict[str, Any]:
    """Two text boxes, by field name."""
    with gr.Column(elem_id="img2img_toprow", elem_classes="pm-card"):
        prompt = gr.Textbox(
            label=texts("form.prompt"), placeholder=texts("form.prompt.hint"), lines=3, max_lines=10, elem_id="img2img_prompt"
        )
        negative = gr.Textbox(
            label=texts("form.negative_prompt"),
            placeholder=texts("form.negative_prompt.hint"),
            lines=1,
            max_lines=6,
            elem_id="img2img_neg_prompt",
        )
    return {"prompt": prompt, "negative_prompt": negative}
