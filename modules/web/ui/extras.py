"""The tab "Extras", laid out: one picture, several, or a folder at the left, with the steps they go through; results at the right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from modules.pipeline.modes import Mode
from modules.web.ui.batch import build_file_drop
from modules.web.ui.clipspace import ClipButtons, build_clip_buttons
from modules.web.ui.source import build_drop
from modules.web.ui.texts import Texts

SENT_TO = (Mode.INPAINT, Mode.IMG2IMG, Mode.SKETCH, Mode.INPAINT_SKETCH, Mode.INPAINT_UPLOAD)
SINGLE, FILES, FOLDER = "single", "files", "folder"
"""Where the pictures come from."""


@dataclass(frozen=True)
class ExtrasTab:
    """Widgets of the tab.

    Attributes:
        tab: The tab itself.
        sources: The tabs of the three sources; `source_tab` holds each by its name.
        source: State: which is open.
        paste: Takes the clipspace's picture as `image`.
        place: Where the controls of scripts go.
        clips: Copy the result, or open it in the mask editor.
        send: Buttons by the mode they lead to; `again` makes the result the tab's own picture.
        seen, shown, selected, timer: As those of `Studio`.
        wish: State: values of all controls that are to be shown; [] = those they start with, None = the tab was not opened yet.
    """

    tab: Any
    sources: Any
    source_tab: dict[str, Any]
    source: Any
    image: Any
    paste: Any
    files: Any
    input_dir: Any
    output_dir: Any
    place: Any
    generate: Any
    interrupt: Any
    skip: Any
    status: Any
    gallery: Any
    infotext: Any
    tools: Any
    save: Any
    again: Any
    clips: ClipButtons
    send: dict[Mode, Any]
    seen: Any
    shown: Any
    selected: Any
    wish: Any
    timer: Any


def build_extras(texts: Texts, idle: str) -> ExtrasTab:
    """Lay the tab out, within the page's `gr.Tabs`.

    Args:
        idle: HTML of the status before the first job.
    """
    with gr.Tab(texts("extras.tab"), id="extras", elem_id="tab_extras") as tab:
        with gr.Row(elem_id="pm_extras"):
            with gr.Column(elem_classes="pm-extras-side"):
                parts = _build_sources(texts)
                place = gr.Column(elem_id="extras_scripts")
                gr.HTML(texts("extras.no_faces"), elem_classes="pm-note-line")
            with gr.Column(elem_classes="pm-extras-main"):
                parts |= _build_actions(texts)
                parts |= _build_results(texts, idle)
        # Within the tab: anything else among the tabs would count as one of them.
        states = {"source": gr.State(SINGLE), "seen": gr.State({}), "shown": gr.State([]), "selected": gr.State(0), "wish": gr.State(None)}
        timer = gr.Timer(0.5, active=False)
    return ExtrasTab(tab=tab, place=place, timer=timer, **states, **parts)


def _build_sources(texts: Texts) -> dict[str, Any]:
    """`ExtrasTab` attributes by name."""
    with gr.Tabs(elem_id="mode_extras", selected=SINGLE) as sources:
        with gr.Tab(texts("extras.single"), id=SINGLE, elem_id="extras_single_tab") as single:
            image = build_drop(texts, "extras_image")
            paste = gr.Button(texts("clipspace.paste"), size="sm", elem_id="extras_paste")
        with gr.Tab(texts("extras.files"), id=FILES, elem_id="extras_batch_process_tab") as several:
            files = build_file_drop(texts("extras.files_drop"), "extras_image_batch")
        with gr.Tab(texts("extras.folder"), id=FOLDER, elem_id="extras_batch_directory_tab") as folder:
            input_dir = gr.Textbox(
                label=texts("form.input_dir"), placeholder=texts("batch.input_hint"), max_lines=1, elem_id="extras_batch_input_dir"
            )
            output_dir = gr.Textbox(
                label=texts("form.output_dir"), placeholder=texts("extras.output_hint"), max_lines=1, elem_id="extras_batch_output_dir"
            )
    source_tab = {SINGLE: single, FILES: several, FOLDER: folder}
    return {
        "sources": sources, "source_tab": source_tab, "image": image, "paste": paste, "files": files, "input_dir": input_dir,
        "output_dir": output_dir,
    }  # fmt: skip


def _build_actions(texts: Texts) -> dict[str, Any]:
    with gr.Row(elem_id="extras_actions", elem_classes="pm-actions"):
        # Enabled with the controls of scripts, whose values it takes along.
        generate = gr.Button(texts("extras.generate"), variant="primary", size="lg", elem_id="extras_generate", interactive=False)
        interrupt = gr.Button(texts("action.interrupt"), variant="stop", size="lg", elem_id="extras_interrupt", visible=False)
        skip = gr.Button(texts("extras.skip"), size="lg", elem_id="extras_skip", visible=False)
    return {"generate": generate, "interrupt": interrupt, "skip": skip}


def _build_results(texts: Texts, idle: str) -> dict[str, Any]:
    status = gr.HTML(idle, elem_id="extras_progress")
    with gr.Column(elem_id="extras_results", elem_classes="pm-result"):
        gr.HTML(texts("extras.empty"), elem_classes="pm-hint")
        gallery = gr.Gallery(
            label=texts("result.gallery"), show_label=False, columns=3, object_fit="contain", height="100%", preview=True, format="png",
            interactive=False, container=False, buttons=["fullscreen"], elem_id="extras_gallery",
        )  # fmt: skip
    with gr.Column(elem_id="extras_result_tools", elem_classes=["pm-result-tools", "pm-hidden"]) as tools:
        with gr.Row(elem_id="image_buttons_extras", elem_classes="pm-tools"):
            save = gr.DownloadButton(texts("result.save"), size="sm", elem_id="save_extras")
            again = gr.Button(texts("extras.again"), size="sm", elem_id="extras_again")
            clips = build_clip_buttons(texts, "extras")
        with gr.Row(elem_id="extras_send", elem_classes="pm-tools pm-send"):
            gr.HTML(texts("results.send"), elem_classes="pm-send-label", padding=False)
            send = {mode: gr.Button(texts(f"tab.{mode.value}"), size="sm", elem_id=f"extras_send_to_{mode.value}") for mode in SENT_TO}
    infotext = gr.Textbox(
        label=texts("result.infotext"), lines=2, max_lines=8, interactive=False, buttons=["copy"], visible=False, elem_id="html_info_extras"
    )
    return {
        "status": status, "gallery": gallery, "tools": tools, "save": save, "again": again, "clips": clips, "send": send,
        "infotext": infotext,
    }  # fmt: skip
