"""Outpainting mk2 and Poor man's outpainting."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modules.base.errors import InvalidRequest
from modules.imaging.geometry import Extent
from modules.imaging.outpainting import DIRECTIONS, Margins, make_keeping_mask
from modules.settings.options import Options
from tests.unit.scripts.conftest import RunScript, noise

MK2, POOR = "Outpainting mk2", "Poor man's outpainting"
COMBINATIONS = [list(part) for count in range(5) for part in itertools.combinations(DIRECTIONS, count)]


def round_up(size: int) -> int:
    return math.ceil(size / 64) * 64


def test_margins_share_what_rounding_adds() -> None:
    assert Margins.around(Extent(100, 128), 30, ["left"]) == Margins(left=92)
    assert Margins.around(Extent(100, 128), 30, ["left", "right"]) == Margins(left=46, right=46)
    assert Margins.around(Extent(101, 130), 8, ["up", "down"]) == Margins(up=31, down=31)
    assert Margins.around(Extent(100, 128), 64, []) == Margins()


def test_a_kept_rectangle_includes_its_last_line() -> None:
    mask = np.asarray(make_keeping_mask((10, 8), (2, 1, 5, 4)))
    assert (mask == 0).sum() == 16 and mask[4, 5] == 0 and mask[5, 5] == 255
    assert make_keeping_mask((10, 8), (6, 0, 5, 8)).getextrema() == (255, 255)
    assert make_keeping_mask((10, 8), (-5, -5, 99, 99)).getextrema() == (0, 0)


@pytest.mark.parametrize("directions", COMBINATIONS, ids="+".join)
@pytest.mark.parametrize("size", [(64, 64), (70, 101)])
def test_mk2_grows_to_multiples_of_64_and_keeps_the_middle(run_script: RunScript, directions: list[str], size: tuple[int, int]) -> None:
    picture = noise(*size)
    made = run_script(MK2, ["", 32, 2, directions], init_images=[picture], width=128, height=96)
    (result,) = made.processed.images
    across, along = ({"left", "right"} & set(directions)), ({"up", "down"} & set(directions))
    wanted = (round_up(size[0] + 32 * len(across)) if across else size[0], round_up(size[1] + 32 * len(along)) if along else size[1])
    assert result.size == wanted and len(made.runs) == len(directions)
    margins = Margins.around(Extent(*size), 32, directions)
    kept = np.asarray(result)[margins.up :, margins.left :][: size[1], : size[0]]
    # All blur and all latent cells that reach into the picture lie within this border.
    inner = (slice(32, size[1] - 32), slice(32, size[0] - 32))
    assert np.array_equal(kept[inner], np.asarray(picture)[inner]) or not directions
    assert directions or np.array_equal(np.asarray(result), np.asarray(picture))


def test_mk2_works_on_a_strip_at_the_new_edge(run_script: RunScript) -> None:
    made = run_script(MK2, ["", 64, 4, ["right", "up"]], init_images=[noise(128, 128)], width=96, height=64)
    right, up = made.runs
    assert (right["width"], right["height"]) == (96, 128) and (up["width"], up["height"]) == (192, 64)
    assert (right["mask_blur_x"], right["mask_blur_y"]) == (16, 16) and not right["inpaint_full_res"] and right["inpainting_fill"] == 1
    mask, latent = np.asarray(right["image_mask"]), np.asarray(right["latent_mask"])
    assert mask.shape == latent.shape == (128, 96)
    assert (mask[:, : 96 - 64 - 4 + 1] == 0).all() and (mask[:, 96 - 64 - 4 + 1 :] == 255).all()
    assert (latent[:, : 96 - 64 - 8 + 1] == 0).all() and (latent[:, 96 - 64 - 8 + 1 :] == 255).all()
    mask, latent = np.asarray(up["image_mask"]), np.asarray(up["latent_mask"])
    assert (mask[: 64 + 4] == 255).all() and latent.min() == 255  # the strip ends within the doubled blur
    assert made.processed.images[0].size == (192, 192)


def test_mk2_blurs_only_along_axes_that_grow(run_script: RunScript) -> None:
    run = run_script(MK2, ["", 64, 8, ["down"]], mask_blur=30).runs[0]
    assert (run["mask_blur_x"], run["mask_blur_y"]) == (0, 32)


def test_mk2_uses_one_seed_for_all_sides_and_a_new_one_each_where_it_is_random(run_script: RunScript) -> None:
    assert run_script(MK2, ["", 32, 2]).all("seeds") == [[5]] * 4
    drawn = [seeds[0] for seeds in run_script(MK2, ["", 32, 2], seed=-1).all("seeds")]
    assert len(set(drawn)) == 4


def test_mk2_makes_batches(run_script: RunScript) -> None:
    made = run_script(MK2, ["", 64, 4, ["left"]], batch_size=2, n_iter=2)
    assert made.all("batch_size") == [2, 2] and made.all("seeds") == [[5, 6], [5, 6]]
    assert [image.size for image in made.processed.images] == [(256, 128), *[(128, 64)] * 4]
    assert made.processed.images[1].tobytes() == made.processed.images[3].tobytes() != made.processed.images[2].tobytes()
    assert all("parameters" not in image.info for image in made.processed.images)
    assert (
        len(set(made.processed.infotexts)) == 1 and "Seed: 5," in made.processed.infotexts[0] and made.processed.index_of_first_image == 0
    )


def test_mk2_starts_from_the_same_noise_whatever_the_seed(run_script: RunScript) -> None:
    first, second = (run_script(MK2, ["", 64, 0, ["right"]], seed=seed).runs[0]["init_images"][0] for seed in (1, 2))
    assert first.tobytes() == second.tobytes()
    other = run_script(MK2, ["", 64, 0, ["right"], 2.0, 0.5]).runs[0]["init_images"][0]
    assert other.tobytes() != first.tobytes()


@pytest.mark.parametrize("title", [MK2, POOR])
def test_an_interruption_gives_what_is_there(run_script: RunScript, title: str) -> None:
    args = ["", 32, 2] if title == MK2 else [32, 2]
    made = run_script(title, args, stop_after=1, init_images=[noise(128, 128)])
    assert len(made.runs) == 1 and made.processed.is_interrupted and len(made.processed.images) == 1


@pytest.mark.parametrize("title", [MK2, POOR])
def test_only_the_finished_picture_is_saved(run_script: RunScript, title: str) -> None:
    args = ["", 32, 2, ["left", "up"]] if title == MK2 else [32, 2, 0, ["left", "up"]]
    made = run_script(title, args, do_not_save_samples=False)
    (saved,) = made.context.saved
    with Image.open(saved) as picture:
        assert picture.size == made.processed.images[0].size and "Seed: 5" in picture.info["parameters"]
    assert made.processed.paths == [saved]
    again = run_script(title, args, do_not_save_samples=False)
    assert again.context.saved[0] != saved and saved.exists()
    assert run_script(title, args, do_not_save_samples=False, options=Options(samples_save=False)).context.saved == []


def test_transparency_is_flattened_and_the_profile_kept(run_script: RunScript) -> None:
    clear = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    clear.info["icc_profile"] = b"profile"
    for title, args in ((MK2, ["", 64, 0, ["right"]]), (POOR, [32, 0, 1, ["right"]])):
        (result,) = run_script(title, args, init_images=[clear]).processed.images
        assert result.mode == "RGB" and result.getpixel((3, 32)) == (255, 255, 255) and result.info["icc_profile"] == b"profile"


@pytest.mark.parametrize("directions", COMBINATIONS, ids="+".join)
def test_poor_man_repaints_only_tiles_that_reach_outside(run_script: RunScript, directions: list[str]) -> None:
    picture = noise(128, 128)
    made = run_script(POOR, [32, 4, "original", directions], init_images=[picture])
    width, height = (round_up(128 + 32 * len(set(directions) & {*pair})) for pair in (("left", "right"), ("up", "down")))
    (result,) = made.processed.images
    assert result.size == (width, height)
    margins = Margins.around(Extent(128, 128), 32, directions)
    columns, rows = (math.ceil((side - 32) / 32) for side in (width, height))
    places = [(int(x * (width - 64) / (columns - 1)), int(y * (height - 64) / (rows - 1))) for y in range(rows) for x in range(columns)]
    outside = [
        (x, y) for x, y in places if x < margins.left or x + 64 > width - margins.right or y < margins.up or y + 64 > height - margins.down
    ]
    assert made.all("seed") == [5 + index for index in range(len(outside))]
    assert directions or np.array_equal(np.asarray(result), np.asarray(picture))


def test_poor_man_masks(run_script: RunScript) -> None:
    run = run_script(POOR, [32, 4, 3, ["right"]], init_images=[noise(64, 64)], width=128).runs[0]
    assert (run["mask_blur_x"], run["mask_blur_y"], run["inpainting_fill"], run["inpaint_full_res"]) == (8, 8, 3, False)
    mask, latent = np.asarray(run["image_mask"]), np.asarray(run["latent_mask"])
    assert (mask[:, : 64 - 8 + 1] == 0).all() and (mask[:, 64 - 8 + 1 :] == 255).all()
    assert (latent[:, : 64 - 2 + 1] == 0).all() and (latent[:, 64 - 2 + 1 :] == 255).all()
    assert run["init_images"][0].getpixel((100, 10)) == (0, 0, 0)


@pytest.mark.parametrize(("given", "fill"), [(0, 0), (2, 2), ("fill", 0), ("latent nothing", 3)])
def test_poor_man_takes_fills_by_name_and_number(run_script: RunScript, given: object, fill: int) -> None:
    assert run_script(POOR, [32, 4, given, ["up"]]).runs[0]["inpainting_fill"] == fill


@pytest.mark.parametrize(
    ("title", "args"),
    [
        (MK2, ["", -1]),
        (MK2, ["", 64, "much"]),
        (MK2, ["", 64, 8, ["north"]]),
        (MK2, ["", 64, 8, [], -1]),
        (MK2, ["", 64, 8, [], 1, 2]),
        (POOR, [64]),
        (POOR, [32, -4]),
        (POOR, [32, 4, 9]),
        (POOR, [32, 4, 0, 7]),
    ],
)
def test_arguments_that_cannot_be_used_are_named(run_script: RunScript, title: str, args: list[Any]) -> None:
    with pytest.raises(InvalidRequest, match=rf"script_args\[{len(args) - 1}\]"):
        run_script(title, args)
