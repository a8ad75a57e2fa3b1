"""A workflow as a filled form: the request that gives exactly what its graph gives, with its pictures in the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from modules.backends.recognise import SD2
from modules.base.errors import InvalidRequest, PentimentoError
from modules.pipeline.modes import Mode
from modules.pipeline.workflows.form import FormMatch, leave_out_known, to_form
from modules.pipeline.workflows.form_pictures import FilledForm, fill_form
from modules.pipeline.workflows.graph import Workflow
from modules.pipeline.workflows.own_request import find_own
from modules.runtime.recipe import FIELDS, Recipe
from modules.runtime.store import AssetStore
from modules.runtime.workflows.api_graph import change_inputs
from modules.runtime.workflows.model_files import CHECKPOINTS, ModelFiles
from modules.runtime.workflows.opened import model_inputs
from modules.settings.options import Options

LAST_LAYER = ("workflow_form.clip_skip", {"layers": 1})
Read = Callable[[str], bytes]
"""A picture by its name in the workflow; raises `UnknownName`, `UnsafePath`."""


@dataclass(frozen=True)
class FormFiller:
    """Makes recipes of workflows.

    Attributes:
        models: Says what they are called here.
        options: Gives those in force.
    """

    store: AssetStore
    models: ModelFiles
    options: Callable[[], Options]

    def match(self, workflow: Workflow, read: Read) -> FormMatch:
        """The form, or why there is none; what speaks against it in the pictures counts where they are there."""
        match = self._to_form(workflow)
        if not match.fits:
            return match
        try:
            return replace(match, why_not=tuple(fill_form(match, read).why_not))
        except PentimentoError:  # asked for besides
            return match

    def recipe(self, workflow: Workflow, read: Read) -> Recipe:
        """The recipe of a workflow that fits.

        Raises:
            InvalidRequest: It does not fit, or a picture is none.
            UnknownName: A picture is not there.
        """
        match = self._to_form(workflow)
        filled = fill_form(match, read) if match.fits else None
        why_not = match.why_not if filled is None else filled.why_not
        if filled is None or why_not or filled.start is None:
            raise InvalidRequest("workflow", ", ".join(text for text, _ in why_not) or "no start picture", "one that the form can express")
        fields = {name: value for name, value in filled.request.items() if name in FIELDS}
        mask = None if filled.mask is None else self.store.add_picture(filled.mask).id
        mode = Mode.IMG2IMG if mask is None and not fields.get("outpaint") else Mode.INPAINT
        made = Recipe(mode, fields, self._keep_start(match, filled, read), mask)
        return self._with_own(made, match.recipe)

    def _to_form(self, workflow: Workflow) -> FormMatch:
        """The form, with models as they are called here."""
        models = self.models.at_once()
        if find_own(workflow.graph, workflow.extra) is None:
            named = {f"{node.id}.{name}": _name_here(models, kind, value) for node, name, kind, value in model_inputs(workflow.graph)}
            match = _without_last_layer(to_form(change_inputs(workflow.graph, named), workflow.drawing), models)
        else:
            match = to_form(workflow.graph, workflow.drawing, workflow.extra)
            settings = dict(match.request.get("override_settings") or {})
            if isinstance(checkpoint := settings.get("sd_model_checkpoint"), str):
                settings["sd_model_checkpoint"] = _name_here(models, CHECKPOINTS, checkpoint)
            match = replace(match, request={**match.request, "override_settings": settings})
        return leave_out_known(match, self.options())

    def _keep_start(self, match: FormMatch, filled: FilledForm, read: Read) -> str:
        """The file itself where it is what the form takes, so that it keeps its name."""
        name = next(picture.name for picture in match.pictures if picture.role == "start")
        asset = self.store.add(read(name), name.split(" [")[0])
        assert filled.start is not None, "asked before"
        if not asset.notes and not asset.has_alpha:
            return asset.id
        return self.store.add_picture(filled.start).id

    def _with_own(self, recipe: Recipe, own: Mapping[str, Any] | None) -> Recipe:
        """What a request of ours says besides: scripts and the like."""
        if not own:
            return recipe
        return Recipe.from_json(
            recipe.as_json() | {name: value for name, value in own.items() if name not in ("picture", "mask", "fields")}
        )


def _without_last_layer(match: FormMatch, models: ModelFiles) -> FormMatch:
    """The form's clip skip 1 is the layer that a model was trained with, which for Stable Diffusion 2 is not the last one."""
    name = (match.request.get("override_settings") or {}).get("sd_model_checkpoint", "")
    if LAST_LAYER not in match.said or not models.has(CHECKPOINTS, name):
        return match
    is_same = models.find(CHECKPOINTS, name).entry.family != SD2
    return match if is_same else FormMatch(why_not=(("workflow_form.not.last_layer", {}),))


def _name_here(models: ModelFiles, kind: str, name: str) -> str:
    return models.find(kind, name).name if models.has(kind, name) else name
