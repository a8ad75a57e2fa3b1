from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from modules.imaging.grid import make_grid
from modules.imaging.grid_legend import GridAnnotation, draw_grid_annotations, draw_prompt_matrix

CELL = (120, 80)
COLOURS = ["#102030", "#405060", "#708090", "#a0b0c0"]


def find_cell(sheet: Image.Image, colour: str) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of all pixels of that colour, right and bottom beyond them."""
    places = np.argwhere((np.asarray(sheet) == Image.new("RGB", (1, 1), colour).getpixel((0, 0))).all(axis=2))
    (top, left), (bottom, right) = places.min(axis=0), places.max(axis=0) + 1
    assert len(places) == (bottom - top) * (right - left), "a cell is whole"
    return left, top, right, bottom


@pytest.fixture
def sheet() -> Image.Image:
    return make_grid([Image.new("RGB", CELL, colour) for colour in COLOURS], 2)


@pytest.mark.parametrize("margin", [0, 7])
def test_cells_stay_whole_and_in_their_places(sheet: Image.Image, margin: int) -> None:
    texts = [[[GridAnnotation(f"{axis} {number}")] for number in range(2)] for axis in ("Steps:", "\u63d0\u793a\u8bcd " * 99)]
    drawn = draw_grid_annotations(sheet, *CELL, texts[0], texts[1], margin, [[GridAnnotation("Seed: 1")]])
    cells = [find_cell(drawn, colour) for colour in COLOURS]
    assert all((right - left, bottom - top) == CELL for left, top, right, bottom in cells)
    left, top = cells[0][:2]
    assert left == CELL[0] * 3 // 4 and top > 0
    assert [cell[:2] for cell in cells] == [(left + x * (CELL[0] + margin), top + y * (CELL[1] + margin)) for y in (0, 1) for x in (0, 1)]
    assert drawn.size == cells[-1][2:]
    for part in (drawn.crop((0, 0, left, drawn.height)), drawn.crop((0, 0, drawn.width, top))):
        assert part.convert("L").getextrema()[0] < 64, "something is written"


def test_without_texts_nothing_is_added(sheet: Image.Image) -> None:
    nothing = [[GridAnnotation()], [GridAnnotation()]]
    assert draw_grid_annotations(sheet, *CELL, nothing, nothing).tobytes() == sheet.tobytes()


def test_a_matrix_tells_which_parts_each_picture_has(sheet: Image.Image) -> None:
    drawn = draw_prompt_matrix(sheet, *CELL, ["a cat", " red ", "blue"])
    left, top = find_cell(drawn, COLOURS[0])[:2]
    columns = [np.asarray(drawn.crop((left + x * CELL[0], 0, left + (x + 1) * CELL[0], top)).convert("L")) for x in (0, 1)]
    assert columns[0].min() > 100 > columns[1].min(), "what is left out is grey, what is there is black"
