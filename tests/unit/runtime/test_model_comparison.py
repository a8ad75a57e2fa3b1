"""One request on two checkpoints: seeds drawn once, results of both, and what becomes of one that cannot be used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from modules.base.errors import MissingModel
from modules.base.paths import Paths
from modules.pipeline.processed import Processed
from modules.runtime.jobs import JobState
from modules.runtime.model_comparison import CHECKPOINT, KIND, ModelComparison, recipes_for
from modules.runtime.recipe import Recipe
from modules.runtime.session import Session
from modules.settings.flags import Flags
from modules.web.ui.model_compare import pair

TIMEOUT_S = 20.0
COLOURS = {"one": (200, 10, 10), "two": (10, 10, 200)}


class Painter:
    """Stands in for the pipeline: a plain picture of its checkpoint's colour."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.stops = False

    def __call__(self, request: Any, context: Any) -> Processed:
        self.asked.append(request)
        name = request.override_settings[CHECKPOINT]
        if name not in COLOURS:
            raise MissingModel(f"{name} is gone")
        context.begin(1, request.steps)
        if self.stops:
            context.job.whole.interrupt()
        picture = Image.new("RGB", request.init_images[0].size, COLOURS[name])
        return Processed(request, [picture], request.seed, infotexts=[f"cat\nSteps: 3, Seed: {request.seed}, Model: {name}"])


@pytest.fixture
def painter() -> Painter:
    return Painter()


@pytest.fixture
def session(tmp_path: Path, painter: Painter) -> Iterator[Session]:
    session = Session(Paths.under(tmp_path), Flags(), process=painter)
    yield session
    session.close()


def run(session: Session, *titles: str) -> Any:
    picture = session.store.add_picture(Image.new("RGB", (32, 24)))
    recipe = Recipe(fields={"prompt": "cat", "steps": 3, "override_settings": {"CLIP_stop_at_last_layers": 2}}, picture=picture.id)
    task = ModelComparison(recipes_for(recipe, titles), titles, [], session.store, session.process, session.history)
    job = session.submit(task, "me", kind=KIND)
    assert job.wait(TIMEOUT_S)
    return job


def test_seeds_are_drawn_once_and_the_rest_stays() -> None:
    first, second = recipes_for(Recipe(fields={"seed": -1, "override_settings": {"CLIP_stop_at_last_layers": 2}}), ["one", "two"])
    assert first.fields["seed"] == second.fields["seed"] >= 0 and first.fields["subseed"] == second.fields["subseed"] >= 0
    assert first.fields["override_settings"] == {"CLIP_stop_at_last_layers": 2, CHECKPOINT: "one"}
    assert second.fields["override_settings"] == {"CLIP_stop_at_last_layers": 2, CHECKPOINT: "two"}
    assert recipes_for(Recipe(fields={"seed": 7}), ["one"])[0].fields["seed"] == 7


def test_both_results_are_there_paired_and_in_the_history(session: Session, painter: Painter) -> None:
    job = run(session, "one", "two")
    assert job.state is JobState.DONE and job.progress == 1
    assert [image.getpixel((0, 0)) for image in job.result.images] == list(COLOURS.values())
    assert painter.asked[0].seed == painter.asked[1].seed >= 0
    assert [recipe.fields["override_settings"][CHECKPOINT] for recipe in job.result.recipes] == ["one", "two"]
    shown: list[dict[str, Any]] = [{"asset": "a"}, {"asset": "b"}]
    pair(job.result, shown)
    assert shown[0]["versus"] == shown[1]["versus"] == {"left": "a", "right": "b", "names": ["one", "two"]}
    entries = session.history.search().entries
    assert [entry.model for entry in entries] == ["two", "one"]
    assert {entry.seed for entry in entries} == {painter.asked[0].seed}


def test_a_second_checkpoint_that_fails_is_said_and_the_first_kept(session: Session) -> None:
    job = run(session, "one", "lost")
    assert job.state is JobState.DONE and len(job.result.images) == 1
    assert "lost: lost is gone" in job.result.notes and job.result.pairs == []
    assert run(session, "lost", "one").state is JobState.FAILED


def test_stopped_after_the_first(session: Session, painter: Painter) -> None:
    painter.stops = True
    job = run(session, "one", "two")
    assert job.state is JobState.INTERRUPTED and len(painter.asked) == 1 and len(job.result.images) == 1
