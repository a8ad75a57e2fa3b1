"""What the history gives back to the studio: everything an entry was made from, or its picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules.base.errors import InvalidRequest
from modules.pipeline.modes import Mode
from modules.runtime.history.history import UnknownEntry
from modules.runtime.recipe import EXTRAS
from modules.web.ui.canvas import document_update
from modules.web.ui.extras_desk import ExtrasDesk
from modules.web.ui.layers import LAYERS
from modules.web.ui.layers_desk import LayersDesk
from modules.web.ui.messages import current_login
from modules.web.ui.wiring import Wiring

Updates = dict[Any, Any]
MODES = [*(mode.value for mode in Mode), EXTRAS, LAYERS]


class HistoryDesk:
    """Event handlers of the tab."""

    def __init__(self, wiring: Wiring) -> None:
        self._session, self._texts = wiring.session, wiring.texts
        self._pictures, self._restorer, self._extras = wiring.pictures, wiring.restorer, ExtrasDesk(wiring)
        self._layers = LayersDesk(wiring)

    def outputs(self) -> list[Any]:
        """What `act` may change."""
        outputs = (*self._restorer.recipe_outputs(), *self._pictures.outputs(), *self._extras.open_outputs(), *self._layers.open_outputs())
        return list(dict.fromkeys(outputs))

    def act(self, language: str, wish: Any) -> Updates:
        """Do what the person chose in the gallery.

        Raises:
            InvalidRequest: It is no wish of the gallery's.
            UnknownEntry: The entry was deleted meanwhile, or is somebody else's.
            UnknownAsset: The picture is gone.
        """
        if not isinstance(wish, Mapping) or not isinstance(wish.get("entry"), int) or wish.get("mode", MODES[0]) not in MODES:
            raise InvalidRequest("history", wish, "an entry's id, and the mode that its picture is for")
        entry, login = self._session.history.entry(wish["entry"]), current_login()
        if login is not None and entry.owner != login:
            raise UnknownEntry("entry", entry.id, "an entry of yours")
        if "mode" not in wish and entry.recipe.extras is not None:
            return self._extras.open_recipe(language, entry.recipe)
        if "mode" not in wish:
            return self._restorer.open_recipe(language, entry.recipe)
        if wish["mode"] == EXTRAS:
            return self._extras.open(entry.result)
        if wish["mode"] == LAYERS:
            return self._layers.open(entry.result)
        asset = self._session.store.hold(entry.result)
        return self._pictures.open(document_update(asset.as_json(), note=self._note(language, asset)), Mode(wish["mode"]))

    def _note(self, language: str, asset: Any) -> str:
        return self._texts.say(language, "history.sent_with_alpha" if asset.has_alpha else "history.sent")


def wire_history(wiring: Wiring) -> None:
    """Connect the tab's widgets."""
    desk = HistoryDesk(wiring)
    tab = wiring.studio.history
    wiring.on(tab.bridge.submit, desk.act, [tab.bridge], desk.outputs())
