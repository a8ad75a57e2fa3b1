"""The tab "PNG info", laid out: any picture file, what it says about itself, and what can be done with that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from modules.pipeline.modes import Mode
from modules.web.ui.png_info_report import hint
from modules.web.ui.texts import Texts

SENT_TO = (Mode.IMG2IMG, Mode.SKETCH, Mode.INPAINT, Mode.INPAINT_SKETCH, Mode.INPAINT_UPLOAD)


@dataclass(frozen=True)
class PngInfo:
    """Widgets of the tab.

    Attributes:
        tools: Holds `restore` and `openers`; there while a file is.
        workflow: Opens the workflow in the file; there while it has one.
        openers: Holds `send`; there while the file is a picture.
        send: Buttons by the mode they lead to; `to_extras` leads to the Extras tab.
        found: State: {"path", "infotext", "is_picture"} of the file that was looked at; {} = none.
    """

    drop: Any
    report: Any
    infotext: Any
    tools: Any
    restore: Any
    workflow: Any
    openers: Any
    send: dict[Mode, Any]
    to_extras: Any
    found: Any


def build_png_info(texts: Texts) -> PngInfo:
    """Lay the tab out, within the page's `gr.Tabs`."""
    with gr.Tab(texts("pnginfo.tab"), id="pnginfo", elem_id="tab_pnginfo"), gr.Row(elem_id="pm_pnginfo"):
        with gr.Column(elem_classes="pm-pnginfo-side"):
            drop = _build_drop(texts)
            with gr.Column(elem_id="pnginfo_tools", elem_classes="pm-card", visible=False) as tools:
                restore = gr.Button(texts("pnginfo.restore"), variant="primary", elem_id="pnginfo_restore")
                workflow = gr.Button(texts("workflows.offer.open"), elem_id="pnginfo_workflow", visible=False)
                with gr.Column() as openers:
                    gr.HTML(texts("pnginfo.send"), elem_classes="pm-heading")
                    with gr.Row(elem_classes="pm-tools"):
                        send = {
                            mode: gr.Button(texts(f"tab.{mode.value}"), size="sm", elem_id=f"pnginfo_send_to_{mode.value}")
                            for mode in SENT_TO
                        }
                        to_extras = gr.Button(texts("extras.tab"), size="sm", elem_id="pnginfo_send_to_extras")
        with gr.Column(elem_classes="pm-pnginfo-main"):
            report = gr.HTML(hint(texts, "en"), apply_default_css=False, elem_id="html_info_pnginfo")
            infotext = gr.Textbox(
                label=texts("pnginfo.infotext"), lines=3, max_lines=14, interactive=False, buttons=["copy"], visible=False,
                elem_id="pnginfo_generation_info",
            )  # fmt: skip
        found = gr.State({})  # within the tab: anything else among the tabs would count as one of them
    return PngInfo(drop, report, infotext, tools, restore, workflow, openers, send, to_extras, found)


def _build_drop(texts: Texts) -> Any:
    """A picture's place whose value is the path of the file, whatever is in it: Gradio would refuse a damaged one in its own words.

    Events must give it plain values, no `gr.update`, upon which Gradio would make it anew without this.
    """
    drop = gr.Image(
        type="filepath", format="png", image_mode=None, sources=["upload", "clipboard"], label=texts("pnginfo.picture"),
        placeholder=texts("pnginfo.drop"), buttons=["fullscreen"], elem_id="pnginfo_image",
    )  # fmt: skip
    drop.preprocess = lambda payload: None if payload is None else payload.path
    return drop
