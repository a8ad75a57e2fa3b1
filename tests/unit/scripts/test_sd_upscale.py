from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from modules.base.errors import InvalidRequest
from modules.imaging.upscalers import UPSCALERS
from tests.unit.scripts.conftest import RunScript, noise

TITLE = "SD upscale"


def test_tiles_get_seeds_one_after_another(run_script: RunScript) -> None:
    made = run_script(TITLE, ["", 32, "Lanczos", 1.5])
    assert made.all("seed") == [5, 6, 7, 8]
    (result,) = made.processed.images
    assert result.size == (96, 96) and "parameters" not in result.info
    assert "SD upscale overlap: 32, SD upscale upscaler: Lanczos" in made.processed.infotexts[0]
    large = UPSCALERS.get("Lanczos")(noise(64, 64), 1.5)
    tiles = [run["init_images"][0].tobytes() for run in made.runs]
    assert tiles == [large.crop((x, y, x + 64, y + 64)).tobytes() for y in (0, 32) for x in (0, 32)]


def test_batches_share_seeds_and_a_rest_is_filled_up(run_script: RunScript) -> None:
    made = run_script(TITLE, ["", 32, "None"], init_images=[noise(128, 64)], batch_size=2)
    assert [len(images) for images in made.all("init_images")] == [2, 1]
    assert made.all("batch_size") == [2, 2] and made.all("seeds") == [[5, 6], [6, 7]]
    assert made.processed.images[0].size == (128, 64)


def test_a_tile_in_a_batch_equals_the_tile_alone(run_script: RunScript) -> None:
    batch = run_script(TITLE, ["", 32, "None"], init_images=[noise(96, 64)], batch_size=2)
    alone = run_script(TITLE, ["", 32, "None"], init_images=[noise(96, 64)])
    assert batch.processed.images[0].tobytes() == alone.processed.images[0].tobytes()


def test_several_upscales_differ_in_their_first_seed(run_script: RunScript) -> None:
    made = run_script(TITLE, ["", 0, "Nearest", 2.0], n_iter=2)
    assert made.all("seed") == [5, 6, 7, 8, 6, 7, 8, 9] and made.all("n_iter") == [1] * 8
    first, second = made.processed.images
    assert first.size == second.size == (128, 128) and first.tobytes() != second.tobytes()
    starts = [run["init_images"][0].tobytes() for run in made.runs]
    assert starts[:4] == starts[4:]


@pytest.mark.parametrize(("given", "name"), [(1, "Lanczos"), ("nearest", "Nearest"), (0, "None")])
def test_upscalers_by_name_and_number(run_script: RunScript, given: object, name: str) -> None:
    assert run_script(TITLE, ["", 32, given, 2]).p.extra_generation_params["SD upscale upscaler"] == name


def test_none_leaves_the_size_alone_and_small_pictures_get_a_border(run_script: RunScript) -> None:
    made = run_script(TITLE, ["", 16, "None", 2.0], init_images=[noise(50, 40)])
    assert len(made.runs) == 1 and made.processed.images[0].size == (50, 40)


def test_sizes_are_rounded_down_to_multiples_of_eight(run_script: RunScript) -> None:
    assert run_script(TITLE, ["", 16, "Lanczos", 1.7], init_images=[noise(70, 41)]).processed.images[0].size == (112, 64)


def test_a_mask_is_laid_over_every_tile(run_script: RunScript) -> None:
    made = run_script(TITLE, ["", 0, "Nearest", 2.0], image_mask=Image.new("L", (64, 64)), inpaint_full_res=False, mask_blur=0)
    large = UPSCALERS.get("Nearest")(noise(64, 64), 2.0)
    assert np.array_equal(np.asarray(made.processed.images[0]), np.asarray(large))


def test_an_interruption_leaves_the_other_tiles_enlarged_only(run_script: RunScript) -> None:
    made = run_script(TITLE, ["", 0, "Nearest", 2.0], stop_after=3, n_iter=3)
    assert len(made.runs) == 2 and made.processed.is_interrupted
    (result,) = made.processed.images
    large = UPSCALERS.get("Nearest")(noise(64, 64), 2.0)
    assert np.array_equal(np.asarray(result)[64:], np.asarray(large)[64:])
    assert not np.array_equal(np.asarray(result)[:64, :64], np.asarray(large)[:64, :64])


def test_each_upscale_is_saved(run_script: RunScript) -> None:
    made = run_script(TITLE, ["", 0, "Nearest", 2.0], n_iter=2, do_not_save_samples=False)
    assert len(made.context.saved) == 2 == len(set(made.context.saved)) and made.processed.paths == made.context.saved


@pytest.mark.parametrize(
    "args", [["", 64], ["", -1], ["", 0, "ESRGAN_9x"], ["", 0, 7], ["", 0, "Lanczos", 0.01], ["", 0, "Lanczos", 1e6], ["", 0, 1, 33]]
)
def test_arguments_that_cannot_be_used_are_named(run_script: RunScript, args: list[Any]) -> None:
    with pytest.raises(InvalidRequest, match=rf"script_args\[{len(args) - 1}\]"):
        run_script(TITLE, args)
