"""Comparing checkpoints: the request of the form on two of them, their pictures under a slider."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio as gr

from modules.pipeline.modes import Mode
from modules.runtime.model_comparison import CHECKPOINT, KIND, ModelComparison, recipes_for
from modules.web.ui.desk import open_mode
from modules.web.ui.lists import list_checkpoints
from modules.web.ui.messages import Told, current_login
from modules.web.ui.wiring import Wiring

Updates = dict[Any, Any]


class ModelCompareDesk:
    """Event handlers of the fold-out."""

    def __init__(self, wiring: Wiring) -> None:
        self._session, self._texts, self._desk = wiring.session, wiring.texts, wiring.desk
        self._widgets = wiring.studio.versus

    def inputs(self) -> list[Any]:
        """What `start` gets, after the language; the document comes first."""
        studio = self._desk.inputs()
        return [*studio[:3], self._widgets.other]

    def fill(self, language: str, checkpoint: str | None, chosen: str | None) -> Any:
        """The checkpoints that there are, another than the page's own chosen."""
        choices = list_checkpoints(self._session, self._texts, language)
        usable = [info.title for info in self._session.checkpoints() if info.is_supported and info.title != checkpoint]
        if chosen not in usable:
            chosen = usable[0] if usable else None
        return gr.update(choices=choices, value=chosen)

    def start(
        self, language: str, document: Mapping[str, Any], memory: Mapping[str, str], mode: str, other: str | None, *values: Any,
        script_args: Sequence[Any] = (),
    ) -> Updates:  # fmt: skip
        """Queue the form's request on both checkpoints.

        Raises:
            Told: No second checkpoint, the same twice, or the batch tab is open.
            UnknownName, MissingModel, UnsupportedCheckpoint: One cannot be used; said before anything runs.
        """
        if open_mode(document, mode) is Mode.BATCH:
            raise Told("versus.not_batch")
        if not other:
            raise Told("versus.none")
        session, recipe = self._session, self._desk.recipe(document, mode, *values, script_args=script_args)
        found = [session.checkpoint(name) for name in (recipe.fields["override_settings"].get(CHECKPOINT), other)]
        if found[0].title == found[1].title:
            raise Told("versus.same")
        recipes = recipes_for(recipe, [info.title for info in found])
        names = [str(info.label) for info in found]
        task = ModelComparison(recipes, names, list(script_args), session.store, session.process, session.history)
        job = session.submit(task, memory["owner"], kind=KIND, user=current_login())
        return self._desk.follow(language, job)


def wire_model_compare(wiring: Wiring, controls: Sequence[Any], collect: Callable[[Sequence[Any]], list[Any]], commit: str) -> None:
    """Connect the fold-out, with the controls of scripts.

    Args:
        commit: Script that brings the document, which comes first, up to date.
    """
    desk, studio, widgets = ModelCompareDesk(wiring), wiring.studio, wiring.studio.versus
    fields, count = list(studio.fields.values()), len(studio.fields)
    inputs = desk.inputs()

    def start(language: str, *values: Any) -> Updates:
        own, form, scripts = values[: len(inputs)], values[len(inputs) : len(inputs) + count], values[len(inputs) + count :]
        return desk.start(language, *own, *form, script_args=collect(scripts))

    wiring.on(widgets.start.click, start, [*inputs, *fields, *controls], wiring.desk.outputs(), api_name=False, js=commit)
    wiring.on(widgets.place.expand, desk.fill, [studio.fields["checkpoint"], widgets.other], [widgets.other])
