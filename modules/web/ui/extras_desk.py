"""From a picture in the Extras tab to its result: submit, follow, show, and send pictures to the tab and from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from modules.base.errors import InvalidRequest
from modules.pipeline.modes import Mode
from modules.runtime.batch.listing import PictureFile
from modules.runtime.extras.extras import sources_in
from modules.runtime.extras.source import ExtrasSource
from modules.runtime.extras.task import KIND
from modules.runtime.jobs import Job, JobState
from modules.runtime.recipe import Recipe
from modules.web.ui import status
from modules.web.ui.canvas import EMPTY_DOCUMENT
from modules.web.ui.clipspace import COPY, EDIT, PASTE_INTO_EXTRAS, clip_handler
from modules.web.ui.desk import pick
from modules.web.ui.extras import FILES, FOLDER, SINGLE, ExtrasTab
from modules.web.ui.extras_controls import ExtrasControls
from modules.web.ui.messages import Told, current_login, looked_at
from modules.web.ui.wiring import LIGHT, Wiring

Updates = dict[Any, Any]
Shown = Sequence[Mapping[str, Any]]


class ExtrasDesk:
    """Event handlers of the tab; each returns updates by widget."""

    def __init__(self, wiring: Wiring) -> None:
        self._session, self._texts, self._wiring = wiring.session, wiring.texts, wiring
        self._tab: ExtrasTab = wiring.studio.extras

    def inputs(self) -> list[Any]:
        """What `generate` gets, after the language."""
        tab = self._tab
        return [self._wiring.studio.memory, tab.source, tab.image, tab.files, tab.input_dir, tab.output_dir]

    def outputs(self) -> list[Any]:
        """What following a job may change."""
        tab = self._tab
        return [
            tab.status, tab.gallery, tab.infotext, tab.tools, tab.save, tab.generate, tab.interrupt, tab.skip, tab.seen, tab.shown,
            tab.selected, tab.timer,
        ]  # fmt: skip

    def generate(
        self,
        language: str,
        memory: Mapping[str, str],
        source: str,
        image: str | None,
        files: Sequence[PictureFile] | None,
        input_dir: str,
        output_dir: str,
        *,
        args: Sequence[Any],
    ) -> Updates:
        """Submit what the tab says, with the values of scripts' controls."""
        session, owner, login = self._session, memory["owner"], current_login()
        folder = session.extras.folder()
        if source == FOLDER:
            rules = session.batches.rules(owner, login)
            sources = sources_in(rules.readable(input_dir or "", "input_dir"))
            folder = rules.writable(output_dir, "output_dir") if (output_dir or "").strip() else folder
        elif source == FILES:
            sources = [ExtrasSource(file.name, file.path) for file in files or ()]
        else:
            sources = [ExtrasSource("", Path(image))] if image else []
        if not sources:
            raise Told("extras.no_picture")
        task = session.extras.task(sources, args, folder, keeps_names=source != SINGLE)
        job = session.submit(task, owner, kind=KIND, user=login)
        return self._show(language, job, {})

    def interrupt(self, language: str, seen: Mapping[str, Any]) -> None:
        """Stop the job that is followed; `poll` reports."""
        self._session.queue.interrupt(self._find(seen))

    def skip(self, language: str, seen: Mapping[str, Any]) -> None:
        """Give up the picture in hand."""
        self._find(seen).skip()

    def poll(self, language: str, seen: Mapping[str, Any]) -> Updates:
        """How the followed job stands now."""
        job = self._session.queue.find(str(seen.get("job")))
        if job is None:
            return {**self._switch(is_running=False), self._tab.status: status.gone(self._texts, language)}
        return self._show(language, job, seen)

    def attach(self, language: str, memory: Mapping[str, str] | None) -> Updates:
        """A page was opened: find its running or last job again."""
        owner = memory.get("owner") if isinstance(memory, Mapping) else None
        own = [job for job in self._session.queue.jobs() if job.kind == KIND and (job.owner, job.user) == (owner, current_login())]
        live = [job for job in own if not job.state.is_final]
        if not own:
            return {self._tab.status: status.idle(self._texts, language)}
        return self._show(language, live[0] if live else own[-1], {})

    def bring(self, language: str, shown: Shown, selected: int) -> Updates:
        """A result becomes the tab's picture."""
        return self.open(str(looked_at(shown, selected)["asset"]))

    def open(self, asset_id: str) -> Updates:
        """Open a stored picture here.

        Raises:
            UnknownAsset: It is gone.
        """
        asset = self._session.store.hold(asset_id)
        path = self._wiring.desk.lend(asset.id, Path(asset.name).name or f"{asset.id[:12]}.png")
        tab = self._tab
        return {
            tab.image: path,
            tab.source: SINGLE,
            tab.sources: gr.update(selected=SINGLE),
            self._wiring.studio.top_tabs: gr.update(selected="extras"),
        }

    def open_outputs(self) -> list[Any]:
        """What `open` and `open_recipe` may change."""
        return [self._tab.image, self._tab.source, self._tab.sources, self._wiring.studio.top_tabs, self._tab.wish]

    def open_recipe(self, language: str, recipe: Recipe) -> Updates:
        """The picture and the values that a result was made with; scripts that are gone are left out."""
        runner = self._session.extras.runner
        known = {str(script.name): script.control_values.keys() for script in runner.scripts}
        values = {name: dict(given) for name, given in (recipe.extras or {}).items() if name in known}
        args = runner.create_args_for_run(
            {name: {key: given[key] for key in given if key in known[name]} for name, given in values.items()}
        )
        if recipe.picture is None or not self._session.store.has(recipe.picture):
            raise InvalidRequest("picture", None, "a picture that is still kept")
        return {**self.open(recipe.picture), self._tab.wish: args}

    def _find(self, seen: Mapping[str, Any]) -> Job:
        job = self._session.queue.find(str(seen.get("job")))
        if job is None:
            raise Told("status.gone")
        return job

    def _show(self, language: str, job: Job, seen: Mapping[str, Any]) -> Updates:
        live = [other for other in self._session.queue.jobs() if not other.state.is_final]
        waiting = live.index(job) if job in live else 0
        updates: Updates = {self._tab.status: status.describe(self._texts, language, job, waiting), self._tab.seen: {"job": job.id}}
        if job.state.is_final:
            return {**updates, **self._switch(is_running=False), **self._finished(job)}
        if seen.get("job") != job.id:
            updates |= self._switch(is_running=True)
        return updates

    def _switch(self, *, is_running: bool) -> Updates:
        tab = self._tab
        return {
            tab.generate: gr.update(visible=not is_running),
            tab.interrupt: gr.update(visible=is_running),
            tab.skip: gr.update(visible=is_running),
            tab.timer: gr.update(active=is_running),
        }

    def _finished(self, job: Job) -> Updates:
        tab, shown = self._tab, self._wiring.desk.keep(job) if job.state is not JobState.FAILED else []
        if not shown:
            return {}
        return {
            tab.gallery: gr.update(value=[entry["path"] for entry in shown], selected_index=0),
            tab.infotext: gr.update(value=shown[0]["infotext"], visible=True),
            tab.save: gr.update(value=shown[0]["path"]),
            tab.tools: gr.update(elem_classes="pm-result-tools"),
            tab.shown: shown,
            tab.selected: 0,
        }


