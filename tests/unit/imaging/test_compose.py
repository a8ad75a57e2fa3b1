from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from modules.imaging.color import correct_color, correction_target
from modules.imaging.compose import count_changed, keep_outside, make_overlay, paste_back
from modules.imaging.geometry import Box, Extent
from modules.imaging.masks import blur_mask, find_crop_box, overlay_mask
from modules.imaging.resize import ResizeMode, resize_image


def noise(seed: int, width: int = 96, height: int = 64) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


def blurred_mask(width: int = 96, height: int = 64) -> Image.Image:
    mask = Image.new("L", (width, height))
    mask.paste(255, (30, 20, 60, 40))
    return blur_mask(mask, 4, 4)


def test_ten_whole_picture_edits_leave_the_outside_alone() -> None:
    original = current = noise(0)
    mask = overlay_mask(blurred_mask())
    for seed in range(1, 11):
        current = paste_back(noise(seed), make_overlay(current, mask), None, Extent(96, 64))
    assert count_changed(original, current, mask) == 0
    inside = np.asarray(mask) == 255
    assert np.array_equal(np.asarray(current)[inside], np.asarray(noise(10))[inside])


def test_ten_only_masked_edits_leave_the_outside_alone() -> None:
    original = current = noise(0)
    mask = blurred_mask()
    box = find_crop_box(mask, 8)
    assert box is not None
    for seed in range(1, 11):
        current = paste_back(noise(seed, 128, 128), make_overlay(current, mask), box, Extent(96, 64))
    assert current.size == (96, 64) and count_changed(original, current, mask) == 0


def test_ten_edits_at_ten_places() -> None:
    original = current = noise(0)
    union = np.zeros((64, 96), np.uint8)
    for seed in range(1, 11):
        mask = Image.new("L", (96, 64))
        mask.paste(255, (seed * 8, seed * 5, seed * 8 + 6, seed * 5 + 6))
        mask = blur_mask(mask, 2, 2)
        union = np.maximum(union, np.asarray(mask))
        current = paste_back(noise(seed), make_overlay(current, mask), None, Extent(96, 64))
    assert count_changed(original, current, Image.fromarray(union)) == 0


def test_patch_is_scaled_to_cover_its_box() -> None:
    patch = noise(3, 32, 32)
    made = paste_back(patch, None, Box(10, 4, 40, 20), Extent(96, 64))
    expected = resize_image(ResizeMode.CROP, patch, Extent(40, 20))
    assert np.array_equal(np.asarray(made.crop((10, 4, 50, 24))), np.asarray(expected))
    assert made.getpixel((0, 0)) == (0, 0, 0)


def test_overlay_of_another_size_lies_at_the_corner() -> None:
    overlay = make_overlay(noise(0, 200, 20), Image.new("L", (200, 20)))
    made = np.asarray(paste_back(noise(1), overlay, None, Extent(96, 64)))
    assert np.array_equal(made[:20], np.asarray(noise(0, 200, 20))[:, :96])
    assert np.array_equal(made[20:], np.asarray(noise(1))[20:])


def test_keep_outside_is_exact_and_count_changed_counts() -> None:
    original, result, mask = noise(0), noise(1), blurred_mask()
    outside = np.asarray(mask) == 0
    assert count_changed(original, result, mask) == np.count_nonzero(outside & (np.asarray(original) != np.asarray(result)).any(axis=-1))
    kept = keep_outside(original, result, mask)
    assert count_changed(original, kept, mask) == 0
    assert np.array_equal(np.asarray(kept)[~outside], np.asarray(result)[~outside])


def test_different_sizes_are_refused() -> None:
    for call in (
        lambda: make_overlay(noise(0), Image.new("L", (5, 5))),
        lambda: keep_outside(noise(0), noise(0), Image.new("L", (5, 5))),
        lambda: count_changed(noise(0), noise(0, 5, 5), blurred_mask()),
    ):
        with pytest.raises(ValueError, match="sizes differ"):
            call()


def test_colour_correction_of_a_picture_to_itself_changes_little() -> None:
    smooth = noise(0).resize((192, 128), Image.Resampling.BICUBIC)
    corrected = correct_color(correction_target(smooth), smooth)
    delta = np.abs(np.asarray(corrected).astype(int) - np.asarray(smooth))
    assert delta.mean() < 2


def test_colour_correction_moves_the_cast_and_keeps_the_light() -> None:
    grey = Image.merge("RGB", [noise(0).convert("L").point([64 + value // 2 for value in range(256)])] * 3)
    red = Image.blend(grey, Image.new("RGB", grey.size, (255, 0, 0)), 0.4)
    corrected = correct_color(correction_target(grey), red)
    spread = np.asarray(corrected).astype(int).max(axis=-1) - np.asarray(corrected).astype(int).min(axis=-1)
    assert spread.mean() < 4
    luma = np.array([0.299, 0.587, 0.114])
    assert np.abs(np.asarray(corrected) @ luma - np.asarray(red) @ luma).max() < 2
