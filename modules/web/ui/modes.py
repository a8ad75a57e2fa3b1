"""The tabs of the six modes: one canvas each, all of one document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from modules.pipeline.modes import Mode
from modules.web.ui.canvas import CanvasDocument, CanvasView, build_mask_drop
from modules.web.ui.texts import Texts

FIRST_MODE = Mode.INPAINT
TAB_IDS = {
    Mode.IMG2IMG: "img2img_img2img_tab",
    Mode.SKETCH: "img2img_img2img_sketch_tab",
    Mode.INPAINT: "img2img_inpaint_tab",
    Mode.INPAINT_SKETCH: "img2img_inpaint_sketch_tab",
    Mode.INPAINT_UPLOAD: "img2img_inpaint_upload_tab",
    Mode.BATCH: "img2img_batch_tab",
}
VIEWS = {
    Mode.IMG2IMG: ("view", "img2img_image"),
    Mode.SKETCH: ("paint", "img2img_sketch"),
    Mode.INPAINT: ("mask", "img2maskimg"),
    Mode.INPAINT_SKETCH: ("paint_mask", "inpaint_sketch"),
    Mode.INPAINT_UPLOAD: ("view_mask", "img_inpaint_base"),
}
"""What a tab's canvas is for, and its element's id as A1111 has it."""


@dataclass(frozen=True)
class ModeTabs:
    """Widgets of the tabs.

    Attributes:
        tabs: All six.
        tab: Each by mode.
        document: The picture, mask and sketch that all canvases show.
        views: The canvases, by mode.
        batch_place: Where the batch tab's widgets go.
    """

    tabs: Any
    tab: dict[Mode, Any]
    document: Any
    views: dict[Mode, Any]
    batch_place: Any


def build_modes(texts: Texts) -> ModeTabs:
    """Lay out the tabs."""
    document = CanvasDocument()
    tab: dict[Mode, Any] = {}
    views: dict[Mode, Any] = {}
    with gr.Tabs(elem_id="mode_img2img", selected=FIRST_MODE.value) as tabs:
        for mode in Mode:
            with gr.Tab(texts(f"tab.{mode.value}"), id=mode.value, elem_id=TAB_IDS[mode]) as tab[mode]:
                if mode is Mode.INPAINT_UPLOAD:
                    build_mask_drop(texts, "img_inpaint_mask")
                if mode is Mode.BATCH:
                    batch_place = gr.Column(elem_id="img2img_batch")
                else:
                    view, elem_id = VIEWS[mode]
                    views[mode] = CanvasView(view, elem_id=elem_id)
    return ModeTabs(tabs, tab, document, views, batch_place)