def wire_extras(wiring: Wiring, *, is_now: bool) -> None:
    """Connect the tab's widgets.

    Args:
        is_now: The scripts are loaded, and their controls belong into the page as it is built.
    """
    studio, tab, on = wiring.studio, wiring.studio.extras, wiring.on
    desk = ExtrasDesk(wiring)
    inputs = desk.inputs()
    for widget in inputs:
        widget.interactive = True  # Gradio looks for events with this input among those of the page as it is first sent

    def connect(controls: list[Any], collect: Callable[[Sequence[Any]], list[Any]]) -> None:
        def generate(language: str, *values: Any) -> Updates:
            return desk.generate(language, *values[: len(inputs)], args=collect(values[len(inputs) :]))

        on(tab.generate.click, generate, [*inputs, *controls], desk.outputs(), api_name=False)

    controls = ExtrasControls(wiring.session, wiring.texts, tab)
    (controls.build_now if is_now else controls.build)(connect)
    for name, source_tab in tab.source_tab.items():
        source_tab.select(lambda name=name: name, None, tab.source, **LIGHT)
    on(tab.interrupt.click, desk.interrupt, [tab.seen], None)
    on(tab.skip.click, desk.skip, [tab.seen], None)
    on(tab.timer.tick, desk.poll, [tab.seen], desk.outputs())
    on(wiring.page.load, desk.attach, [studio.memory], desk.outputs())
    tab.gallery.select(pick, [tab.shown], [tab.infotext, tab.save, tab.selected], trigger_mode="multiple", **LIGHT)
    on(tab.again.click, desk.bring, [tab.shown, tab.selected], desk.open_outputs())
    on(studio.results.to_extras.click, desk.bring, [studio.shown, studio.selected], desk.open_outputs())
    for act, button in ((COPY, tab.clips.copy), (EDIT, tab.clips.edit)):
        on(button.click, clip_handler(wiring.session, act), [tab.shown, tab.selected], [studio.clips])
    tab.paste.click(None, js=PASTE_INTO_EXTRAS, **LIGHT)
    for mode, button in tab.send.items():
        on(button.click, _sender(wiring, mode), [tab.shown, tab.selected, studio.document], wiring.pictures.outputs())
    changed = [tab.image.upload, tab.image.clear]
    gr.on(changed, lambda: wiring.session.extras.forget_picture(), None, None, **LIGHT)


def _sender(wiring: Wiring, mode: Mode) -> Callable[..., Updates]:
    send = wiring.pictures.sender(mode)

    def open_in(language: str, shown: Shown, selected: int, document: Mapping[str, Any] | None) -> Updates:
        return send(language, shown, selected, False, document or EMPTY_DOCUMENT)

    return open_in
