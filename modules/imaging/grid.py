"""Contact sheets of results, and pictures cut into overlapping tiles and joined again."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from PIL import Image


class Grid(NamedTuple):
    """A picture in overlapping tiles.

    `tiles` is a list of rows `[y, tile height, [[x, tile width, image], ...]]`; A1111's scripts put new
    images into these lists, hence lists and not frozen values.
    """

    tiles: list
    tile_w: int
    tile_h: int
    image_w: int
    image_h: int
    overlap: int


def choose_rows(count: int, n_rows: int = -1, batch_size: int = 1, *, is_gapless: bool = False) -> int:
    """Rows of a contact sheet.

    Args:
        count: Pictures on it.
        n_rows: Option: > 0 is the answer itself, 0 means one row a batch member, -1 nearly square.
        batch_size: For `n_rows` 0.
        is_gapless: For -1: the largest number up to the square root that leaves no empty place.
    """
    if n_rows > 0:
        rows = n_rows
    elif n_rows == 0:
        rows = batch_size
    elif is_gapless:
        rows = next(number for number in range(math.isqrt(max(count, 1)), 0, -1) if count % number == 0)
    else:
        rows = round(math.sqrt(count))
    return max(1, min(rows, count))


def make_grid(images: list[Image.Image], rows: int | None = None, background: str = "#ffffff", columns: int | None = None) -> Image.Image:
    """A contact sheet: pictures left to right, top to bottom, each centred in a cell of the largest size.

    Without `columns`, as few as hold all pictures.

    Raises:
        ValueError: No pictures.
    """
    if not images:
        raise ValueError("a grid needs at least one picture")
    rows = choose_rows(len(images)) if rows is None else max(1, rows if columns else min(rows, len(images)))
    columns = columns or math.ceil(len(images) / rows)
    width, height = max(image.width for image in images), max(image.height for image in images)
    sheet = Image.new("RGB", (columns * width, rows * height), background)
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        sheet.paste(image, (column * width + (width - image.width) // 2, row * height + (height - image.height) // 2))
    return sheet


def split_grid(image: Image.Image, tile_w: int = 512, tile_h: int = 512, overlap: int = 64) -> Grid:
    """Cut a picture into tiles of one size that overlap by at least `overlap` px.

    A picture smaller than the tile is cut with a black border (negative offset).

    Raises:
        ValueError: The overlap is negative or not smaller than the tile.
    """
    if not 0 <= overlap < min(tile_w, tile_h):
        raise ValueError(f"an overlap of {overlap} px does not suit tiles of {tile_w}x{tile_h} px")
    rows = []
    for top in _offsets(image.height, tile_h, overlap):
        row = [[left, tile_w, image.crop((left, top, left + tile_w, top + tile_h))] for left in _offsets(image.width, tile_w, overlap)]
        rows.append([top, tile_h, row])
    return Grid(rows, tile_w, tile_h, image.width, image.height, overlap)


def combine_grid(grid: Grid) -> Image.Image:
    """Join tiles, cross-fading linearly over the overlap of each tile with what lies left of and above it."""
    combined = Image.new("RGB", (grid.image_w, grid.image_h))
    ramp = (np.arange(grid.overlap) * 255 / max(grid.overlap, 1)).astype(np.uint8)
    fade_x = Image.fromarray(np.tile(ramp, (grid.tile_h, 1))) if grid.overlap else None
    fade_y = Image.fromarray(np.tile(ramp[:, None], (1, grid.image_w))) if grid.overlap else None
    for row_index, (top, height, row) in enumerate(grid.tiles):
        strip = Image.new("RGB", (grid.image_w, height))
        for index, (left, _, tile) in enumerate(row):
            _lay(strip, tile, (left, 0), fade_x if index else None, (grid.overlap, 0))
        _lay(combined, strip, (0, top), fade_y if row_index else None, (0, grid.overlap))
    return combined


def _offsets(length: int, tile: int, overlap: int) -> list[int]:
    count = max(1, math.ceil((length - overlap) / (tile - overlap)))
    step = (length - tile) / (count - 1) if count > 1 else 0
    return [min(int(index * step), length - tile) for index in range(count)]


def _lay(canvas: Image.Image, part: Image.Image, at: tuple[int, int], fade: Image.Image | None, overlap: tuple[int, int]) -> None:
    if fade is None:
        canvas.paste(part, at)
        return
    (x, y), (over_x, over_y) = at, overlap
    canvas.paste(part.crop((0, 0, *fade.size)), at, fade)
    canvas.paste(part.crop((over_x, over_y, part.width, part.height)), (x + over_x, y + over_y))
