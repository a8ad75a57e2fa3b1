"""The img2img tab: a whole picture made anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from modules.web.ui.source import build_drop
from modules.web.ui.texts import Texts


@dataclass(frozen=True)
class Img2ImgTab:
    """Widgets of the tab; `source` holds a `Source` or None."""

    tab: Any
    picture: Any
    caption: Any
    source: Any


def build_tab(texts: Texts) -> Img2ImgTab:
    """Lay out the tab."""
    with gr.Tab(texts("tab.img2img"), id="img2img", elem_id="img2img_img2img_tab") as tab:
        picture = build_drop(texts, "img2img_image", show_label=False, height="var(--pm-canvas)")
        caption = gr.HTML("", elem_id="img2img_caption")
        source = gr.State(None)
    return Img2ImgTab(tab, picture, caption, source)
