"""What a page finds again when it is opened: its own jobs, whatever it claims to be."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from modules.pipeline.modes import Mode
from modules.runtime.jobs import Job, JobState
from modules.web.ui import batch_desk, desk
from modules.web.ui.batch_desk import BatchDesk
from modules.web.ui.desk import Desk
from modules.web.ui.script_controls import ScriptControls
from modules.web.ui.texts import Texts


@pytest.fixture(scope="module")
def texts() -> Texts:
    return Texts.load()


class Named:
    """A studio whose widgets are their names."""

    def __init__(self, name: str = "studio") -> None:
        self._name = name

    def __getattr__(self, name: str) -> Named:
        return Named(f"{self._name}.{name}")

    def __hash__(self) -> int:
        return hash(self._name)

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other)

    def __str__(self) -> str:
        return self._name


@pytest.mark.parametrize(("login", "is_found"), [("ann", True), ("bob", False), (None, False)])
def test_a_page_gets_the_jobs_of_its_login_alone(
    login: str | None, is_found: bool, texts: Texts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job("0123", SimpleNamespace(script_args=[7]), user="ann", state=JobState.FAILED, error=ValueError())
    session: Any = SimpleNamespace(queue=SimpleNamespace(jobs=lambda: [job]))
    monkeypatch.setattr(desk, "current_login", lambda: login)
    updates = Desk(session, texts, Named(), tmp_path).attach("en", {"owner": "0123"})  # type: ignore[arg-type]
    assert (updates.get("studio.seen", {}).get("job") == job.id) == is_found
    runner: Any = SimpleNamespace(default_args=lambda: [0])
    shown = ScriptControls(session, texts)._last_args(runner, {"owner": "0123"}, None, login)
    assert shown == ([7] if is_found else [0])


@pytest.mark.parametrize(
    ("opened", "known", "mode", "content"),
    [
        (None, "inpaint", Mode.INPAINT, 2),
        ("sketch", "inpaint", Mode.SKETCH, 2),
        ("inpaint_sketch", "inpaint", Mode.INPAINT_SKETCH, desk.ORIGINAL),
        ("inpaint_sketch", "inpaint_sketch", Mode.INPAINT_SKETCH, 2),
    ],
)
def test_a_recipe_goes_by_the_tab_that_is_open(
    opened: str | None, known: str, mode: Mode, content: int, texts: Texts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio: Any = SimpleNamespace(fields={"inpainting_fill": None})
    monkeypatch.setattr(desk, "recipe_from", lambda named, mode, document, script: (dict(named), mode))
    made: Any = Desk(SimpleNamespace(), texts, studio, tmp_path).recipe({"mode": opened}, known, 2)  # type: ignore[arg-type]
    assert made == ({"inpainting_fill": content}, mode)


def test_the_batch_tab_asks_for_batches_of_the_login(texts: Texts, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []

    def find(*values: Any) -> Any:
        asked.append(values)
        raise LookupError

    def list_them(*values: Any) -> list[Any]:
        asked.append(values)
        return []

    batches = SimpleNamespace(of_owner=list_them, find=find, resume=find)
    wiring: Any = SimpleNamespace(session=SimpleNamespace(batches=batches), texts=texts, desk=None)
    monkeypatch.setattr(batch_desk, "current_login", lambda: "ann")
    tab = BatchDesk(wiring, Named())  # type: ignore[arg-type]
    tab.list_earlier("en", {"owner": "0123"})
    for act in (tab.show, tab.resume):
        with pytest.raises(LookupError):
            act("en", {"owner": "0123"}, "b")
    assert [values[-1] for values in asked] == ["ann"] * 3 and asked[1][:2] == ("b", "0123")
