"""A picture made tile by tile is the picture made at once."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from modules.backends.upscalers.tiles import Pixels, Tiling, Values, enlarge_in_tiles

REACH_PX = 2


def blur_and_double(pixels: Pixels) -> Values:
    """Each pixel depends on those within 2 px, as in a network of two convolutions; what lies outside counts as black, as there."""
    picture = torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)[:, None]
    blurred = F.conv2d(picture, torch.full((1, 1, 5, 5), 1 / 25), padding=REACH_PX)
    doubled: Values = F.interpolate(blurred, scale_factor=2)[:, 0].permute(1, 2, 0).numpy()
    return doubled


def noise(width: int, height: int) -> Pixels:
    return np.random.default_rng(4).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(("width", "height"), [(64, 48), (97, 203), (33, 40), (200, 16), (130, 130)])
@pytest.mark.parametrize("overlap", [8, 12, 500])
def test_tiles_equal_the_whole(width: int, height: int, overlap: int) -> None:
    pixels, calls, seen = noise(width, height), list[tuple[int, int]](), list[tuple[int, ...]]()
    whole = np.clip(np.rint(blur_and_double(pixels)), 0, 255)

    def enlarge(part: Pixels) -> Values:
        seen.append(part.shape[:2])
        return blur_and_double(part)

    def go_on(done: int, total: int) -> bool:
        calls.append((done, total))
        return True

    made = enlarge_in_tiles(pixels, 2, Tiling(40, overlap), enlarge, go_on)
    assert made is not None
    print(f"{width}x{height}, overlap {overlap}: largest difference {np.abs(made - whole).max():g} of 255 (limit 1: rounding)")
    assert np.abs(made - whole).max() <= 1
    assert len(set(seen)) == 1  # one shape: the kernels are chosen once
    assert max(seen[0]) <= 40
    assert calls == [(done, len(seen)) for done in range(len(seen) + 1)]
    assert len(seen) == Tiling(40, overlap).count(width, height)


def test_without_overlap_the_border_of_tiles_shows() -> None:
    """The test above can fail."""
    pixels = noise(64, 48)
    made = enlarge_in_tiles(pixels, 2, Tiling(40, 0), blur_and_double, lambda done, total: True)
    assert made is not None
    assert np.abs(made - blur_and_double(pixels)).max() > 20


def test_spans_cover_a_side_evenly() -> None:
    for length in range(1, 700, 3):
        for tiling in (Tiling(192, 32), Tiling(64, 8), Tiling(16, 5)):
            spans = tiling.spans(length)
            assert (spans[0][0], spans[-1][1]) == (0, length)
            assert {end - start for start, end in spans} == {spans[0][1]}
            assert spans[0][1] <= tiling.tile_px
            for (_, end), (start, _) in zip(spans, spans[1:], strict=False):
                assert end - start >= tiling.overlap_px - 1
    assert Tiling(0, 8).spans(5000) == [(0, 5000)]


def test_a_large_picture_needs_one_row_of_tiles_besides_the_result() -> None:
    pixels, tiling = np.zeros((2048, 1024, 3), np.uint8), Tiling(128, 16)

    def enlarge(part: Pixels) -> Values:
        return part.repeat(2, 0).repeat(2, 1).astype(np.float32)

    tracemalloc.start()
    try:
        made = enlarge_in_tiles(pixels, 2, tiling, enlarge, lambda done, total: True)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert made is not None
    row = tiling.spans(2048)[0][1] * 2 * made.shape[1] * 3 * 4
    print(f"peak {peak >> 20} MiB: the result {made.nbytes >> 20}, a row of tiles in floats {row >> 20} (limit: the result and three rows)")
    assert peak < made.nbytes + 3 * row


def test_an_interrupt_stops_between_tiles() -> None:
    made: list[Pixels] = []

    def enlarge(part: Pixels) -> Values:
        made.append(part)
        return blur_and_double(part)

    assert enlarge_in_tiles(noise(100, 100), 2, Tiling(40, 8), enlarge, lambda done, total: done < 2) is None
    assert len(made) == 2
