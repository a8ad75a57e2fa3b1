"""What callbacks of extensions see and change of a job."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from modules import script_callbacks
from modules.pipeline.processing import Img2ImgProcessing
from modules.pipeline.run import process_images
from modules.plugins.callbacks import CALLBACKS
from modules.plugins.runner import ScriptRunner
from modules.plugins.script import Script
from tests.unit.pipeline.conftest import Run


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    CALLBACKS.clear()
    yield
    CALLBACKS.clear()


def test_the_denoiser_is_watched_and_changed(run: Run) -> None:
    plain, _ = run()
    seen: list[Any] = []
    script_callbacks.on_cfg_denoiser(lambda params: seen.append(("in", params.sampling_step, params.x.shape, params.text_uncond.ndim)))
    script_callbacks.on_cfg_denoised(lambda params: seen.append(("out", params.total_sampling_steps, params.x.shape)))
    script_callbacks.on_cfg_after_cfg(lambda params: setattr(params, "x", params.x * 0))
    changed, _ = run()
    assert [entry[0] for entry in seen[:2]] == ["in", "out"] and seen[0][1] == 0 and len(seen) >= 4
    assert changed.images[0].tobytes() != plain.images[0].tobytes() and not changed.notes


@pytest.mark.parametrize("hook", ["on_cfg_denoiser", "on_cfg_denoised", "on_cfg_after_cfg"])
@pytest.mark.parametrize("value", [None, 7, torch.zeros(2)])
def test_latents_that_are_none_are_put_back(run: Run, hook: str, value: Any) -> None:
    plain, _ = run()
    CALLBACKS.add(hook, lambda params: setattr(params, "x", value))
    kept, _ = run()
    assert kept.images[0].tobytes() == plain.images[0].tobytes()
    (note,) = kept.notes
    assert hook.removeprefix("on_") in note and "TypeError: x of" in note


def test_extra_noise_can_be_replaced(run: Run) -> None:
    options = {"override_settings": {"img2img_extra_noise": 0.5}}
    plain, _ = run(**options)
    script_callbacks.on_extra_noise(lambda params: setattr(params, "noise", params.noise * 0))
    without, _ = run(**options)
    never, _ = run()
    assert without.images[0].tobytes() == never.images[0].tobytes() != plain.images[0].tobytes()


def test_what_is_saved_can_be_changed_and_is_told(run: Run, tmp_path: Path) -> None:
    told: list[Any] = []

    def change(params: script_callbacks.ImageSaveParams) -> None:
        told.append(params.filename)
        params.image = Image.new("RGB", (5, 4), "red")
        params.pnginfo["parameters"] += "\nand more"
        params.pnginfo["mine"] = 3
        params.filename = str(Path(params.filename).with_name("chosen.png"))

    script_callbacks.on_before_image_saved(change)
    script_callbacks.on_image_saved(lambda params: told.append((Path(params.filename), params.p.prompt)))
    processed, _ = run(do_not_save_samples=False, batch_size=2, prompt="cat", do_not_save_grid=True)
    first, second = processed.paths
    assert (first.name, second.name) == ("chosen.png", "chosen-1.png") and Path(told[0]).parent == first.parent
    assert told[1] == (first, "cat") and told[3] == (second, "cat")
    with Image.open(first) as saved:
        assert saved.size == (5, 4) and saved.info["mine"] == "3" and str(saved.info["parameters"]).endswith("\nand more")
    assert processed.images[0].size != (5, 4) and "and more" not in processed.infotexts[0]


@pytest.mark.parametrize("name", ["../../outside.png", "/outside.png", "models/x.png", "outputs/x.exe", "", 5])
def test_a_file_is_saved_where_files_may_be_saved(run: Run, name: Any) -> None:
    script_callbacks.on_before_image_saved(lambda params: setattr(params, "filename", name))
    processed, context = run(do_not_save_samples=False, do_not_save_grid=True)
    (path,) = processed.paths
    assert path.suffix == ".png" and path.is_relative_to(context.paths.outputs) and path.is_file()
    assert len(processed.notes) == 1 and "allback" in processed.notes[0]


def test_a_grid_is_laid_out_as_a_callback_wants(run: Run) -> None:
    script_callbacks.on_image_grid(lambda params: vars(params).update(cols=3, rows=1))
    processed, _ = run(batch_size=3, do_not_save_grid=False, override_settings={"grid_save": False})
    grid, first = processed.images[:2]
    assert processed.index_of_first_image == 1 and grid.size == (3 * first.width, first.height)


class Inner(Script):
    """Repaints each picture in a job of its own."""

    def __init__(self) -> None:
        self.count = 0

    def title(self) -> str:
        return "Inner"

    def postprocess_image(self, p: Any, pp: Any, *args: Any) -> None:
        self.count += 1
        inner = Img2ImgProcessing(
            init_images=[pp.image], width=p.width, height=p.height, steps=2, seed=1, do_not_save_samples=True, do_not_save_grid=True
        )
        pp.image = process_images(inner).images[0]


def test_a_job_that_a_script_makes_has_no_scripts_of_its_own(run: Run) -> None:
    plain, _ = run()
    script = Inner()
    processed, _ = run(scripts=ScriptRunner([], [script]))
    assert script.count == 1 and not processed.notes
    assert processed.images[0].tobytes() != plain.images[0].tobytes()


class Quiet(Script):
    """Takes the noise away in place."""

    def title(self) -> str:
        return "Quiet"

    def process_before_every_sampling(self, p: Any, *args: Any, x: Any, noise: Any, c: Any, uc: Any) -> None:
        assert x.shape == noise.shape and c is not None and uc is not None
        noise.zero_()


def test_noise_can_be_changed_before_sampling(run: Run) -> None:
    plain, _ = run()
    processed, _ = run(scripts=ScriptRunner([], [Quiet()]))
    assert not processed.notes and processed.images[0].tobytes() != plain.images[0].tobytes()
