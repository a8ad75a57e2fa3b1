"""What workflows give to the studio: a filled form, or a result as a picture."""

from __future__ import annotations

import dataclasses
import html
import time
from collections.abc import Mapping
from typing import Any

import gradio as gr

from modules.base.errors import InvalidRequest, PentimentoError
from modules.pipeline.modes import Mode
from modules.runtime.recipe import EXTRAS, Recipe
from modules.web.ui.canvas import document_update
from modules.web.ui.extras_desk import ExtrasDesk
from modules.web.ui.form import FIELDS, read_number, widgets_of
from modules.web.ui.layers import LAYERS
from modules.web.ui.layers_desk import LayersDesk
from modules.web.ui.messages import current_login, explain
from modules.web.ui.wiring import Wiring

Updates = dict[Any, Any]
PLACES = [*(mode.value for mode in Mode), EXTRAS, LAYERS]


class WorkflowsDesk:
    """Event handlers of the tab."""

    def __init__(self, wiring: Wiring) -> None:
        self._session, self._texts, self._bridge = wiring.session, wiring.texts, wiring.studio.workflows.bridge
        self._pictures, self._restorer = wiring.pictures, wiring.restorer
        self._extras, self._layers = ExtrasDesk(wiring), LayersDesk(wiring)

    def outputs(self) -> list[Any]:
        """What `act` may change."""
        outputs = (*self._restorer.recipe_outputs(), *self._extras.open_outputs(), *self._layers.open_outputs())
        return [self._bridge, *dict.fromkeys(outputs)]

    def act(self, language: str, wish: Any) -> Updates:
        """Do what the person chose.

        Raises:
            InvalidRequest: It is no wish of the tab's, or the workflow does not fit the form.
            UnknownAsset, UnknownWorkflow: It is gone.
        """
        if isinstance(wish, Mapping) and isinstance(wish.get("workflow"), str):
            return self.fill(language, wish["workflow"], wish.get("pictures"), wish.get("models", {}))
        if isinstance(wish, Mapping) and isinstance(wish.get("asset"), str) and wish.get("mode") in PLACES:
            return self.send(language, wish["asset"], wish["mode"])
        raise InvalidRequest("workflow", wish, "a workflow's id, or an asset's id and where it goes")

    def fill(self, language: str, workflow_id: str, pictures: Any, models: Any) -> Updates:
        """The form, as an open workflow has it; where the form cannot hold it, that is said.

        Args:
            pictures: Asset ids of those that were handed in, by the names that the workflow has for them.
            models: Checkpoints that are taken, by the names of those that are not here.
        """
        for name, given, wanted in (("pictures", pictures, "ids of assets by name"), ("models", models, "checkpoints by name")):
            if not isinstance(given, Mapping) or not all(isinstance(each, str) for each in given.values()):
                raise InvalidRequest(name, given, wanted)
        try:
            recipe = self._name_checkpoint(self._session.workflows.recipe(workflow_id, pictures, current_login()), models)
            check_widgets(recipe)
        except PentimentoError as error:
            gr.Warning(html.escape(explain(self._texts, language, error)), duration=9, title=self._texts.say(language, "error.title"))
            return {self._bridge: {"refused": workflow_id, "at": time.time()}}
        note = self._texts.say(language, "workflows.filled")
        return {**self._restorer.open_recipe(language, recipe, note), self._bridge: {"filled": workflow_id, "at": time.time()}}

    def _name_checkpoint(self, recipe: Recipe, models: Mapping[str, str]) -> Recipe:
        """The checkpoint, or what is taken for it, by the title that the page's list has for it."""
        overrides = dict(recipe.fields.get("override_settings") or {})
        name = overrides.get("sd_model_checkpoint")
        if name:
            overrides["sd_model_checkpoint"] = self._session.checkpoint(models.get(name, name)).title
        return dataclasses.replace(recipe, fields={**recipe.fields, "override_settings": overrides})

    def send(self, language: str, asset_id: str, place: str) -> Updates:
        """A result becomes the picture of a tab."""
        if place == EXTRAS:
            return self._extras.open(asset_id)
        if place == LAYERS:
            return self._layers.open(asset_id)
        asset = self._session.store.hold(asset_id)
        return self._pictures.open(document_update(asset.as_json(), note=self._texts.say(language, "workflows.sent")), Mode(place))


def check_widgets(recipe: Recipe) -> None:
    """Whether the form's widgets can hold a recipe.

    Raises:
        InvalidRequest: A value is beyond what its widget can be set to.
    """
    values = widgets_of(recipe)
    for name in FIELDS.keys() & values.keys():
        if values[name] is not None:
            read_number(name, values[name])


def wire_workflows(wiring: Wiring) -> None:
    """Connect the tab's widgets."""
    desk, bridge = WorkflowsDesk(wiring), wiring.studio.workflows.bridge
    wiring.on(bridge.submit, desk.act, [bridge], desk.outputs())
