"""Pictures in overlapping tiles: they cover, and blend without a trace."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PIL import Image

from modules.imaging.geometry import Box, Extent
from modules.imaging.tiling import blend_tiles, keep_tones, plan_tiles, spread


@pytest.mark.parametrize(("length", "piece", "shared"), [(100, 100, 10), (99, 100, 10), (1000, 256, 64), (1001, 96, 32), (257, 256, 0)])
def test_pieces_cover_a_length_and_share_enough(length: int, piece: int, shared: int) -> None:
    starts = spread(length, piece, shared)
    assert starts[0] == 0 and starts[-1] == max(0, length - piece)
    assert all(piece - (after - before) >= shared for before, after in itertools.pairwise(starts))


def test_tiles_lie_on_the_grain() -> None:
    boxes = plan_tiles(Extent(1000, 520), Extent(256, 256), 64, 8)
    assert all(edge % 8 == 0 for box in boxes for edge in box.edges) and boxes[-1] == Box(744, 264, 256, 256)


def test_tiles_of_a_picture_give_it_back() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (300, 410, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels)
    boxes = plan_tiles(Extent(410, 300), Extent(128, 96), 24)
    assert np.array_equal(np.asarray(blend_tiles(Extent(410, 300), boxes, [picture.crop(box.edges) for box in boxes])), pixels)


def test_tiles_that_differ_fade_into_each_other() -> None:
    boxes = plan_tiles(Extent(160, 64), Extent(96, 64), 32)
    tiles = [Image.new("RGB", (96, 64), (level,) * 3) for level in (100, 140)]
    row = np.asarray(blend_tiles(Extent(160, 64), boxes, tiles))[30, :, 0].astype(int)
    assert row[0] == 100 and row[-1] == 140 and np.diff(row).max() <= 3 and (np.diff(row) >= 0).all()


def test_a_tile_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="32x8"):
        blend_tiles(Extent(32, 32), [Box(0, 0, 32, 32)], [Image.new("RGB", (32, 8))])


def test_tones_come_from_the_source_and_detail_from_the_painting() -> None:
    rng = np.random.default_rng(2)
    source = Image.fromarray(np.full((128, 128, 3), (90, 120, 150), np.uint8))
    detail = rng.integers(-20, 21, (128, 128, 1))
    painted = Image.fromarray((np.asarray(source).astype(int) + np.array((25, -15, 5)) + detail).astype(np.uint8))
    kept = np.asarray(keep_tones(painted, source, 8)).astype(float)
    assert np.abs(kept.mean((0, 1)) - (90, 120, 150)).max() < 1
    assert np.corrcoef(kept[..., 0].ravel(), np.asarray(painted)[..., 0].ravel())[0, 1] > 0.98
