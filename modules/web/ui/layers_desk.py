"""Pictures on their way to the layers, and layers on their way to be repainted."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from modules.base.errors import InvalidRequest
from modules.pipeline.modes import Mode
from modules.web.ui.canvas import document_update
from modules.web.ui.layers import LAYERS
from modules.web.ui.messages import looked_at
from modules.web.ui.wiring import Wiring

Updates = dict[Any, Any]


class LayersDesk:
    """Event handlers around the tab; each returns updates by widget."""

    def __init__(self, wiring: Wiring) -> None:
        self._session, self._texts, self._studio, self._pictures = wiring.session, wiring.texts, wiring.studio, wiring.pictures

    def open_outputs(self) -> list[Any]:
        """What `open` may change."""
        return [self._studio.layers.bridge, self._studio.top_tabs]

    def bring(self, language: str, shown: Sequence[Mapping[str, Any]], selected: int) -> Updates:
        """The result that is looked at goes to the tab."""
        return self.open(str(looked_at(shown, selected)["asset"]))

    def open(self, asset_id: str) -> Updates:
        """Hand a stored picture to the tab and show the tab; there the person says what becomes of it.

        Raises:
            UnknownAsset: It is gone.
        """
        asset = self._session.store.hold(asset_id)
        wish = {"asset": asset.as_json(), "at": time.time()}  # the time tells two sendings of one picture apart
        return {self._studio.layers.bridge: wish, self._studio.top_tabs: gr.update(selected=LAYERS)}

    def repaint(self, language: str, wish: Any) -> Updates:
        """Open a layer's picture in the Inpaint tab, with the layer's shape as mask.

        Raises:
            InvalidRequest: It is no wish of the tab's.
            UnknownAsset: The pictures are gone.
        """
        if not isinstance(wish, Mapping) or not all(isinstance(wish.get(name), str) for name in ("picture", "mask")):
            raise InvalidRequest("layers", wish, "ids of a picture and of a mask")
        picture, mask = self._session.store.hold(wish["picture"]), self._session.store.hold(wish["mask"])
        note = self._texts.say(language, "layers.repaint.sent")
        return self._pictures.open(document_update(picture.as_json(), mask.id, note=note), Mode.INPAINT)


def wire_layers(wiring: Wiring) -> None:
    """Connect the tab's widgets, and the buttons that send pictures to it."""
    desk, studio = LayersDesk(wiring), wiring.studio
    wiring.on(studio.layers.bridge.submit, desk.repaint, [studio.layers.bridge], wiring.pictures.outputs())
    wiring.on(studio.results.to_layers.click, desk.bring, [studio.shown, studio.selected], desk.open_outputs())
