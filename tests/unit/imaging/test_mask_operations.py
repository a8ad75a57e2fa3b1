"""Mask operations: exact distances, soft edges, fills, combinations; and that large masks stay quick."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest

from modules.base.errors import InvalidRequest
from modules.imaging import mask_operations
from modules.imaging.mask_operations import Mask, bucket, combine, feather, fill_holes, grow, invert, shrink

SIDE = 4096


def blank(height: int = 41, width: int = 61) -> Mask:
    return np.zeros((height, width), np.uint8)


def ring(strength: int = 255) -> Mask:
    """A closed painted outline, soft at both edges where it is not full."""
    mask = blank(80, 100)
    cv2.ellipse(mask, (50, 40), (30, 25), 0, 0, 360, strength, 5)
    return mask


def distances(mask: Mask) -> np.ndarray:
    """By the definition: from every pixel to the nearest white one."""
    ys, xs = np.nonzero(mask)
    rows, columns = np.mgrid[: mask.shape[0], : mask.shape[1]]
    return np.sqrt(((rows[..., None] - ys) ** 2 + (columns[..., None] - xs) ** 2).min(axis=-1))


@pytest.mark.parametrize("px", [0.5, 1, 2, 3.7, 5, 13])
def test_growing_reaches_exactly_the_euclidean_distance(px: float) -> None:
    mask = blank()
    mask[20, 30] = mask[3:6, 50:58] = 255
    assert np.array_equal(grow(mask, px) == 255, distances(mask) <= px)
    assert set(np.unique(grow(mask, px))) == {0, 255}


@pytest.mark.parametrize("px", [1, 2, 4.5])
def test_shrinking_is_growing_of_the_rest(px: float) -> None:
    mask = blank()
    mask[5:30, 8:50] = 255
    mask[15, 20] = 0
    assert np.array_equal(shrink(mask, px), invert(grow(invert(mask), px)))


def test_shrinking_does_not_eat_into_the_mask_from_the_pictures_border() -> None:
    mask = blank()
    mask[:, :30] = 255
    assert np.array_equal(shrink(mask, 4)[:, :26], mask[:, :26])
    assert not shrink(mask, 4)[:, 26:].any()
    assert shrink(np.full_like(mask, 255), 9).all()


def test_a_soft_edge_moves_as_a_whole() -> None:
    mask = np.tile(np.interp(np.arange(120), [40, 60], [255, 0]).astype(np.uint8), (40, 1))
    moved = grow(mask, 15)
    expected = np.roll(mask, 15, axis=1)
    assert np.abs(moved[20, 15:].astype(int) - expected[20, 15:]).max() <= 12
    assert np.abs(shrink(mask, 15)[20, :105].astype(int) - np.roll(mask, -15, axis=1)[20, :105]).max() <= 12


def test_half_strong_paint_stays_half_strong() -> None:
    mask = cv2.GaussianBlur(blank(100, 200), (0, 0), 3)
    mask[40:60, 40:160] = 128
    soft = np.maximum(cv2.GaussianBlur(mask, (0, 0), 3), mask)
    soft[45:55, 150:158] = 255
    grown = grow(soft, 10)
    assert (grown[40:60, 45:130] == 128).all()
    two = blank()
    two[10:20, 10:20], two[10:20, 40:50] = 128, 255
    assert set(np.unique(grow(two, 5))) == {0, 128, 255}


@pytest.mark.parametrize("px", [2, 10, 23.9, 24, 61, 150])
def test_feathering_is_a_gaussian_of_half_the_width(px: float) -> None:
    mask = blank(500, 600)
    mask[180:330, 150:450] = 255
    exact = cv2.GaussianBlur(mask.astype(np.float64), (0, 0), px / 2, borderType=cv2.BORDER_REPLICATE)
    worst = np.abs(feather(mask, px) - exact).max()
    assert worst <= 2, f"{worst} grey levels"


def test_feathering_keeps_a_mask_whole_at_the_pictures_border() -> None:
    mask = blank(200, 200)
    mask[:100] = 255
    assert (feather(mask, 20)[:60] == 255).all()


def test_feathering_reaches_95_percent_within_its_width() -> None:
    mask = blank(200, 200)
    mask[:, :100] = 255
    row = feather(mask, 20)[100].astype(float) / 255
    assert row[79] > 0.97 and row[120] < 0.03 and 0.4 < row[100] < 0.6


def test_nothing_changes_by_0_px_or_in_an_empty_mask() -> None:
    mask = ring(200)
    for operation in (grow, shrink, feather):
        assert np.array_equal(operation(mask, 0), mask)
        assert operation(mask, 0) is not mask
        assert not operation(blank(), 9).any()
    assert not fill_holes(blank()).any()


def test_arguments_are_left_alone() -> None:
    mask = ring()
    before = mask.copy()
    other = invert(mask)
    picture = np.dstack([mask] * 3)
    results = [grow(mask, 5), shrink(mask, 2), feather(mask, 5), fill_holes(mask), bucket(picture, mask, (50, 40))]
    results += [combine(mask, other, how) for how in mask_operations.COMBINATIONS]
    assert np.array_equal(mask, before)
    assert all(result.shape == mask.shape and result.dtype == np.uint8 and result is not other for result in results)


def test_combining() -> None:
    one, two = np.array([[0, 100, 200, 255]], np.uint8), np.array([[255, 255, 55, 0]], np.uint8)
    assert combine(one, two, "replace").tolist() == [[255, 255, 55, 0]]
    assert combine(one, two, "union").tolist() == [[255, 255, 200, 255]]
    assert combine(one, two, "subtract").tolist() == [[0, 0, 200, 255]]
    assert combine(one, two, "intersect").tolist() == [[0, 100, 55, 0]]


def test_combining_refuses_other_sizes_and_words() -> None:
    with pytest.raises(InvalidRequest, match=r"other: got '61x40', wanted a mask of the size 61x41"):
        combine(blank(), blank(40), "union")
    with pytest.raises(InvalidRequest, match="combine: got 'xor', wanted one of replace, union, subtract, intersect"):
        combine(blank(), blank(), "xor")


def test_holes_are_filled_and_bays_are_not() -> None:
    mask = blank()
    mask[10:30, 10:30] = 255
    mask[15:20, 15:20] = 0
    mask[22:25, 22:61] = 0
    filled = fill_holes(mask)
    assert (filled[15:20, 15:20] == 255).all()
    assert np.array_equal(filled[22:25], mask[22:25])


def test_a_hole_at_the_edge_of_the_mask_and_one_against_the_pictures_border() -> None:
    mask = blank()
    mask[0:20, 0:20] = 255
    mask[0:5, 5:10] = 0
    assert np.array_equal(fill_holes(mask), mask)
    mask[:] = 255
    mask[1, 1] = 0
    assert fill_holes(mask).all()


def test_a_soft_outline_encloses_with_its_strength() -> None:
    soft = cv2.GaussianBlur(ring(), (0, 0), 2)
    weakest = soft[40, 15:25].max()
    inside = fill_holes(soft)[40, 50]
    assert 0 < weakest - inside <= 64
    assert not fill_holes(soft)[:5].any()


def test_the_bucket_fills_the_outline_around_it() -> None:
    mask = ring()
    picture = np.random.default_rng(0).integers(0, 255, (*mask.shape, 3), np.uint8)
    inside = bucket(picture, mask, (50, 40), tolerance=0)
    assert np.array_equal(combine(mask, inside, "union"), fill_holes(mask))
    assert not combine(inside, mask, "intersect").any()


def test_the_bucket_leaves_no_grey_rim_inside_a_soft_outline() -> None:
    soft = cv2.GaussianBlur(ring(), (0, 0), 1)
    picture = np.zeros((*soft.shape, 3), np.uint8)
    both = combine(soft, bucket(picture, soft, (50, 40)), "union")
    across = both[40, 20:50].astype(int)
    assert (np.diff(across[across.argmax() :]) >= 0).all() or across[across.argmax() :].min() >= 192


def test_the_bucket_goes_by_colour_outside_an_outline() -> None:
    mask = ring()
    picture = np.full((*mask.shape, 3), 100, np.uint8)
    picture[:, 90:] = (100, 100, 140)
    near, far = bucket(picture, mask, (2, 2), tolerance=39), bucket(picture, mask, (2, 2), tolerance=40)
    assert (near[:, :90] == 255).all() and not near[:, 90:].any()
    assert far.all()


def test_the_bucket_everywhere_jumps_over_gaps() -> None:
    picture = np.zeros((20, 30, 3), np.uint8)
    picture[:, 14:16] = 255
    mask = np.zeros((20, 30), np.uint8)
    assert not bucket(picture, mask, (0, 0)).any(axis=0)[14:].any()
    everywhere = bucket(picture, mask, (0, 0), is_contiguous=False)
    assert everywhere[:, 16:].all() and not everywhere[:, 14:16].any()


def test_transparent_pixels_are_alike_to_the_bucket() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (20, 30, 4), np.uint8)
    picture[..., 3] = 255
    picture[:10, :, 3] = 0
    assert np.array_equal(bucket(picture, np.zeros((20, 30), np.uint8), (3, 3), tolerance=0) == 255, picture[..., 3] == 0)


def test_bad_arguments_are_named() -> None:
    picture, mask = np.zeros((41, 61, 3), np.uint8), blank()
    with pytest.raises(InvalidRequest, match="x: got 61, wanted a pixel of the picture, 0 to 60"):
        bucket(picture, mask, (61, 0))
    with pytest.raises(InvalidRequest, match="y: got -1"):
        bucket(picture, mask, (0, -1))
    with pytest.raises(InvalidRequest, match="tolerance: got 256"):
        bucket(picture, mask, (0, 0), tolerance=256)
    with pytest.raises(InvalidRequest, match="mask: got '61x41', wanted a mask of the picture's size, 60x41"):
        bucket(picture[:, 1:], mask, (0, 0))


def test_a_strip_of_16384_px_is_no_trouble() -> None:
    mask = blank(8, 16_384)
    mask[:, -5:] = 255
    assert (grow(mask, 3)[:, -8:] == 255).all() and not grow(mask, 3)[:, :-8].any()
    assert feather(mask, 300).shape == mask.shape


def test_large_masks_stay_quick() -> None:
    """4096 x 4096, every operation; the limit is a multiple of plain work on the same pixels, milliseconds are printed."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.circle(mask, (2048, 2048), 1500, 255, 300)
    mask[-1, -1] = mask[0, 0] = 255
    soft = cv2.GaussianBlur(mask, (0, 0), 10)
    picture = np.dstack([mask] * 3)
    started = time.perf_counter()
    for _ in range(3):
        cv2.sqrt(cv2.multiply(mask.astype(np.float32), 2.0))
    yardstick_s = time.perf_counter() - started
    slow = []
    for name, operation in {
        "grow 20": lambda it: grow(it, 20),
        "shrink 20": lambda it: shrink(it, 20),
        "feather 20": lambda it: feather(it, 20),
        "feather 300": lambda it: feather(it, 300),
        "invert": invert,
        "union": lambda it: combine(it, soft, "union"),
        "fill holes": fill_holes,
        "bucket in outline": lambda it: bucket(picture, it, (2048, 2048)),
        "bucket by colour": lambda it: bucket(picture, it, (10, 2048)),
    }.items():
        for kind, it in (("hard", mask), ("soft", soft)):
            started = time.perf_counter()
            operation(it)
            took_s = time.perf_counter() - started
            print(f"{name}, {kind}: {took_s * 1000:.0f} ms ({took_s / yardstick_s:.1f} times the yardstick of {yardstick_s * 1000:.0f} ms)")
            if took_s > max(4.0, 15 * yardstick_s):
                slow.append(f"{name}, {kind}: {took_s:.2f} s")
    assert not slow
