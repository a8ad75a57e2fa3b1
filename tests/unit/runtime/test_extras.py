"""A job of post-processing: results saved and recorded one by one; a bad file, a skip and an interruption cost no other picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from modules.base.errors import InvalidImage, InvalidRequest
from modules.base.paths import Paths
from modules.pipeline.context import ReuseCache
from modules.plugins.controls import Control
from modules.plugins.postprocessing import PostprocessedImage, ScriptPostprocessing, ScriptPostprocessingRunner
from modules.runtime.context import JobContext
from modules.runtime.extras import calls
from modules.runtime.extras.extras import sources_in
from modules.runtime.extras.result import has_parameters
from modules.runtime.extras.source import ExtrasSource
from modules.runtime.extras.task import ExtrasTask
from modules.runtime.jobs import Job
from modules.runtime.session import Session
from modules.settings.flags import Flags
from modules.settings.options import Options

UPSCALE = (
    *("upscale_enabled", "upscale_mode", "upscale_by", "max_side_length", "upscale_to_width", "upscale_to_height", "upscale_crop"),
    *("upscaler_1_name", "upscaler_2_name", "upscaler_2_visibility"),
)
INFOTEXT = "a cat\nSteps: 6, Sampler: Euler, CFG scale: 7.0, Seed: 5, Size: 8x8"


class Mark(ScriptPostprocessing):
    name = "Mark"

    def __init__(self, act: Callable[[int], None]) -> None:
        self.act, self.count = act, 0

    def process(self, pp: PostprocessedImage, **args: Any) -> None:
        self.count += 1
        self.act(self.count)
        pp.info["Marked by"] = "me, of course"
        pp.extra_images.append(pp.create_copy(pp.image, nametags=["copy"]))


class Records:
    is_on = True

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def record(self, job: Job, *, is_over: bool = True) -> None:
        assert not is_over
        self.jobs.append(job)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    info = Image.new("RGB", (8, 8), "red")
    info.save(folder / "1.png")
    (folder / "2.png").write_bytes(b"no picture")
    Image.new("RGBA", (6, 4), (1, 2, 3, 0)).save(folder / "3.png")
    return folder


def run(tmp_path: Path, sources: list[ExtrasSource], act: Callable[[Job, int], None] = lambda job, n: None, **named: Any) -> Any:
    job, history = Job("ann", None, "extras"), Records()
    runner = ScriptPostprocessingRunner([Mark(lambda count: act(job, count))])
    store: Any = SimpleNamespace(
        add=lambda data, name: SimpleNamespace(id=name), add_picture=lambda image, text: SimpleNamespace(id="kept")
    )
    context = JobContext(job, Options(), Paths.under(tmp_path), ReuseCache(), lambda *args: None, lambda: SimpleNamespace())  # type: ignore[arg-type,return-value]
    task = ExtrasTask(sources, runner, [], store, history, **named)
    return task.run(context), job, history


def test_a_bad_file_is_named_and_the_rest_goes_on(tmp_path: Path, folder: Path) -> None:
    result, job, history = run(tmp_path, sources_in(folder), folder=tmp_path / "out", keeps_names=True)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["1-copy.png", "1.png", "3-copy.png", "3.png"]
    assert result.notes[:2] == ["2 of 3 pictures made", "1 failed"] and result.notes[2].startswith("2.png: image: ")
    assert [image.mode for image in result.images] == ["RGB", "RGB", "RGBA", "RGBA"]
    assert [(one.id, one.recipe.picture) for one in history.jobs if one.recipe] == [(job.id, "1.png"), (job.id, "3.png")]
    with Image.open(tmp_path / "out" / "1.png") as saved:
        assert saved.info["postprocessing"] == saved.info["extras"] == 'Marked by: "me, of course"' and "parameters" not in saved.info
    assert (job.image_no, job.images) == (2, 3) and job.recipe is not None and job.recipe.made_in == "extras"


def test_an_interruption_keeps_what_is_finished(tmp_path: Path, folder: Path) -> None:
    result, _, history = run(tmp_path, sources_in(folder), lambda job, n: job.interrupt() if n == 2 else None, folder=tmp_path / "out")
    assert len(list((tmp_path / "out").rglob("*.png"))) == 2 and len(history.jobs) == 1 and result.is_interrupted


def test_a_skip_costs_one_picture(tmp_path: Path, folder: Path) -> None:
    result, _, _ = run(tmp_path, sources_in(folder), lambda job, n: job.skip() if n == 1 else None)
    assert [image.size for image in result.images] == [(6, 4), (6, 4)] and result.notes[0] == "1 of 3 pictures made"


def test_a_single_bad_file_fails_the_job(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(InvalidImage):
        run(tmp_path, [ExtrasSource("2.png", folder / "2.png")])
    with pytest.raises(InvalidImage, match="that exists"):
        run(tmp_path, [ExtrasSource("gone.png", folder / "gone.png")])
    with pytest.raises(InvalidRequest, match="pictures in it"):
        sources_in(tmp_path)


def test_the_infotext_of_the_source_stays_in_front(tmp_path: Path) -> None:
    picture = SimpleNamespace(image=Image.new("RGB", (8, 8)), info={"parameters": INFOTEXT}, icc=None, notes=())
    result, _, _ = run(tmp_path, [ExtrasSource("a.png", picture=picture)])  # type: ignore[arg-type]
    assert result.infotexts[0] == f'{INFOTEXT}, Marked by: "me, of course"'
    assert (result.all_prompts[0], result.all_seeds[0]) == ("a cat", 5)
    assert result.made[0].chunks["parameters"] == INFOTEXT
    assert not has_parameters("a letter") and not has_parameters("")


def test_a1111s_call_waits_for_the_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Upscale(ScriptPostprocessing):
        name = "Upscale"
        control_values = {name: Control() for name in UPSCALE}  # noqa: RUF012 - as A1111's scripts do

        def process(self, pp: PostprocessedImage, **args: Any) -> None:
            pp.image, pp.info["By"] = pp.image.resize((16, 16)), args["upscale_by"]

    session = Session(Paths.under(tmp_path), Flags())
    monkeypatch.setattr(calls, "SHARED", SimpleNamespace(session=session, is_bound=True))
    monkeypatch.setattr(session.extras.library, "_runner", ScriptPostprocessingRunner([Upscale()]))
    try:
        assert calls.loaded_postprocessing() is session.extras.runner
        images, said, _ = calls.run_extras(0, 0, Image.new("RGB", (8, 8)), upscaling_resize=2)
        assert images[0].size == (16, 16) and said == "<p>By: 2</p>" and len(list((tmp_path / "outputs/extras-images").rglob("*.png"))) == 1
        with pytest.raises(InvalidRequest, match="no face restoration"):
            calls.run_extras(0, 0, Image.new("RGB", (8, 8)), gfpgan_visibility=1)
    finally:
        session.close()
