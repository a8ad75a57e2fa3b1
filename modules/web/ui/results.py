"""Right side of the page: progress, live preview, finished pictures and what to do with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from modules.pipeline.modes import Mode
from modules.web.ui.clipspace import COPY, EDIT, ClipButtons, build_clip_buttons, clip_handler
from modules.web.ui.result_tools import ResultTools
from modules.web.ui.texts import Texts

if TYPE_CHECKING:
    from modules.web.ui.wiring import Wiring

SENT_TO = (Mode.INPAINT, Mode.IMG2IMG, Mode.SKETCH, Mode.INPAINT_SKETCH, Mode.INPAINT_UPLOAD)
"""Tabs that a result can be opened in."""


@dataclass(frozen=True)
class Actions:
    """Start and stop."""

    generate: Any
    interrupt: Any
    skip: Any


@dataclass(frozen=True)
class Results:
    """What a job shows while it runs and when it is over.

    Attributes:
        send: Buttons that open the result in the tab of a mode.
        clips: Copy it, or open it in the mask editor.
        keeps_mask: Whether the mask goes along.
        to_extras, to_layers: Opens the result in that tab.
        proceed: The result becomes the picture of the tab that is open, without a mask.
        reuse: The form, picture and mask that it was made with come back.
        repair: Mend the seam of the result that is looked at.
        sort: Order the gallery by seams.
        compare: HTML beside the gallery: before and after, and the heat map; see `compare.py`.
        facts: HTML: what changed outside the mask, and how visible the seam is.
        mask_choice: What the browser keeps of `keeps_mask`.
    """

    status: Any
    preview: Any
    gallery: Any
    infotext: Any
    tools: Any
    save: Any
    send: dict[Mode, Any]
    to_extras: Any
    to_layers: Any
    clips: ClipButtons
    keeps_mask: Any
    proceed: Any
    reuse: Any
    repair: Any
    sort: Any
    compare: Any
    facts: Any
    mask_choice: Any


def build_actions(texts: Texts) -> Actions:
    """Generate, and while a job runs Interrupt and Skip in its place."""
    with gr.Row(elem_id="img2img_actions", elem_classes="pm-actions"):
        # Enabled with the controls of scripts, whose values it takes along.
        generate = gr.Button(texts("action.generate"), variant="primary", size="lg", elem_id="img2img_generate", interactive=False)
        interrupt = gr.Button(texts("action.interrupt"), variant="stop", size="lg", elem_id="img2img_interrupt", visible=False)
        skip = gr.Button(texts("action.skip"), size="lg", elem_id="img2img_skip", visible=False)
    return Actions(generate, interrupt, skip)


def build_results(texts: Texts, idle: str) -> Results:
    """Progress, preview, gallery, comparison, facts, infotext and buttons.

    Args:
        idle: HTML of the status before the first job.
    """
    status = gr.HTML(idle, elem_id="img2img_progress")
    with gr.Column(elem_id="img2img_results", elem_classes="pm-result"):
        preview = gr.Image(
            type="pil", format="jpeg", interactive=False, visible=False, show_label=False, buttons=[], container=False,
            elem_id="img2img_live_preview",
        )  # fmt: skip
        gr.HTML(texts("result.empty"), elem_classes="pm-hint")
        gallery = gr.Gallery(
            label=texts("result.gallery"), show_label=False, columns=3, object_fit="contain", height="100%", preview=True, format="png",
            interactive=False, container=False, buttons=["fullscreen"], elem_id="img2img_gallery",
        )  # fmt: skip
        compare = gr.HTML("", elem_id="img2img_compare", padding=False)
    with gr.Column(elem_id="img2img_result_tools", elem_classes=["pm-result-tools", "pm-hidden"]) as tools:
        facts = gr.HTML("", elem_id="img2img_facts", padding=False)
        buttons = _build_buttons(texts)
    infotext = gr.Textbox(
        label=texts("result.infotext"), lines=2, max_lines=8, interactive=False, buttons=["copy"], visible=False,
        elem_id="html_info_img2img",
    )  # fmt: skip
    choice = gr.BrowserState({"keeps_mask": True}, storage_key="pentimento_with_mask", secret="pentimento")
    return Results(status, preview, gallery, infotext, tools, **buttons, compare=compare, facts=facts, mask_choice=choice)


def _build_buttons(texts: Texts) -> dict[str, Any]:
    """`Results` attributes by name."""
    with gr.Row(elem_id="image_buttons_img2img", elem_classes="pm-tools"):
        save = gr.DownloadButton(texts("result.save"), size="sm", elem_id="save_img2img")
        proceed = gr.Button(texts("results.proceed"), size="sm", elem_id="img2img_continue")
        reuse = gr.Button(texts("results.reuse"), size="sm", elem_id="img2img_reuse_settings")
        clips = build_clip_buttons(texts, "img2img")
        repair = gr.Button(texts("results.repair"), size="sm", elem_id="img2img_repair_seam")
        sort = gr.Button(texts("results.sort"), size="sm", elem_id="img2img_sort_seams", visible=False)
    with gr.Row(elem_id="img2img_send", elem_classes="pm-tools pm-send"):
        gr.HTML(texts("results.send"), elem_classes="pm-send-label", padding=False)
        send = {mode: gr.Button(texts(f"tab.{mode.value}"), size="sm", elem_id=f"img2img_send_to_{mode.value}") for mode in SENT_TO}
        to_extras = gr.Button(texts("extras.tab"), size="sm", elem_id="img2img_send_to_extras")
        to_layers = gr.Button(texts("layers.tab"), size="sm", elem_id="img2img_send_to_layers")
        keeps_mask = gr.Checkbox(True, label=texts("result.keeps_mask"), elem_id="img2img_send_mask", container=False, min_width=90)
    return {
        "save": save, "proceed": proceed, "reuse": reuse, "repair": repair, "sort": sort, "send": send, "to_extras": to_extras,
        "to_layers": to_layers, "clips": clips, "keeps_mask": keeps_mask,
    }  # fmt: skip


def wire_results(wiring: Wiring) -> None:
    """Facts and comparison follow what is looked at; the tools act on it."""
    studio, results, tools, on = wiring.studio, wiring.studio.results, ResultTools(wiring), wiring.on
    looked_at = [studio.shown, studio.selected]
    for event in (studio.shown.change, studio.selected.change):
        on(event, tools.look, looked_at, [results.facts, results.compare, results.repair, results.reuse, results.sort])
    on(results.repair.click, tools.repair, [*looked_at, studio.memory], wiring.desk.outputs())
    on(results.reuse.click, tools.reuse, looked_at, wiring.restorer.recipe_outputs())
    on(results.proceed.click, tools.proceed, [*looked_at, studio.mode, studio.document], wiring.pictures.outputs())
    for act, button in ((COPY, results.clips.copy), (EDIT, results.clips.edit)):
        on(button.click, clip_handler(wiring.session, act), [*looked_at, results.keeps_mask, studio.document], [studio.clips])
    on(results.sort.click, tools.sort, [studio.shown], [*looked_at, results.gallery, results.infotext, results.save])
    keep = "(keeps_mask) => ({keeps_mask})"  # an object: Gradio's browser state does not keep a bare false
    results.keeps_mask.input(None, results.keeps_mask, results.mask_choice, js=keep)
    on(wiring.page.load, _show_choice, [results.mask_choice], [results.keeps_mask])


def _show_choice(language: str, kept: object) -> bool:
    return bool(kept.get("keeps_mask", True)) if isinstance(kept, dict) else True
