"""The whole page, laid out: canvas, form and results as one grid, with the widgets by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from modules.runtime.presets import Preset
from modules.web.ui import tab_img2img, tab_inpaint
from modules.web.ui.controls.mask import build_mask
from modules.web.ui.controls.prompt import build_prompt
from modules.web.ui.controls.sampling import build_batch, build_sampling, build_strength
from modules.web.ui.controls.seed import build_seed
from modules.web.ui.controls.size import build_size
from modules.web.ui.form import Mode
from modules.web.ui.header import Header, build_header
from modules.web.ui.results import Actions, Results, build_actions, build_results
from modules.web.ui.tab_img2img import Img2ImgTab
from modules.web.ui.tab_inpaint import InpaintTab
from modules.web.ui.texts import Texts

FIRST_MODE = Mode.INPAINT


@dataclass
class Studio:
    """All widgets, and what the page remembers.

    Attributes:
        fields: Form widgets by `Img2ImgProcessing` field.
        buttons: Small helpers of the form.
        mode: State: the `Mode` value of the open tab.
        memory: What the browser keeps: {"owner": id}.
        seen: State: {"job": id, "preview_no": n} of the job that is followed.
        shown: State: [{"path", "infotext", "seed"}], one a picture in the gallery.
        selected: State: index into `shown`.
        is_own_size: State: the person has set the size; do not suggest another.
        timer: Ticks while a job is followed.
        script_place: Where the controls of scripts go.
    """

    header: Header
    tabs: Any
    img2img: Img2ImgTab
    inpaint: InpaintTab
    mask_group: Any
    actions: Actions
    results: Results
    mode: Any
    memory: Any
    seen: Any
    shown: Any
    selected: Any
    is_own_size: Any
    timer: Any
    script_place: Any
    fields: dict[str, Any] = field(default_factory=dict)
    buttons: dict[str, Any] = field(default_factory=dict)


def build_studio(texts: Texts, preset: Preset, idle: str) -> Studio:
    """Lay everything out, within a `gr.Blocks`.

    Args:
        preset: Start values of the form.
        idle: HTML of the status before the first job.
    """
    header = build_header(texts)
    fields: dict[str, Any] = {"checkpoint": header.checkpoint}
    buttons: dict[str, Any] = {}
    with gr.Column(elem_id="tab_img2img", elem_classes="pm-studio"):
        with gr.Column(elem_id="pm_canvas"), gr.Tabs(elem_id="mode_img2img", selected=FIRST_MODE.value) as tabs:
            img2img = tab_img2img.build_tab(texts)
            inpaint = tab_inpaint.build_tab(texts)
        with gr.Column(elem_id="pm_desk"):
            prompt_fields, prompt_buttons = build_prompt(texts)
            fields |= prompt_fields
            buttons |= prompt_buttons
            actions = build_actions(texts)
            results = build_results(texts, idle)
        with gr.Column(elem_id="pm_form"):
            mask_group = _build_form(texts, preset, fields, buttons)
            script_place = gr.Column(elem_id="img2img_scripts")
    return Studio(
        header, tabs, img2img, inpaint, mask_group, actions, results,
        mode=gr.State(FIRST_MODE.value),
        memory=gr.BrowserState({}, storage_key="pentimento", secret="pentimento"),
        seen=gr.State({}),
        shown=gr.State([]),
        selected=gr.State(0),
        is_own_size=gr.State(False),
        timer=gr.Timer(0.5, active=False),
        script_place=script_place,
        fields=fields,
        buttons=buttons,
    )  # fmt: skip


def _build_form(texts: Texts, preset: Preset, fields: dict[str, Any], buttons: dict[str, Any]) -> Any:
    """Fill `fields` and `buttons`; returns the group of mask controls."""
    with gr.Column(elem_id="inpaint_controls", elem_classes="pm-card", visible=FIRST_MODE.has_mask) as mask_group:
        gr.HTML(texts("form.section.mask"), elem_classes="pm-heading")
        fields |= build_mask(texts, preset)
    with gr.Column(elem_classes="pm-card"):
        gr.HTML(texts("form.section.repaint"), elem_classes="pm-heading")
        fields |= build_strength(texts, preset)
        fields |= build_sampling(texts, preset)
        seed_fields, seed_buttons = build_seed(texts)
        fields |= seed_fields
    with gr.Column(elem_classes="pm-card"):
        gr.HTML(texts("form.section.size"), elem_classes="pm-heading")
        size_fields, size_buttons = build_size(texts, preset)
        fields |= size_fields
        fields |= build_batch(texts)
    buttons |= seed_buttons | size_buttons
    return mask_group
