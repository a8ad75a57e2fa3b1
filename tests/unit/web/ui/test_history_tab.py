"""What the gallery asks of the studio is checked, and done for the person whose entry it is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from modules.base.errors import InvalidRequest
from modules.pipeline.modes import Mode
from modules.runtime.history.history import UnknownEntry
from modules.runtime.recipe import Recipe
from modules.runtime.store import Asset
from modules.web.ui import history_desk
from modules.web.ui.history_desk import HistoryDesk
from modules.web.ui.messages import current_login, guarded
from modules.web.ui.texts import Texts

RECIPE = Recipe(Mode.INPAINT, {"prompt": "a fox"}, picture="a" * 64)


class Entries:
    extras: Any = None

    def entry(self, entry_id: int) -> Any:
        if entry_id != 7:
            raise UnknownEntry("entry", entry_id, "an entry of the history")
        recipe = RECIPE if self.extras is None else Recipe(picture="a" * 64, extras=self.extras)
        return SimpleNamespace(id=7, owner="ann", recipe=recipe, result="b" * 64)


@pytest.fixture(scope="module")
def texts() -> Texts:
    return Texts.load()


@pytest.fixture
def desk(texts: Texts) -> HistoryDesk:
    tab = SimpleNamespace(image="image", source="source", sources="sources", wish="wish")
    script = SimpleNamespace(name="Upscale", control_values={"upscale_by": 4})
    runner = SimpleNamespace(scripts=[script], create_args_for_run=lambda named: [named])
    store = SimpleNamespace(has=lambda asset_id: True, hold=lambda asset_id: Asset(asset_id, 4, 3, has_alpha=asset_id.startswith("c")))
    restorer = SimpleNamespace(open_recipe=lambda language, recipe: {"recipe": recipe}, recipe_outputs=lambda: ["document", "prompt"])
    pictures = SimpleNamespace(open=lambda update, mode: {"opened": update, "mode": mode}, outputs=lambda: ["document", "tabs"])
    session = SimpleNamespace(history=Entries(), store=store, extras=SimpleNamespace(runner=runner))
    wiring: Any = SimpleNamespace(session=session, texts=texts, pictures=pictures, restorer=restorer)
    wiring.studio = SimpleNamespace(extras=tab, layers=SimpleNamespace(bridge="bridge"), top_tabs="tabs")
    wiring.desk = SimpleNamespace(lend=lambda asset_id, name: f"{asset_id[0]}/{name}")
    return HistoryDesk(wiring)


def test_an_entry_is_restored_with_everything(desk: HistoryDesk) -> None:
    assert desk.act("en", {"entry": 7, "at": 1}) == {"recipe": RECIPE}
    assert desk.outputs() == ["document", "prompt", "tabs", "image", "source", "sources", "wish", "bridge"]


def test_post_processing_is_restored_into_its_own_tab(desk: HistoryDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Entries, "extras", {"Upscale": {"upscale_by": 3, "gone": 1}, "Gone": {"enable": True}})
    opened = desk.act("en", {"entry": 7})
    assert opened["image"].startswith("a/") and opened["wish"] == [{"Upscale": {"upscale_by": 3}}] and opened["source"] == "single"
    assert desk.act("en", {"entry": 7, "mode": "extras"})["image"].startswith("b/")
    assert desk.act("en", {"entry": 7, "mode": "layers"})["bridge"]["asset"]["id"] == "b" * 64


def test_a_picture_is_opened_in_a_mode_and_says_that_no_mask_goes_along(desk: HistoryDesk) -> None:
    done = desk.act("en", {"entry": 7, "mode": "sketch"})
    assert done["mode"] is Mode.SKETCH and done["opened"]["set"]["picture"]["id"] == "b" * 64
    assert done["opened"]["set"]["mask"] is None and "No mask" in done["opened"]["set"]["note"]


@pytest.mark.parametrize("wish", [None, "restore", {}, {"entry": "7"}, {"entry": 7, "mode": "dance"}, {"entry": 7, "mode": None}])
def test_nonsense_is_refused(desk: HistoryDesk, wish: object) -> None:
    with pytest.raises(InvalidRequest, match="history"):
        desk.act("en", wish)


def test_an_entry_that_was_deleted_meanwhile(desk: HistoryDesk) -> None:
    with pytest.raises(UnknownEntry):
        desk.act("en", {"entry": 8})


def test_a_handler_knows_who_is_logged_in(texts: Texts) -> None:
    asked = guarded(texts, lambda language: current_login())
    assert asked(SimpleNamespace(request=None, username="ann")) == "ann"
    assert asked(SimpleNamespace(request=None, username=None)) is None


def test_with_logins_only_ones_own(desk: HistoryDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_desk, "current_login", lambda: "bob")
    with pytest.raises(UnknownEntry, match="an entry of yours"):
        desk.act("en", {"entry": 7})
    monkeypatch.setattr(history_desk, "current_login", lambda: "ann")
    assert desk.act("en", {"entry": 7}) == {"recipe": RECIPE}
