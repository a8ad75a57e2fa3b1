"""Placing: exact where it can be, and geometrically right elsewhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from modules.imaging.geometry import Box, Extent
from modules.imaging.layering.blend_mode import Light
from modules.imaging.layering.placement import Placement, carry_along
from modules.imaging.layering.placing import place, placed_box

CANVAS = Extent(64, 48)


def draw(width: int, height: int, kind: type = np.uint8) -> np.ndarray:
    low, high = (0, 256) if kind is np.uint8 else (-200, 200)
    return np.random.default_rng(width).integers(low, high, (height, width, 4)).astype(kind)


def spread(box: Box, pixels: np.ndarray, extent: Extent = CANVAS) -> np.ndarray:
    canvas = np.zeros((*extent.shape, 4), pixels.dtype)
    canvas[box.y : box.y + box.height, box.x : box.x + box.width] = pixels
    return canvas


@pytest.mark.parametrize("kind", [np.uint8, np.int16])
def test_whole_pixels_are_copied_also_turned_and_flipped(kind: type) -> None:
    pixels = draw(12, 8, kind)
    box, placed = place(pixels, Placement(5, 7), CANVAS)
    assert box == Box(5, 7, 12, 8) and (placed == pixels).all()
    box, placed = place(pixels, Placement(5, 7, rotation_deg=90), CANVAS)
    assert box == Box(7, 5, 8, 12) and (placed == np.rot90(pixels, -1)).all()
    box, placed = place(pixels, Placement(5, 7, rotation_deg=-180, is_flipped_x=True), CANVAS)
    assert box == Box(5, 7, 12, 8) and (placed == pixels[::-1]).all()
    odd = draw(13, 8, kind)
    box, placed = place(odd, Placement(5, 7, rotation_deg=270), CANVAS)
    assert box.extent == Extent(8, 13) and (placed == np.rot90(odd)).all()
    assert box == placed_box(Extent(13, 8), Placement(5, 7, rotation_deg=270))


def test_what_lies_beyond_the_canvas_is_left_out() -> None:
    pixels = draw(12, 8)
    box, placed = place(pixels, Placement(-5, 44), CANVAS)
    assert box == Box(0, 44, 7, 4) and (placed == pixels[:4, 5:]).all()
    box, placed = place(pixels, Placement(100, 0, 1.5, 1.5), CANVAS)
    assert (box.width, placed.shape) == (0, (0, 0, 4))


def test_a_turn_by_nearly_a_quarter_is_nearly_the_exact_one() -> None:
    smooth = np.zeros((24, 24, 4), np.uint8)
    smooth[..., 0], smooth[..., 1], smooth[..., 3] = np.arange(24) * 8, (np.arange(24) * 8)[:, None], 255
    exact = spread(*place(smooth, Placement(20, 10, rotation_deg=90), CANVAS))
    nearly = spread(*place(smooth, Placement(20, 10, rotation_deg=90.001), CANVAS))
    inside = (slice(12, 32), slice(22, 42))
    assert np.abs(exact[inside].astype(int) - nearly[inside]).max() <= 2


@pytest.mark.parametrize("scale", [0.13, 0.5, 1.7, 4.0])
@pytest.mark.parametrize("rotation", [0.0, 33.0])
def test_the_outline_keeps_its_area_and_its_middle(scale: float, rotation: float) -> None:
    square = np.full((30, 30, 4), 255, np.uint8)
    canvas = Extent(200, 200)
    alpha = spread(*place(square, Placement(80.3, 85.6, scale, scale, rotation), canvas), canvas)[..., 3] / 255
    assert alpha.sum() == pytest.approx((30 * scale) ** 2, rel=0.02)
    y, x = np.mgrid[:200, :200] + 0.5
    assert (alpha * x).sum() / alpha.sum() == pytest.approx(95.3, abs=0.05)
    assert (alpha * y).sum() / alpha.sum() == pytest.approx(100.6, abs=0.05)


def test_colours_below_no_alpha_do_not_bleed() -> None:
    pixels = np.zeros((20, 20, 4), np.uint8)
    pixels[...] = (0, 255, 0, 0)
    pixels[5:15, 5:15] = (200, 10, 10, 255)
    _, placed = place(pixels, Placement(3.4, 2.2, 0.7, 1.3, 21), CANVAS)
    seen = placed[placed[..., 3] > 8].astype(int)
    assert len(seen) and np.abs(seen[:, :3] - (200, 10, 10)).max() <= 1


def test_an_opaque_picture_stays_opaque_up_to_its_rim() -> None:
    pixels = draw(40, 40)
    pixels[..., 3] = 255
    _, placed = place(pixels, Placement(0, 0, 3.0, 3.0), Extent(300, 300))
    assert (placed[:80, :80, 3] == 255).all() and (placed[80:, :, 3] == 0).all() and (placed[:, 80:, 3] == 0).all()


def test_shrinking_averages_areas() -> None:
    stripes = np.zeros((64, 64, 4), np.uint8)
    stripes[..., 3] = 255
    stripes[:, ::2, :3] = 255
    box, placed = place(stripes, Placement(0, 0, 0.25, 0.25), CANVAS)
    middle = spread(box, placed)[28:36, 28:36, :3].astype(int)
    assert np.abs(middle - 128).max() <= 2


def test_in_linear_light_black_and_white_average_to_a_lighter_grey() -> None:
    stripes = np.zeros((64, 64, 4), np.uint8)
    stripes[..., 3] = 255
    stripes[:, ::2, :3] = 255
    placed = spread(*place(stripes, Placement(0, 0, 0.25, 0.25), CANVAS, 1.0, Light.LINEAR))
    assert np.abs(placed[28:36, 28:36, :3].astype(int) - 188).max() <= 2


def test_density_makes_a_fine_source_as_large_as_a_coarse_one() -> None:
    coarse = np.full((10, 16, 4), 255, np.uint8)
    fine = np.full((40, 64, 4), 255, np.uint8)
    placement = Placement(4, 6, 1.5, 1.5, 10)
    one, other = spread(*place(coarse, placement, CANVAS)), spread(*place(fine, replace(placement, left=4, top=6), CANVAS, 4.0))
    assert np.abs(one.astype(int) - other).max() <= 2


def test_an_enlarged_source_shown_pixel_for_pixel_is_copied() -> None:
    pixels = draw(24, 16)
    box, placed = place(pixels, Placement(12, 14, 2, 2), CANVAS, 2.0)  # 12 x 8 at scale 1, twice as large about its middle
    assert box == Box(6, 10, 24, 16) and (placed == pixels).all()
    box, placed = place(pixels, Placement(12, 14, 2, 2, 90), CANVAS, 2.0)
    assert box == Box(10, 6, 16, 24) and (placed == np.rot90(pixels, -1)).all()
    third = draw(30, 18)
    box, placed = place(third, Placement(15, 13, 3, 3), CANVAS, 3.0)
    assert box == Box(5, 7, 30, 18) and (placed == third).all()


def test_followers_repeat_moves_and_come_back_exactly() -> None:
    rng = np.random.default_rng(7)
    leader, follower = Placement(10, 20), Placement(33, -4)
    start = leader, follower
    for _ in range(50):
        scale = float(rng.uniform(0.1, 5))
        flips = bool(rng.integers(2)), bool(rng.integers(2))
        after = Placement(*rng.uniform(-50, 50, 2), scale, scale, float(rng.uniform(-180, 180)), *flips)
        follower = carry_along(follower, (30, 14), leader, after, (20, 40))
        leader = after
    follower = carry_along(follower, (30, 14), leader, start[0], (20, 40))
    assert follower.snapped() == start[1].snapped() and follower.keeps_pixels


def test_a_follower_lies_as_if_both_were_one_picture() -> None:
    rng = np.random.default_rng(3)
    sheet = np.zeros((40, 40, 4), np.uint8)
    blurred = np.repeat(np.repeat(rng.integers(60, 255, (10, 8, 4)), 2, 0), 2, 1).astype(np.uint8)
    sheet[10:30, 18:34] = blurred
    canvas = Extent(120, 120)
    for after in (Placement(50, 30, rotation_deg=70), Placement(40, 44, 1.5, 1.5, 200, True), Placement(40, 44, 1.5, 0.8, 0, False, True)):
        carried = carry_along(Placement(18, 10), (16, 20), Placement(), after, (40, 40))
        one, other = spread(*place(sheet, after, canvas), canvas), spread(*place(blurred, carried, canvas), canvas)
        assert np.abs(one[..., 3].astype(int) - other[..., 3]).mean() < 0.6
        assert np.abs(one[..., 3].astype(int).sum() / other[..., 3].sum() - 1) < 0.02
