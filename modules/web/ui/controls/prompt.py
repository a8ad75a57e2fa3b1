"""Prompt and negative prompt."""

from __future__ import annotations

from typing import Any

import gradio as gr

from modules.web.ui.texts import Texts


def build_prompt(texts: Texts) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two text boxes and the list of further settings by field name, and their button."""
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
        restore = gr.Button(texts("form.restore"), size="sm", elem_id="paste", min_width=90)
        overrides = gr.Dropdown(
            [], value=[], multiselect=True, allow_custom_value=True, visible=False, label=texts("form.override_settings"),
            elem_id="img2img_override_settings",
        )  # fmt: skip
    return {"prompt": prompt, "negative_prompt": negative, "override_settings": overrides}, {"restore": restore}
