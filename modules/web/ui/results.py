"""Right side of the page: progress, live preview, finished pictures and what to do with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from modules.web.ui.texts import Texts


@dataclass(frozen=True)
class Actions:
    """Start and stop."""

    generate: Any
    interrupt: Any
    skip: Any


@dataclass(frozen=True)
class Results:
    """What a job shows while it runs and when it is over."""

    status: Any
    preview: Any
    gallery: Any
    infotext: Any
    tools: Any
    save: Any
    to_img2img: Any
    to_inpaint: Any


def build_actions(texts: Texts) -> Actions:
    """Generate, and while a job runs Interrupt and Skip in its place."""
    with gr.Row(elem_id="img2img_actions", elem_classes="pm-actions"):
        # Enabled with the controls of scripts, whose values it takes along.
        generate = gr.Button(texts("action.generate"), variant="primary", size="lg", elem_id="img2img_generate", interactive=False)
        interrupt = gr.Button(texts("action.interrupt"), variant="stop", size="lg", elem_id="img2img_interrupt", visible=False)
        skip = gr.Button(texts("action.skip"), size="lg", elem_id="img2img_skip", visible=False)
    return Actions(generate, interrupt, skip)


def build_results(texts: Texts, idle: str) -> Results:
    """Progress, preview, gallery, infotext and buttons.

    Args:
        idle: HTML of the status before the first job.
    """
    status = gr.HTML(idle, elem_id="img2img_progress")
    with gr.Column(elem_id="img2img_results", elem_classes="pm-stage"):
        preview = gr.Image(
            type="pil", format="jpeg", interactive=False, visible=False, show_label=False, buttons=[], container=False,
            elem_id="img2img_live_preview",
        )  # fmt: skip
        gr.HTML(texts("result.empty"), elem_classes="pm-hint")
        gallery = gr.Gallery(
            label=texts("result.gallery"), show_label=False, columns=3, object_fit="contain", height="100%", preview=True, format="png",
            interactive=False, container=False, buttons=["fullscreen"], elem_id="img2img_gallery",
        )  # fmt: skip
    with gr.Row(elem_id="image_buttons_img2img", elem_classes="pm-tools", visible=False) as tools:
        save = gr.DownloadButton(texts("result.save"), size="sm", elem_id="save_img2img")
        to_inpaint = gr.Button(texts("result.to_inpaint"), size="sm", elem_id="img2img_send_to_inpaint")
        to_img2img = gr.Button(texts("result.to_img2img"), size="sm", elem_id="img2img_send_to_img2img")
    infotext = gr.Textbox(
        label=texts("result.infotext"), lines=2, max_lines=12, interactive=False, buttons=["copy"], visible=False,
        elem_id="html_info_img2img",
    )  # fmt: skip
    return Results(status, preview, gallery, infotext, tools, save, to_img2img, to_inpaint)
