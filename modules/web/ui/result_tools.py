"""Event handlers around the result that is looked at: what is said of it, and what can be done with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr

from modules.pipeline.modes import Mode
from modules.runtime.comparison import Comparison
from modules.runtime.recipe import Recipe
from modules.runtime.repair import KIND, SeamRepair
from modules.runtime.store import UnknownAsset
from modules.web.ui.compare import describe_facts, describe_gone, lay_out_views
from modules.web.ui.messages import Told, current_login, looked_at

if TYPE_CHECKING:
    from modules.web.ui.wiring import Wiring

Updates = dict[Any, Any]
Shown = Sequence[Mapping[str, Any]]
"""Pictures of the gallery, as in `Studio.shown`."""


class ResultTools:
    """Each returns updates by widget."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring, self._session, self._texts, self._studio = wiring, wiring.session, wiring.texts, wiring.studio

    def look(self, language: str, shown: Shown, selected: int) -> Updates:
        """Say what is known of the picture that is looked at, and offer what can be done."""
        results = self._studio.results
        entry = shown[selected] if 0 <= selected < len(shown) else {}
        scored = [one for one in shown if one.get("seam") is not None]
        versus = entry.get("versus")
        updates: Updates = {
            results.facts: "",
            results.compare: lay_out_views(self._texts, language, None, versus),
            results.repair: gr.update(interactive=False),
            results.reuse: gr.update(interactive=entry.get("recipe") is not None),
            results.sort: gr.update(visible=len(scored) > 1),
        }
        if entry.get("recipe") is None or entry.get("number") is None:
            return updates
        try:
            found = self._session.comparer.compare(_recipe(entry), entry["asset"])
        except UnknownAsset:
            return {**updates, results.facts: describe_gone(self._texts, language)}
        return {
            **updates,
            results.facts: describe_facts(self._texts, language, found, is_mask_replaced=bool(entry.get("is_mask_replaced"))),
            results.compare: lay_out_views(self._texts, language, found, versus),
            results.repair: gr.update(interactive=_has_seam(found)),
        }

    def repair(self, language: str, shown: Shown, selected: int, memory: Mapping[str, str]) -> Updates:
        """Queue the repair of the seam; the mended picture will stand beside the others."""
        entry = looked_at(shown, selected)
        recipe = _recipe(entry)
        if not _has_seam(self._session.comparer.compare(recipe, entry["asset"])):
            raise Told("results.no_seam")
        session = self._session
        task = SeamRepair(recipe, entry["asset"], int(entry["seed"]), str(entry["infotext"]), session.store, session.process)
        job = session.submit(task, memory["owner"], kind=KIND, user=current_login())
        return self._wiring.desk.follow(language, job, beside=[dict(one) for one in shown], at=selected)

    def reuse(self, language: str, shown: Shown, selected: int) -> Updates:
        """Form, picture and mask that the result was made with, and the seed that it got."""
        entry = looked_at(shown, selected)
        recipe = _recipe(entry)
        recipe = dataclasses.replace(recipe, fields={**recipe.fields, "seed": int(entry["seed"])})
        return self._wiring.restorer.open_recipe(language, recipe)

    def proceed(self, language: str, shown: Shown, selected: int, mode: str, document: Mapping[str, Any]) -> Updates:
        """The result becomes the picture of the tab that is open, with nothing masked."""
        entry = looked_at(shown, selected)
        into = Mode.INPAINT if Mode(mode) is Mode.BATCH else Mode(mode)
        return self._wiring.pictures.send(language, entry["asset"], into, document, keeps_mask=False)

    def sort(self, language: str, shown: Shown) -> Updates:
        """The gallery by seams, the least visible first; a grid stays in front."""
        ordered = sorted(shown, key=_order)
        first = next(place for place, entry in enumerate(ordered) if entry.get("number") is not None)
        results = self._studio.results
        return {
            self._studio.shown: ordered,
            self._studio.selected: first,
            results.gallery: gr.update(value=[entry["path"] for entry in ordered], selected_index=first),
            results.infotext: ordered[first]["infotext"],
            results.save: gr.update(value=ordered[first]["path"]),
        }


def _has_seam(found: Comparison | None) -> bool:
    return found is not None and found.seam is not None


def _recipe(entry: Mapping[str, Any]) -> Recipe:
    if entry.get("recipe") is None:
        raise Told("results.no_recipe")
    return Recipe.from_json(entry["recipe"])


def _order(entry: Mapping[str, Any]) -> tuple[int, float]:
    if entry.get("number") is None:
        return 0, 0.0
    seam = entry.get("seam")
    return (2, 0.0) if seam is None else (1, float(seam))
