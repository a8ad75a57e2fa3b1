"""The whole page, laid out: canvas, form and results as one grid, with the widgets by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from modules.pipeline.modes import Mode
from modules.runtime.presets import Preset
from modules.web.ui.batch import BatchTab, build_batch_tab
from modules.web.ui.clipspace import build_clipspace_bridge
from modules.web.ui.controls.mask import build_mask, build_sketch
from modules.web.ui.controls.prompt import build_prompt
from modules.web.ui.controls.sampling import build_batch, build_sampling, build_strength
from modules.web.ui.controls.seed import build_seed
from modules.web.ui.controls.size import build_size
from modules.web.ui.extensions_tab import build_extensions
from modules.web.ui.extras import ExtrasTab, build_extras
from modules.web.ui.header import Header, build_header
from modules.web.ui.history import HistoryTab, build_history
from modules.web.ui.intents import Intents, build_intents
from modules.web.ui.layers import LayersTab, build_layers
from modules.web.ui.model_compare import ModelCompare, build_model_compare
from modules.web.ui.modes import FIRST_MODE, ModeTabs, build_modes
from modules.web.ui.png_info import PngInfo, build_png_info
from modules.web.ui.results import Actions, Results, build_actions, build_results
from modules.web.ui.settings import build_settings
from modules.web.ui.sight import SightPanel, build_sight
from modules.web.ui.texts import Texts
from modules.web.ui.workflows import WorkflowsTab, build_workflows, build_workflows_bridge


@dataclass
class Studio:
    """All widgets, and what the page remembers.

    Attributes:
        top_tabs: The page's own tabs: the studio, history, PNG info, settings.
        modes: The tabs of the six modes, and the document that they show.
        batch: What the batch tab holds.
        caption: The line below the canvas.
        sight: What the model will see.
        mask_group: Controls of modes with a mask.
        sketch_group: Controls of the inpaint sketch.
        set_aside: State: the masked content that gave way to "Original" when the inpaint sketch was opened; None = none did.
        intents: The four cards above the mask's controls.
        fields: Form widgets by `Img2ImgProcessing` field.
        buttons: Small helpers of the form.
        versus: The fold-out that compares checkpoints.
        mode: State: the `Mode` value of the open tab.
        memory: What the browser keeps: {"owner": id}.
        form: What the browser keeps of the form: {field: value}.
        seen: State: {"job": id, "preview_no": n} of the job that is followed.
        shown: State: [{"path", "infotext", "seed", "asset", "recipe", ...}], one a picture in the gallery; the rest as in `read_facts`.
        selected: State: index into `shown`.
        is_own_size: What the browser keeps of this: the person has set the size; do not suggest another.
        last_shape: Likewise: [width, height] of the picture that was opened last, None = none yet.
        script_wish: State: `script_args` that the controls of scripts are to show; None = those of the last job.
        script_choice: BrowserState: {"title": the script that was picked last, "" = none}; {} = not yet.
        timer: Ticks while a job is followed.
        script_place: Where the controls of scripts go.
        clips: Hidden; tells the browser what its clipspace or mask editor gets.
        extras, layers, workflows, history, png_info: The tabs of these names.
    """

    header: Header
    top_tabs: Any
    modes: ModeTabs
    batch: BatchTab
    caption: Any
    sight: SightPanel
    mask_group: Any
    sketch_group: Any
    intents: Intents
    actions: Actions
    results: Results
    versus: ModelCompare
    mode: Any
    memory: Any
    form: Any
    seen: Any
    shown: Any
    selected: Any
    is_own_size: Any
    last_shape: Any
    set_aside: Any
    script_wish: Any
    script_choice: Any
    timer: Any
    script_place: Any
    clips: Any
    extras: ExtrasTab
    layers: LayersTab
    workflows: WorkflowsTab
    history: HistoryTab
    png_info: PngInfo
    fields: dict[str, Any] = field(default_factory=dict)
    buttons: dict[str, Any] = field(default_factory=dict)

    @property
    def document(self) -> Any:
        """The value of the canvas: picture, mask and sketch."""
        return self.modes.document

    def groups_of(self, mode: Mode) -> dict[Any, Any]:
        """Updates that show the controls which matter in `mode`."""
        return {
            self.mask_group: gr.update(visible=mode.has_mask or mode is Mode.BATCH),
            self.sketch_group: gr.update(visible=mode is Mode.INPAINT_SKETCH),
        }


def build_studio(texts: Texts, preset: Preset, idle: str) -> Studio:
    """Lay everything out, within a `gr.Blocks`.

    Args:
        preset: Start values of the form.
        idle: HTML of the status before the first job.
    """
    header = build_header(texts)
    bridge, clips = build_workflows_bridge(), build_clipspace_bridge()
    with gr.Tabs(elem_id="tabs", selected="studio") as top_tabs:
        with gr.Tab(texts("page.studio"), id="studio", elem_id="tab_img2img"):
            parts = _build_desk(texts, preset, idle, {"checkpoint": header.checkpoint})
        extras = build_extras(texts, idle)
        layers = build_layers(texts)
        workflows = build_workflows(texts, bridge)
        history = build_history(texts)
        png_info = build_png_info(texts)
        build_extensions(texts)
        build_settings(texts)
    return Studio(
        header=header,
        top_tabs=top_tabs,
        **parts,
        clips=clips,
        extras=extras,
        layers=layers,
        workflows=workflows,
        history=history,
        png_info=png_info,
        mode=gr.State(FIRST_MODE.value),
        memory=gr.BrowserState({}, storage_key="pentimento", secret="pentimento"),
        form=gr.BrowserState({}, storage_key="pentimento_form", secret="pentimento"),
        seen=gr.State({}),
        shown=gr.State([]),
        selected=gr.State(0),
        last_shape=gr.BrowserState(None, storage_key="pentimento_last_shape", secret="pentimento"),
        is_own_size=gr.BrowserState(False, storage_key="pentimento_own_size", secret="pentimento"),
        set_aside=gr.State(None),
        script_wish=gr.State(None),
        script_choice=gr.BrowserState({}, storage_key="pentimento_script", secret="pentimento"),
        timer=gr.Timer(0.5, active=False),
    )


def _build_desk(texts: Texts, preset: Preset, idle: str, fields: dict[str, Any]) -> dict[str, Any]:
    """The studio's tab: `Studio` attributes by name."""
    buttons: dict[str, Any] = {}
    with gr.Column(elem_classes="pm-studio"):
        with gr.Column(elem_id="pm_canvas"):
            modes = build_modes(texts)
            with modes.batch_place:
                batch = build_batch_tab(texts)
            caption = gr.HTML("", elem_id="img2img_caption")
            sight = build_sight(texts)
            fields["crop_region"] = sight.region
        with gr.Column(elem_id="pm_desk"):
            prompt_fields, prompt_buttons = build_prompt(texts)
            fields |= prompt_fields
            buttons |= prompt_buttons
            actions = build_actions(texts)
            results = build_results(texts, idle)
            versus = build_model_compare(texts)
        with gr.Column(elem_id="pm_form"):
            groups = _build_form(texts, preset, fields, buttons)
            script_place = gr.Column(elem_id="img2img_scripts")
    return {
        "modes": modes, "batch": batch, "caption": caption, "sight": sight, "actions": actions, "results": results,
        "versus": versus,
        "script_place": script_place, "fields": fields, "buttons": buttons, **groups,
    }  # fmt: skip


def _build_form(texts: Texts, preset: Preset, fields: dict[str, Any], buttons: dict[str, Any]) -> dict[str, Any]:
    """Fill `fields` and `buttons`; returns the groups of mask and sketch controls and the cards, as `Studio` attributes by name."""
    with gr.Column(elem_id="inpaint_controls", elem_classes="pm-card", visible=FIRST_MODE.has_mask) as mask_group:
        gr.HTML(texts("form.section.mask"), elem_classes="pm-heading")
        intents = build_intents(texts)
        with gr.Column(visible=FIRST_MODE is Mode.INPAINT_SKETCH, elem_id="inpaint_sketch_controls") as sketch_group:
            fields |= build_sketch(texts)
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
    return {"mask_group": mask_group, "sketch_group": sketch_group, "intents": intents}
