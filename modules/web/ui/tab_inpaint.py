"""The inpaint tab: a picture, and a mask painted over it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from modules.web.ui.canvas import build_canvas
from modules.web.ui.source import build_drop
from modules.web.ui.texts import Texts


@dataclass(frozen=True)
class InpaintTab:
    """Widgets of the tab; `source` holds a `Source` or None.

    The drop is there until a picture is, then the canvas takes its place.
    """

    tab: Any
    drop: Any
    canvas: Any
    caption: Any
    tools: Any
    replace: Any
    clear_mask: Any
    remove: Any
    source: Any


def build_tab(texts: Texts) -> InpaintTab:
    """Lay out the tab."""
    with gr.Tab(texts("tab.inpaint"), id="inpaint", elem_id="img2img_inpaint_tab") as tab:
        drop = build_drop(texts, "img_inpaint_base", show_label=False, height="var(--pm-canvas)")
        canvas = build_canvas(texts, "img2maskimg", visible=False, height="var(--pm-canvas)")
        with gr.Row(elem_classes="pm-tools", visible=False) as tools:
            caption = gr.HTML("", elem_id="img2maskimg_caption")
            clear_mask = gr.Button(texts("canvas.clear_mask"), size="sm", elem_id="img2maskimg_clear")
            replace = gr.UploadButton(texts("canvas.replace"), size="sm", file_types=["image"], elem_id="img2maskimg_replace")
            remove = gr.Button(texts("canvas.remove"), size="sm", elem_id="img2maskimg_remove")
        source = gr.State(None)
    return InpaintTab(tab, drop, canvas, caption, tools, replace, clear_mask, remove, source)
