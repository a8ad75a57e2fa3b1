"""The document's picture: open one, send a result to a tab, and the sizes that suit it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio as gr

from modules.pipeline.modes import Mode
from modules.runtime.session import Session
from modules.web.ui.canvas import document_update
from modules.web.ui.controls.size import fitting_size, image_size
from modules.web.ui.messages import Told, looked_at
from modules.web.ui.source import caption
from modules.web.ui.studio import Studio
from modules.web.ui.texts import Texts

Updates = dict[Any, Any]
Document = Mapping[str, Any]
SHAPE_TOLERANCE = 0.01
"""Pictures whose proportions differ by less than this count as of one shape: sizes are rounded to whole pixels."""


class Pictures:
    """Event handlers around the document; each returns updates by widget."""

    def __init__(self, session: Session, texts: Texts, studio: Studio) -> None:
        self._session, self._texts, self._studio = session, texts, studio

    def outputs(self) -> list[Any]:
        """What opening a picture from the server's side may change."""
        studio = self._studio
        return [studio.document, studio.last_shape, studio.top_tabs, *self.tab_outputs()]

    def tab_outputs(self) -> list[Any]:
        """What opening a tab changes."""
        studio = self._studio
        return [studio.modes.tabs, studio.mode, studio.mask_group, studio.sketch_group]

    def describe(self, language: str, document: Document) -> str:
        """The line below the canvas."""
        return caption(self._texts, language, document["picture"])

    def sender(self, mode: Mode) -> Callable[..., Updates]:
        """A handler that makes the result that is looked at the document's picture and opens the tab of `mode`."""

        def send(language: str, shown: list[dict[str, Any]], selected: int, keeps_mask: bool, document: Document) -> Updates:
            return self.send(language, looked_at(shown, selected)["asset"], mode, document, keeps_mask=keeps_mask)

        return send

    def send(self, language: str, asset_id: str, mode: Mode, document: Document, *, keeps_mask: bool) -> Updates:
        """Open a stored picture in the tab of a mode, and say whether the mask went along.

        Raises:
            UnknownAsset: It is gone.
        """
        asset = self._session.store.hold(asset_id)
        before = document["picture"]
        fits = before is not None and (before["width"], before["height"]) == (asset.width, asset.height)
        mask = document["mask"] if keeps_mask and fits else None
        text_id = "sent.with_mask" if mask else "sent.mask_misfit" if keeps_mask and document["mask"] else "sent.without_mask"
        note = self._texts.say(language, text_id)
        return self.open(document_update(asset.as_json(), mask, None, note), mode)

    def open(self, update: dict[str, Any], mode: Mode) -> Updates:
        """Open a document (`document_update`) in the tab of a mode, wherever on the page the person is."""
        studio = self._studio
        return {studio.document: update, studio.top_tabs: gr.update(selected="studio"), **self.open_tab(mode)}

    def open_sized(self, update: dict[str, Any], mode: Mode) -> Updates:
        """The same for a picture that comes with its own width and height: they stay, whatever its proportions."""
        picture = update["set"]["picture"]
        shape = {self._studio.last_shape: [picture["width"], picture["height"]]} if picture else {}
        return {**shape, **self.open(update, mode)}

    def open_tab(self, mode: Mode) -> Updates:
        """Show the tab of a mode, and the controls that belong to it."""
        studio = self._studio
        return {studio.modes.tabs: gr.update(selected=mode.value), studio.mode: mode.value, **studio.groups_of(mode)}

    def use_image_size(self, language: str, document: Document) -> tuple[int, int, bool]:
        """Width and height of the picture."""
        return *image_size(*_size(document)), True

    def fit_model(self, language: str, document: Document, checkpoint: str | None) -> tuple[int, int, bool]:
        """The picture's proportions, at about the area that the model was made for."""
        return *fitting_size(*_size(document), self._native_px(checkpoint)), True

    def suggest_size(
        self, language: str, mode: str, area: int, is_own_size: bool, last: list[int] | None, document: Document, checkpoint: str | None
    ) -> tuple[Any, ...]:
        """A size that suits picture, tab and area, unless the person has chosen one for a picture of these proportions.

        Returns:
            Width, height, `is_own_size` and `last_shape`.
        """
        picture = document["picture"]
        shape = [picture["width"], picture["height"]] if picture else last
        if is_own_size and (not last or not shape or has_same_proportions(last, shape)):
            return gr.skip(), gr.skip(), gr.skip(), shape
        is_own = False if is_own_size else gr.skip()
        native_px = self._native_px(checkpoint)
        if picture is None or (Mode(mode).has_mask and area):
            return native_px, native_px, is_own, shape
        return *fitting_size(*_size(document), native_px), is_own, shape

    def _native_px(self, checkpoint: str | None) -> int:
        return self._session.preset(checkpoint).width


def has_same_proportions(one: Sequence[int], other: Sequence[int]) -> bool:
    """Whether width : height differs by no more than `SHAPE_TOLERANCE`."""
    return abs(one[0] * other[1] / (one[1] * other[0]) - 1) <= SHAPE_TOLERANCE


def _size(document: Document) -> tuple[int, int]:
    if document["picture"] is None:
        raise Told("error.no_picture")
    return int(document["picture"]["width"]), int(document["picture"]["height"])
