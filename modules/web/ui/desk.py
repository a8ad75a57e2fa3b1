"""From Generate to the finished picture: submit a job, follow it, find it again after a reload.

Jobs belong to the server. The page holds an owner's id (in the browser) and a job's id, and asks how that job stands.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from modules.pipeline.modes import Mode
from modules.runtime.extras.task import KIND as EXTRAS
from modules.runtime.jobs import Job, JobState
from modules.runtime.recipe import Recipe, build_request
from modules.runtime.session import Session
from modules.web.ui import status
from modules.web.ui.batch import read_settings, submit_batch
from modules.web.ui.form import recipe_from
from modules.web.ui.messages import Told, current_login
from modules.web.ui.model_compare import pair
from modules.web.ui.source import keep_result, thin
from modules.web.ui.studio import Studio
from modules.web.ui.texts import Texts

Updates = dict[Any, Any]
ORIGINAL = 1
"""The masked content "original", by A1111's number."""
KEPT_NEIGHBOURS = 64
"""Jobs whose results are to stand among others, and for which these are remembered."""


def open_mode(document: Mapping[str, Any], mode: str) -> Mode:
    """The mode of the tab that is open: `document` may name one that was opened since the server heard of `mode`."""
    return Mode(document.get("mode") or mode)


class Desk:
    """Event handlers around jobs; each returns updates by widget.

    Args:
        folder: Where result files for the browser are kept.
    """

    def __init__(self, session: Session, texts: Texts, studio: Studio, folder: Path) -> None:
        self._session, self._texts, self._studio, self._folder = session, texts, studio, folder
        self._beside: dict[str, tuple[list[dict[str, Any]], int]] = {}

    def inputs(self) -> list[Any]:
        """What `generate` gets, after the language; the document comes first, for the page's script to bring up to date."""
        studio = self._studio
        return [studio.document, studio.memory, studio.mode, *studio.fields.values(), *studio.batch.inputs()]

    def outputs(self) -> list[Any]:
        """What following a job may change."""
        results, actions, studio = self._studio.results, self._studio.actions, self._studio
        return [
            results.status, results.preview, results.gallery, results.infotext, results.tools, results.save,
            actions.generate, actions.interrupt, actions.skip, studio.seen, studio.shown, studio.selected, studio.timer,
        ]  # fmt: skip

    def generate(
        self, language: str, document: Mapping[str, Any], memory: dict[str, str], mode: str, *values: Any, script_args: Sequence[Any] = ()
    ) -> Updates:
        """Submit what canvas and form say, with the values of scripts' controls."""
        count = len(self._studio.fields)
        recipe = self.recipe(document, mode, *values[:count], script_args=script_args)
        self._session.checkpoint(recipe.fields["override_settings"].get("sd_model_checkpoint"))
        if recipe.mode is Mode.BATCH:
            settings, is_anew = read_settings(values[count:])
            task = self._session.batches.task(
                recipe, settings, memory["owner"], user=current_login(), is_anew=is_anew, script_args=script_args
            )
            return self.follow(language, submit_batch(self._session, task, memory["owner"]))
        request = build_request(recipe, self._session.store, options=self._session.options.current)
        request.script_args = script_args
        return self.follow(language, self._session.submit(request, memory["owner"], user=current_login(), recipe=recipe))

    def recipe(self, document: Mapping[str, Any], mode: str, *values: Any, script_args: Sequence[Any] = ()) -> Recipe:
        """The recipe of canvas and form."""
        named = dict(zip(self._studio.fields, values, strict=True))
        is_open = open_mode(document, mode)
        if is_open is Mode.INPAINT_SKETCH and is_open.value != mode:  # opening it sets this, but the form does not know yet
            named["inpainting_fill"] = ORIGINAL
        script = self._session.scripts.name_args(script_args) if script_args else (None, [], {})
        return recipe_from(named, is_open, document, script)

    def follow(self, language: str, job: Job, beside: list[dict[str, Any]] | None = None, at: int = 0) -> Updates:
        """Show how a job that was just submitted stands, and keep asking.

        Args:
            beside: What the gallery shows now, if the job's results are to come after picture `at` of it instead of replacing it.
        """
        if beside is not None:
            self._beside = dict([*self._beside.items(), (job.id, (beside, at))][-KEPT_NEIGHBOURS:])
        return self._show(language, job, {})

    def interrupt(self, language: str, seen: dict[str, Any]) -> None:
        """Stop the job that this page follows, and no other. `poll` alone reports, so that no older answer can come after a newer one."""
        self._session.queue.interrupt(self._find(seen))

    def skip(self, language: str, seen: dict[str, Any]) -> None:
        """Give up the batch in hand of the job that this page follows."""
        self._find(seen).skip()

    def poll(self, language: str, seen: dict[str, Any]) -> Updates:
        """How the followed job stands now."""
        job = self._session.queue.find(str(seen.get("job")))
        if job is None:
            return {**self._switch(is_running=False), self._studio.results.status: status.gone(self._texts, language)}
        return self._show(language, job, seen)

    def attach(self, language: str, memory: dict[str, str] | None) -> Updates:
        """A page was opened: know its owner, and find its running or last job again.

        Args:
            memory: As the browser has it; that it names an owner proves nothing, so the login must be the job's too.
        """
        memory = memory if isinstance(memory, dict) and memory.get("owner") else {"owner": uuid.uuid4().hex}
        updates: Updates = {self._studio.memory: memory}
        whose = memory["owner"], current_login()
        own = [job for job in self._session.queue.jobs() if (job.owner, job.user) == whose and job.kind != EXTRAS]
        live = [job for job in own if not job.state.is_final]
        if not own:
            return {**updates, self._studio.results.status: status.idle(self._texts, language)}
        return {**updates, **self._show(language, live[0] if live else own[-1], {})}

    def _find(self, seen: dict[str, Any]) -> Job:
        job = self._session.queue.find(str(seen.get("job")))
        if job is None:
            raise Told("status.gone")
        return job

    def _show(self, language: str, job: Job, seen: dict[str, Any]) -> Updates:
        results = self._studio.results
        waiting = self._waiting_before(job)
        updates: Updates = {
            results.status: status.describe(self._texts, language, job, waiting),
            self._studio.seen: {"job": job.id, "preview_no": job.preview_no},
        }
        if job.state.is_final:
            return {**updates, **self._switch(is_running=False), **self._finished(job)}
        if seen.get("job") != job.id:
            updates |= self._switch(is_running=True)
        preview = job.preview
        if preview is not None and job.preview_no != seen.get("preview_no"):
            updates |= {results.preview: gr.update(value=preview, visible=True), results.gallery: gr.update(visible=False)}
        return updates

    def _waiting_before(self, job: Job) -> int:
        jobs = [other for other in self._session.queue.jobs() if not other.state.is_final]
        return jobs.index(job) if job in jobs else 0

    def _switch(self, *, is_running: bool) -> Updates:
        actions = self._studio.actions
        return {
            actions.generate: gr.update(visible=not is_running),
            actions.interrupt: gr.update(visible=is_running),
            actions.skip: gr.update(visible=is_running),
            self._studio.timer: gr.update(active=is_running),
        }

    def _finished(self, job: Job) -> Updates:
        results = self._studio.results
        shown = self.keep(job)
        updates: Updates = {
            results.preview: gr.update(value=None, visible=False),
            results.gallery: gr.update(visible=True),
        }
        if not shown:
            return updates
        first = min(job.result.index_of_first_image, len(shown) - 1)
        if job.id in self._beside:
            others, at = self._beside[job.id]
            shown, first = [*others[: at + 1], *shown, *others[at + 1 :]], at + 1
        return {
            **updates,
            results.gallery: gr.update(value=[entry["path"] for entry in shown], selected_index=first, visible=True),
            results.infotext: gr.update(value=shown[first]["infotext"], visible=True),
            results.save: gr.update(value=shown[first]["path"]),
            results.tools: gr.update(elem_classes="pm-result-tools"),
            self._studio.shown: shown,
            self._studio.selected: first,
        }

    def keep(self, job: Job) -> list[dict[str, Any]]:
        """Put a finished job's pictures where the browser can fetch them."""
        result = job.result
        if result is None or job.state is JobState.FAILED:
            return []
        thin(self._folder)
        store, shown = self._session.store, []
        for number, image in enumerate(result.images):
            infotext = result.text_of(number)
            saved = result.paths[number] if number < len(result.paths) else None
            index = max(0, number - result.index_of_first_image)
            seed = result.all_seeds[index] if index < len(result.all_seeds) else result.seed
            name = saved.with_suffix(".png").name if saved else f"{number:05}-{seed}.png"
            is_exact = saved is not None and saved.suffix == ".png" and saved.exists()
            asset = store.link(saved) if saved and is_exact else store.add_picture(image, infotext)
            path = keep_result(store.path(asset.id), self._folder / job.id, name)
            recipe = result.recipes[number] if hasattr(result, "recipes") else job.recipe
            facts = {"recipe": recipe and recipe.as_json(), **read_facts(result, number)}
            shown.append({"path": path, "infotext": infotext, "seed": seed, "asset": asset.id, **facts})
        pair(result, shown)
        return shown

    def lend(self, asset_id: str, name: str) -> str:
        """A kept picture as a file that the browser can fetch; returns its path."""
        thin(self._folder)
        return keep_result(self._session.store.path(asset_id), self._folder / asset_id, name)


def read_facts(result: Any, index: int) -> dict[str, Any]:
    """What a job's result says of entry `index` of its images.

    Returns:
        `number`: which result it is, None for a grid, mask or the like; `seam`: its score or None; `is_mask_replaced`.
    """
    find, seams = getattr(result, "picture_number", None), getattr(result, "seam_scores", [])
    number = find(index) if find else index
    seam = seams[number] if number is not None and number < len(seams) else None
    return {"number": number, "seam": seam, "is_mask_replaced": bool(getattr(result, "is_mask_replaced", False))}


def pick(event: gr.SelectData, shown: list[dict[str, Any]]) -> tuple[Any, Any, Any]:
    """A picture of the gallery was looked at: its infotext, its file, its number."""
    if not isinstance(event.index, int) or event.index >= len(shown):
        return gr.skip(), gr.skip(), gr.skip()
    entry = shown[event.index]
    return entry["infotext"], gr.update(value=entry["path"]), event.index
