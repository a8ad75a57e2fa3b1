"""Prompt and negative prompt with their token counters, styles, and what a picture's settings brought along."""

from __future__ import annotations

from typing import Any

import gradio as gr

from modules.web.ui.styles import build_styles
from modules.web.ui.texts import Texts

COUNTER = '<span class="pm-tokens">0/75</span>'


def build_prompt(texts: Texts) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two text boxes, styles and the list of further settings by field name, and their buttons."""
    with gr.Column(elem_id="img2img_toprow", elem_classes="pm-card"):
        with gr.Column(elem_classes="pm-prompt"):
            gr.HTML(COUNTER, elem_id="img2img_token_counter", elem_classes="pm-token-counter", padding=False)
            prompt = gr.Textbox(
                label=texts("form.prompt"), placeholder=texts("form.prompt.hint"), lines=2, max_lines=10, elem_id="img2img_prompt"
            )
        with gr.Column(elem_classes="pm-prompt"):
            gr.HTML(COUNTER, elem_id="img2img_negative_token_counter", elem_classes="pm-token-counter", padding=False)
            negative = gr.Textbox(
                label=texts("form.negative_prompt"),
                placeholder=texts("form.negative_prompt.hint"),
                lines=1,
                max_lines=6,
                elem_id="img2img_neg_prompt",
            )
        styles, buttons = build_styles(texts)
        overrides = gr.Dropdown(
            [], value=[], multiselect=True, allow_custom_value=True, visible=False, label=texts("form.override_settings"),
            elem_id="img2img_override_settings",
        )  # fmt: skip
    return {"prompt": prompt, "negative_prompt": negative, "styles": styles, "override_settings": overrides}, buttons
