from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from modules.base.errors import InvalidRequest
from modules.imaging.color import correction_target
from modules.settings.options import Options
from tests.unit.scripts.conftest import RunScript, noise

CURVES = {
    "Linear": [0.8, 0.6, 0.4],
    "Aggressive": [0.8, 0.8 - 0.4 * np.sin(np.pi / 4), 0.4],
    "Lazy": [0.8, 0.8 - 0.4 * (1 - np.cos(np.pi / 4)), 0.4],
}


@pytest.mark.parametrize("curve", CURVES)
def test_strength_moves_along_the_curve(run_script: RunScript, curve: str) -> None:
    made = run_script("Loopback", [3, 0.4, curve, "None"], denoising_strength=0.8)
    assert made.all("denoising_strength") == pytest.approx(CURVES[curve])
    assert made.all("seed") == [5, 6, 7]
    assert [image.size for image in made.processed.images] == [(192, 64), (64, 64), (64, 64), (64, 64)]
    texts = [image.info.get("parameters") for image in made.processed.images]
    assert texts[0] is None and all(f"Seed: {seed}" in str(text) for seed, text in zip((5, 6, 7), texts[1:], strict=True))
    assert f"Final denoising strength: 0.4, Denoising curve: {curve}" in str(texts[1])
    assert made.processed.infotexts == [texts[1]] * 4 and made.processed.seed == 5


def test_each_result_is_the_next_start(run_script: RunScript) -> None:
    made = run_script("Loopback", [3])
    starts = [run["init_images"][0].tobytes() for run in made.runs]
    assert starts[1:] == [image.tobytes() for image in made.processed.images[1:3]]


def test_missing_arguments_are_the_defaults(run_script: RunScript) -> None:
    assert len(run_script("Loopback", []).runs) == 4
    assert len(run_script("loopback", [1]).processed.images) == 1


def test_several_batches_show_their_last_pictures_and_begin_anew(run_script: RunScript) -> None:
    made = run_script(
        "Loopback", [2, 0.2], n_iter=3, batch_size=2, denoising_strength=0.6, inpainting_fill=2, image_mask=Image.new("L", (64, 64), 255)
    )
    assert made.all("seed") == [5, 6, 7, 8, 9, 10]
    assert made.all("denoising_strength") == pytest.approx([0.6, 0.2] * 3)
    assert made.all("inpainting_fill") == [2, 1] * 3
    assert made.all("batch_size") == made.all("n_iter") == [1] * 6
    assert [image.size for image in made.processed.images] == [(192, 64), (64, 64), (64, 64), (64, 64)]
    assert [image.info["parameters"].split(", ")[4] for image in made.processed.images[1:]] == ["Seed: 6", "Seed: 8", "Seed: 10"]


def test_a_random_seed_is_drawn_once(run_script: RunScript) -> None:
    first, second, third = run_script("Loopback", [3], seed=-1).all("seed")
    assert first >= 0 and (second, third) == (first + 1, first + 2)


def test_colours_are_those_of_the_very_first_picture(run_script: RunScript) -> None:
    options = Options(img2img_color_correction=True)
    made = run_script("Loopback", [2], options=options, n_iter=2)
    wanted = correction_target(noise(64, 64))
    assert all(len(targets) == 1 and np.array_equal(targets[0], wanted) for targets in made.all("color_corrections"))
    assert run_script("Loopback", [1]).all("color_corrections") == [None]


def test_outside_the_mask_nothing_changes_in_any_loop(run_script: RunScript) -> None:
    hole = Image.new("L", (64, 64))
    hole.paste(255, (16, 16, 40, 40))
    made = run_script("Loopback", [3], image_mask=hole, inpaint_full_res=False, mask_blur=0)
    source = np.asarray(noise(64, 64))
    kept = np.asarray(hole) == 0
    for image in made.processed.images[1:]:
        assert np.array_equal(np.asarray(image)[kept], source[kept])


def test_an_interruption_keeps_finished_loops(run_script: RunScript) -> None:
    made = run_script("Loopback", [4], stop_after=5)
    assert len(made.runs) == 3 and made.processed.is_interrupted
    assert [image.size for image in made.processed.images] == [(128, 64), (64, 64), (64, 64)]
    at_once = run_script("Loopback", [4], stop_after=1)
    assert len(at_once.runs) == 1 and len(at_once.processed.images) == 1


def test_options_of_the_request_hold_within_each_run_only(run_script: RunScript) -> None:
    """A1111's rule: so colours are matched to each loop's own start, and the grid is the program's choice."""
    made = run_script("Loopback", [2], override_settings={"img2img_color_correction": True, "return_grid": False})
    assert made.all("color_corrections") == [None, None] and len(made.processed.images) == 3
    plain = run_script("Loopback", [2])
    assert made.processed.images[1].tobytes() != plain.processed.images[1].tobytes()


@pytest.mark.parametrize("options", [Options(return_grid=False), Options(return_grid=True)])
def test_the_grid_is_an_option(run_script: RunScript, options: Options) -> None:
    assert len(run_script("Loopback", [2], options=options).processed.images) == 2 + options.return_grid


def test_results_and_grid_are_saved_beside_what_is_there(run_script: RunScript) -> None:
    for round_number in (1, 2):
        made = run_script("Loopback", [2], do_not_save_samples=False, do_not_save_grid=False)
        folder = made.context.paths.data / "outputs"
        assert len(list(folder.rglob("*.png"))) == 3 * round_number
    assert run_script("Loopback", [2]).context.saved == []


@pytest.mark.parametrize("args", [[0], ["many"], [2, None], [2, 0.5, "Steep"], [2, 0.5, "Lazy", "CLIP"], [10**9]])
def test_arguments_that_cannot_be_used_are_named(run_script: RunScript, args: list[Any]) -> None:
    with pytest.raises(InvalidRequest, match=rf"script_args\[{len(args) - 1}\]"):
        run_script("Loopback", args)
