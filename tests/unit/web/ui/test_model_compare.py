"""Comparing checkpoints from the form: what is refused before anything runs, and what is queued."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from modules.base.errors import UnknownName
from modules.pipeline.modes import Mode
from modules.runtime.model_comparison import CHECKPOINT, KIND
from modules.runtime.recipe import Recipe
from modules.web.ui.messages import Told
from modules.web.ui.model_compare_desk import ModelCompareDesk

TITLES = {"one": "one.safetensors", "two": "two.safetensors"}


class Session(SimpleNamespace):
    """Knows two checkpoints."""

    store, process, history = None, None, None
    queued: list[tuple[Any, str]]

    def checkpoint(self, name: str | None) -> Any:
        if name not in TITLES:
            raise UnknownName(CHECKPOINT, name, list(TITLES))
        return SimpleNamespace(title=name, label=TITLES[name])

    def submit(self, task: Any, owner: str, *, kind: str, user: str | None) -> str:
        self.queued.append((task, kind))
        return "job"


def start(other: str | None, mode: Mode = Mode.INPAINT, own: str = "one") -> tuple[Any, str]:
    session = Session(queued=[])
    recipe = Recipe(fields={"seed": -1, "override_settings": {CHECKPOINT: own}})
    desk = SimpleNamespace(recipe=lambda *_, **__: recipe, follow=lambda language, job: {"followed": job})
    wiring: Any = SimpleNamespace(session=session, texts=None, desk=desk, studio=SimpleNamespace(versus=None))
    assert ModelCompareDesk(wiring).start("en", {}, {"owner": "me"}, mode.value, other) == {"followed": "job"}
    return session.queued[0]


def test_both_checkpoints_are_queued_as_one_job() -> None:
    task, kind = start("two")
    assert (kind, task.names) == (KIND, list(TITLES.values()))
    assert [recipe.fields["override_settings"][CHECKPOINT] for recipe in task.recipes] == ["one", "two"]
    assert len({recipe.fields["seed"] for recipe in task.recipes} - {-1}) == 1


@pytest.mark.parametrize(
    ("other", "mode", "text_id"),
    [(None, Mode.INPAINT, "versus.none"), ("one", Mode.INPAINT, "versus.same"), ("two", Mode.BATCH, "versus.not_batch")],
)
def test_what_cannot_be_compared_is_said(other: str | None, mode: Mode, text_id: str) -> None:
    with pytest.raises(Told) as told:
        start(other, mode)
    assert told.value.text_id == text_id


@pytest.mark.parametrize(("other", "own"), [("lost", "one"), ("two", "lost")])
def test_a_checkpoint_that_is_not_there_is_named(other: str, own: str) -> None:
    with pytest.raises(UnknownName, match="lost"):
        start(other, own=own)
