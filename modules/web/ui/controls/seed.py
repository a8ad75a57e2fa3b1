"""Seed, dice and recycle."""

from __future__ import annotations

from typing import Any

import gradio as gr

from modules.web.ui.texts import Texts


def build_seed(texts: Texts) -> tuple[dict[str, Any], dict[str, Any]]:
    """The seed field by name, and its buttons."""
    with gr.Row(elem_classes="pm-seed"):
        seed = gr.Number(value=-1, precision=0, label=texts("form.seed"), elem_id="img2img_seed", min_width=120, scale=4)
        dice = gr.Button(texts("seed.dice"), size="sm", elem_id="img2img_random_seed", min_width=90, scale=1)
        recycle = gr.Button(texts("seed.recycle"), size="sm", elem_id="img2img_reuse_seed", min_width=90, scale=1)
    return {"seed": seed}, {"dice": dice, "recycle": recycle}
