from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from modules.imaging.grid import choose_rows, combine_grid, make_grid, split_grid


def test_rows() -> None:
    assert [choose_rows(count) for count in (1, 2, 3, 4, 5, 9, 10)] == [1, 1, 2, 2, 2, 3, 3]
    assert choose_rows(6, 4) == 4 and choose_rows(3, 9) == 3
    assert choose_rows(6, 0, batch_size=2) == 2
    assert choose_rows(6, is_gapless=True) == 2 and choose_rows(7, is_gapless=True) == 1


def test_sheet_has_centred_cells() -> None:
    sheet = make_grid(
        [Image.new("RGB", (10, 10), "red"), Image.new("RGB", (4, 6), "blue"), Image.new("RGB", (10, 10), "lime")], 2, "#010203"
    )
    assert sheet.size == (20, 20)
    assert sheet.crop((10, 0, 20, 10)).convert("RGB").getpixel((2, 2)) == (1, 2, 3)
    assert sheet.getpixel((13, 2)) == (0, 0, 255) and sheet.getpixel((19, 19)) == (1, 2, 3)
    with pytest.raises(ValueError, match="at least one"):
        make_grid([])


@pytest.mark.parametrize(
    ("size", "tile", "overlap"),
    [((300, 200), (128, 96), 32), ((100, 90), (128, 128), 64), ((128, 128), (128, 128), 0), ((257, 64), (64, 64), 1)],
)
def test_split_and_combine_give_the_picture_back(size: tuple[int, int], tile: tuple[int, int], overlap: int) -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), np.uint8))
    grid = split_grid(image, *tile, overlap)
    assert all(part.size == tile for _, _, row in grid.tiles for _, _, part in row)
    assert combine_grid(grid).tobytes() == image.tobytes()


@pytest.mark.parametrize("overlap", [-1, 64, 100])
def test_bad_overlap(overlap: int) -> None:
    with pytest.raises(ValueError, match="overlap"):
        split_grid(Image.new("RGB", (200, 200)), 64, 64, overlap)
