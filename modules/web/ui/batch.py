"""The batch tab: where pictures, masks and results are; all else is the form's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import gradio as gr

from modules.runtime.batch.listing import PictureFile
from modules.runtime.batch.settings import PROPS, BatchSettings, MaskSource, Source
from modules.runtime.batch.task import KIND, BatchTask
from modules.runtime.jobs import Job
from modules.runtime.session import Session
from modules.web.ui.texts import Texts

Three = tuple[Any, Any, Any]
PROP_TEXTS = {
    "Prompt": "form.prompt",
    "Negative prompt": "form.negative_prompt",
    "Seed": "form.seed",
    "CFG scale": "form.cfg_scale",
    "Sampler": "form.sampler_name",
    "Steps": "form.steps",
    "Size": "batch.prop.size",
    "Model hash": "form.checkpoint",
}


@dataclass(frozen=True)
class BatchInputs:
    """What a person chooses, in the order in which events get the values."""

    source: Any
    folder: Any
    files: Any
    masks: Any
    mask_folder: Any
    mask_files: Any
    output_folder: Any
    has_own_size: Any
    uses_info: Any
    props: Any
    info_folder: Any
    is_anew: Any


@dataclass(frozen=True)
class BatchTab:
    """Widgets of the tab.

    Attributes:
        choices: What is chosen.
        files_place, mask_files_place, info_place: What is shown for some choices alone.
        dry_run: Button; `table` shows what it found.
        report: How the batch that is followed stands.
        earlier: Drop-down list of batches to go on with, inside `earlier_place`.
    """

    choices: BatchInputs
    files_place: Any
    mask_files_place: Any
    info_place: Any
    dry_run: Any
    table: Any
    report: Any
    earlier_place: Any
    earlier: Any
    resume: Any
    show: Any

    def inputs(self) -> list[Any]:
        """The widgets whose values `read_settings` reads."""
        return [getattr(self.choices, entry.name) for entry in fields(self.choices)]


def read_settings(values: Sequence[Any]) -> tuple[BatchSettings, bool]:
    """The settings of a batch, and whether a new one is wanted in any case.

    Args:
        values: Of `BatchTab.inputs()`.
    """
    chosen = BatchInputs(*values)
    settings = BatchSettings(
        Source(chosen.source),
        str(chosen.folder or ""),
        tuple(chosen.files or ()),
        MaskSource(chosen.masks),
        str(chosen.mask_folder or ""),
        tuple(chosen.mask_files or ()),
        str(chosen.output_folder or ""),
        tuple(name for name in PROPS if chosen.uses_info and name in (chosen.props or ())),
        str(chosen.info_folder or "") if chosen.uses_info else "",
        bool(chosen.has_own_size),
    )
    return settings, bool(chosen.is_anew)


def submit_batch(session: Session, task: BatchTask, owner: str) -> Job:
    """Queue a batch under its own id, so that batch and job are found again together."""
    return session.submit(task, owner, task.job_id, KIND, user=task.manifest.user, recipe=task.recipe)


def build_batch_tab(texts: Texts) -> BatchTab:
    """Lay the tab out, within `ModeTabs.batch_place`."""
    with gr.Column(elem_classes="pm-card pm-batch"):
        pictures, files_place = _build_pictures(texts)
        masks, mask_files_place = _build_masks(texts)
        output = gr.Textbox(
            label=texts("form.img2img_batch_output_dir"),
            placeholder=texts("batch.output_hint"),
            max_lines=1,
            elem_id="img2img_batch_output_dir",
        )
        own_size = gr.Checkbox(True, label=texts("batch.own_size"), info=texts("batch.own_size_hint"), elem_id="img2img_batch_own_size")
        info, info_place = _build_info(texts)
        with gr.Row(elem_classes="pm-tools"):
            dry_run = gr.Button(texts("batch.dry_run"), elem_id="img2img_batch_dry_run")
            is_anew = gr.Checkbox(False, label=texts("batch.anew"), elem_id="img2img_batch_anew", container=False, min_width=160)
        gr.HTML(texts("batch.start_hint"), elem_classes="pm-batch-hint")
    table = gr.HTML("", elem_id="img2img_batch_table")
    report = gr.HTML("", elem_id="img2img_batch_report")
    with gr.Column(visible=False, elem_classes="pm-card", elem_id="img2img_batch_earlier_place") as earlier_place:
        earlier = gr.Dropdown([], label=texts("batch.earlier"), elem_id="img2img_batch_earlier")
        with gr.Row(elem_classes="pm-tools"):
            resume = gr.Button(texts("batch.resume"), size="sm", elem_id="img2img_batch_resume")
            show = gr.Button(texts("batch.show"), size="sm", elem_id="img2img_batch_show")
    choices = BatchInputs(*pictures, *masks, output, own_size, *info, is_anew)
    return BatchTab(choices, files_place, mask_files_place, info_place, dry_run, table, report, earlier_place, earlier, resume, show)


def _build_pictures(texts: Texts) -> tuple[Three, Any]:
    source = gr.Radio(
        [(texts("batch.source.folder"), Source.FOLDER.value), (texts("batch.source.files"), Source.FILES.value)],
        value=Source.FOLDER.value, label=texts("batch.pictures"), elem_id="img2img_batch_source", elem_classes="pm-pills",
    )  # fmt: skip
    folder = gr.Textbox(
        label=texts("form.img2img_batch_input_dir"), placeholder=texts("batch.input_hint"), max_lines=1, elem_id="img2img_batch_input_dir"
    )
    with gr.Column(visible=False) as files_place:
        files = build_file_drop(texts("form.img2img_batch_files"), "img2img_batch_files")
    return (source, folder, files), files_place


def _build_masks(texts: Texts) -> tuple[Three, Any]:
    kinds = [(texts(f"batch.masks.{kind.value}"), kind.value) for kind in MaskSource]
    masks = gr.Radio(kinds, value=MaskSource.NONE.value, label=texts("batch.masks"), elem_id="img2img_batch_masks", elem_classes="pm-pills")
    folder = gr.Textbox(
        label=texts("form.img2img_batch_inpaint_mask_dir"), placeholder=texts("batch.mask_hint"), max_lines=1, visible=False,
        elem_id="img2img_batch_inpaint_mask_dir",
    )  # fmt: skip
    with gr.Column(visible=False) as files_place:
        files = build_file_drop(texts("form.img2img_batch_mask_files"), "img2img_batch_mask_files")
    return (masks, folder, files), files_place


def _build_info(texts: Texts) -> tuple[Three, Any]:
    uses_info = gr.Checkbox(False, label=texts("batch.use_info"), info=texts("batch.use_info_hint"), elem_id="img2img_batch_use_png_info")
    with gr.Column(visible=False, elem_classes="pm-batch-info") as place:
        props = gr.CheckboxGroup(
            [(texts(PROP_TEXTS[name]), name) for name in PROPS], value=[name for name in PROPS if name != "Size"],
            label=texts("batch.props"), info=texts("batch.props_hint"), elem_id="img2img_batch_png_info_props",
        )  # fmt: skip
        folder = gr.Textbox(
            label=texts("form.img2img_batch_png_info_dir"),
            placeholder=texts("batch.info_hint"),
            max_lines=1,
            elem_id="img2img_batch_png_info_dir",
        )
    return (uses_info, props, folder), place


def build_file_drop(label: Any, elem_id: str) -> Any:
    """A place for many files whose value is `PictureFile`s, under the names they have on the visitor's machine.

    Events must leave it alone: upon a `gr.update` Gradio would make it anew without this.
    """
    drop = gr.File(file_count="multiple", label=label, height=150, elem_id=elem_id)
    drop.preprocess = read_dropped
    return drop


def read_dropped(payload: Any) -> list[PictureFile]:
    """The files of Gradio's upload folder; below it every file lies in a folder named by its contents."""
    if payload is None:
        return []
    entries = payload.root if hasattr(payload, "root") else [payload]
    return [
        PictureFile(Path(entry.path), Path(entry.orig_name or entry.path).name, f"{entry.size}-{Path(entry.path).parent.name}")
        for entry in entries
    ]
