"""Single imaging steps against what A1111 v1.10.1 made of the same pictures (data/units, data/inputs; limits in 0..255)."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modules.imaging.color import correct_color, correction_target
from modules.imaging.compose import count_changed, make_overlay, paste_back
from modules.imaging.fills import fill_from_edges
from modules.imaging.geometry import Box, Extent
from modules.imaging.grid import combine_grid, split_grid
from modules.imaging.masks import blur_mask, expand_crop_box, find_crop_box, to_mask
from modules.imaging.picture import flatten, open_picture
from modules.imaging.resize import resize_image

DATA = Path(__file__).parent / "data"
UNITS = DATA / "units"
RESIZED = sorted(UNITS.glob("resize_mode*.png"))
FILLED = sorted(UNITS.glob("fill_*.png"))
CROPS = json.loads((UNITS / "crop_regions.json").read_text())
GRIDS = json.loads((UNITS / "split_grid.json").read_text())


def read(name: str) -> Image.Image:
    return open_picture(DATA / "inputs" / f"{name}.png").image


def difference(made: Image.Image, golden: Image.Image) -> tuple[int, float]:
    assert made.size == golden.size
    delta = np.abs(np.asarray(made).astype(int) - np.asarray(golden.convert(made.mode)).astype(int))
    print(f"max {delta.max()}, mean {delta.mean():.4f}")
    return int(delta.max()), float(delta.mean())


@pytest.mark.parametrize("path", RESIZED, ids=lambda path: path.stem)
def test_resize_modes(path: Path) -> None:
    mode, name, width, height = re.fullmatch(r"resize_mode(\d)_(.+)_to_(\d+)x(\d+)", path.stem).groups()
    image = read(name).convert("L") if name.startswith("mask") else read(name)
    golden = Image.open(path)
    made = resize_image(int(mode), image, Extent(int(width), int(height)))
    assert made.mode == golden.mode
    assert difference(made, golden)[0] <= 1


@pytest.mark.parametrize("path", FILLED, ids=lambda path: path.stem)
def test_fill_from_edges(path: Path) -> None:
    name, mask = re.fullmatch(r"fill_(cat_128)_(mask_.+)", path.stem).groups()
    assert difference(fill_from_edges(read(name), read(mask).convert("L")), Image.open(path))[0] <= 1


def test_crop_regions() -> None:
    assert len(CROPS) == 300
    for case in CROPS:
        image, (left, top, right, bottom) = Extent(*case["image"]), case["mask_box"]
        mask = Image.new("L", image.size)
        mask.paste(255, (left, top, right, bottom))
        crop = find_crop_box(mask, case["padding"])
        assert crop is not None and list(crop.edges) == case["crop"], case
        assert list(expand_crop_box(crop, Extent(*case["process"]), image).edges) == case["expanded"], case


def test_expanding_starts_from_any_box() -> None:
    for case in CROPS:
        box = Box.from_edges(*case["crop"])
        assert expand_crop_box(box, Extent(*case["process"]), Extent(*case["image"])).lies_within(Extent(*case["image"]))


def test_color_correction() -> None:
    made = correct_color(correction_target(read("cat_128")), read("coffee_128"))
    largest, mean = difference(made, Image.open(UNITS / "color_correction_coffee_to_cat.png"))
    assert largest <= 1 and mean < 0.001


def test_flatten_on_white() -> None:
    assert difference(flatten(read("cat_rgba_128"), "#ffffff"), Image.open(UNITS / "flatten_rgba_white.png"))[0] == 0


def test_masks_from_alpha_and_from_grey() -> None:
    assert difference(to_mask(read("mask_alpha_128")), Image.open(UNITS / "binary_mask_from_alpha.png"))[0] == 0
    assert difference(to_mask(read("mask_gradient_128")), Image.open(UNITS / "binary_mask_from_gradient_L.png"))[0] == 0


@pytest.mark.parametrize("case", GRIDS, ids=lambda case: f"{case['image']}-{case['tile']}-{case['overlap']}")
def test_split_grid(case: dict) -> None:
    grid = split_grid(Image.new("RGB", tuple(case["image"])), *case["tile"], case["overlap"])
    rows = [[top, height, [[left, width] for left, width, _ in row]] for top, height, row in grid.tiles]
    assert rows == case["rows"]


def test_combine_grid() -> None:
    grid = split_grid(read("cat_200x133"), 96, 96, 32)
    for row, (_, _, tiles) in enumerate(grid.tiles):
        for column, tile in enumerate(tiles):
            tile[2] = tile[2].point([max(0, value - 25 * (row + column)) for value in range(256)] * 3)
    golden = Image.open(UNITS / "combine_grid_200x133_tile96_overlap32_darkened_25_times_row_plus_col.png")
    assert difference(combine_grid(grid), golden)[0] <= 1


def test_blurred_mask_and_overlay_of_a_real_job() -> None:
    """`return_masks.*`: result, mask and masked composite that one only-masked job returned (mask blur 4, padding 16)."""
    result, mask, composite = (Image.open(UNITS / f"return_masks.{index}.png") for index in range(3))
    cat, made = read("cat_128"), blur_mask(to_mask(read("mask_ellipse_128")), 4, 4)
    assert difference(made, mask)[0] == 0
    assert difference(composite.getchannel("A"), mask)[0] == 0
    pasted = paste_back(composite.convert("RGB"), make_overlay(cat, made), None, Extent(128, 128))
    assert difference(pasted, result)[0] <= 1
    assert count_changed(cat, result, made) == 0
