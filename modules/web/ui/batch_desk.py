"""What the batch tab does: look ahead, follow, go on with an earlier batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import gradio as gr

from modules.base.errors import InvalidRequest
from modules.pipeline.modes import Mode
from modules.runtime.batch.batches import ID_CHARS
from modules.runtime.batch.check import estimate_s
from modules.runtime.batch.manifest import FileState, Manifest
from modules.runtime.batch.settings import MaskSource, Source
from modules.runtime.batch.task import KIND, BatchTask
from modules.runtime.jobs import Job
from modules.web.ui.batch import BatchTab, read_settings, submit_batch
from modules.web.ui.batch_table import dry_run_html, report_html, shown
from modules.web.ui.messages import Told, current_login
from modules.web.ui.wiring import LIGHT, Wiring

MAX_EARLIER = 12
Updates = dict[Any, Any]


class BatchDesk:
    """Event handlers of the tab; each returns updates by widget."""

    def __init__(self, wiring: Wiring, tab: BatchTab) -> None:
        self._session, self._texts, self._desk, self._tab = wiring.session, wiring.texts, wiring.desk, tab

    def look_ahead(
        self, language: str, memory: Mapping[str, str], form: Sequence[Any], chosen: Sequence[Any], script_args: Sequence[Any]
    ) -> Updates:
        """The dry run: a table of what Generate would do.

        Args:
            form: Values of the form's fields.
            chosen: Values of `BatchTab.inputs()`.
        """
        recipe = self._desk.recipe({}, Mode.BATCH.value, *form, script_args=script_args)
        settings, is_anew = read_settings(chosen)
        dry = self._session.batches.look_ahead(recipe, settings, memory["owner"], user=current_login(), is_anew=is_anew)
        fields = recipe.fields
        done = sum(dry.begun.status(row.item).state is FileState.DONE for row in dry.check.rows) if dry.begun else 0
        count = max(0, dry.check.ready - done) * fields["n_iter"] * fields["batch_size"]
        time_s = estimate_s(self._session.queue.jobs(), fields["width"], fields["height"], fields["steps"], count)
        return {self._tab.table: dry_run_html(self._texts, language, dry, time_s), self._tab.report: ""}

    def follow(self, language: str, memory: Mapping[str, str] | None, seen: Mapping[str, Any]) -> Updates:
        """How the followed job stands, if it is a batch; one that is over is listed with what it made."""
        job = self._session.queue.find(str(seen.get("job")))
        manifest = self._manifest_of(job) if job is not None else None
        if job is None or manifest is None:
            return {self._tab.report: gr.skip()}
        is_over = job.state.is_final
        report = report_html(self._texts, language, manifest, is_running=not is_over)
        return {self._tab.report: report, self._tab.table: "", **(self.list_earlier(language, memory) if is_over else {})}

    def list_earlier(self, language: str, memory: Mapping[str, str] | None) -> Updates:
        """The visitor's batches, the newest first; nothing is shown where there are none."""
        owner = (memory or {}).get("owner")
        found = self._session.batches.of_owner(owner, MAX_EARLIER, current_login()) if owner else []
        choices = [(self._describe(language, manifest), manifest.id) for manifest in found]
        return {
            self._tab.earlier: gr.update(choices=choices, value=choices[0][1] if choices else None),
            self._tab.earlier_place: gr.update(visible=bool(choices)),
        }

    def show(self, language: str, memory: Mapping[str, str], batch_id: str | None) -> str:
        """The report of an earlier batch."""
        manifest = self._session.batches.find(str(batch_id), memory["owner"], current_login())
        return report_html(self._texts, language, manifest, is_running=False)

    def resume(self, language: str, memory: Mapping[str, str], batch_id: str | None) -> Updates:
        """Go on with an earlier batch, and follow it.

        Raises:
            Told: Nothing is left of it.
        """
        task = self._session.batches.resume(str(batch_id), memory["owner"], current_login())
        if not task.manifest.todo(also_failed=True):
            raise Told("batch.nothing_left")
        return self._desk.follow(language, submit_batch(self._session, task, memory["owner"]))

    def _manifest_of(self, job: Job) -> Manifest | None:
        if job.kind != KIND:
            return None
        if isinstance(job.request, BatchTask):
            return job.request.manifest
        try:
            return self._session.batches.find(job.id[:ID_CHARS])
        except InvalidRequest:  # its folder was deleted
            return None

    def _describe(self, language: str, manifest: Manifest) -> str:
        counts = manifest.counts()
        begun = datetime.fromtimestamp(manifest.created_s).strftime("%Y-%m-%d %H:%M")
        settings = manifest.settings
        place = Path(settings.folder).name if settings.source is Source.FOLDER else self._texts.say(language, "batch.dropped")
        made, total = counts[FileState.DONE], len(manifest.plan.items)
        return self._texts.say(language, "batch.earlier_line", begun=begun, place=shown(place), n=made, of=total)


def wire_batch(wiring: Wiring) -> None:
    """Connect all but the dry run, which needs the values of scripts' controls."""
    tab, studio = wiring.studio.batch, wiring.studio
    choices, desk = tab.choices, BatchDesk(wiring, tab)
    choices.source.change(_show_source, choices.source, [choices.folder, tab.files_place], **LIGHT)
    choices.masks.change(_show_masks, choices.masks, [choices.mask_folder, tab.mask_files_place], **LIGHT)
    choices.uses_info.change(lambda uses: gr.update(visible=uses), choices.uses_info, tab.info_place, **LIGHT)
    listed = [tab.earlier, tab.earlier_place]
    wiring.on(studio.modes.tab[Mode.BATCH].select, desk.list_earlier, [studio.memory], listed)
    wiring.on(studio.results.status.change, desk.follow, [studio.memory, studio.seen], [tab.report, tab.table, *listed])
    wiring.on(tab.resume.click, desk.resume, [studio.memory, tab.earlier], wiring.desk.outputs())
    wiring.on(tab.show.click, desk.show, [studio.memory, tab.earlier], [tab.report])


def wire_dry_run(wiring: Wiring, controls: Sequence[Any], collect: Callable[[Sequence[Any]], list[Any]]) -> None:
    """Connect the dry run.

    Args:
        controls: Of scripts.
        collect: Makes `script_args` of their values.
    """
    tab, studio = wiring.studio.batch, wiring.studio
    desk, form, chosen = BatchDesk(wiring, tab), list(studio.fields.values()), tab.inputs()
    inner, outer = len(form), len(form) + len(chosen)

    def look_ahead(language: str, memory: Mapping[str, str], *values: Any) -> Updates:
        return desk.look_ahead(language, memory, values[:inner], values[inner:outer], collect(values[outer:]))

    inputs = [studio.memory, *form, *chosen, *controls]
    wiring.on(tab.dry_run.click, look_ahead, inputs, [tab.table, tab.report], show_progress="minimal", show_progress_on=tab.table)


def _show_source(source: str) -> tuple[Any, Any]:
    is_folder = source == Source.FOLDER.value
    return gr.update(visible=is_folder), gr.update(visible=not is_folder)


def _show_masks(masks: str) -> tuple[Any, Any]:
    kind = MaskSource(masks)
    return gr.update(visible=kind is MaskSource.FOLDER), gr.update(visible=kind in (MaskSource.FILES, MaskSource.ONE))
