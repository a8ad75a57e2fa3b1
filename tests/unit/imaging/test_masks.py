from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from modules.imaging import masks
from modules.imaging.geometry import Box, Extent


def from_rows(*rows: list[int]) -> Image.Image:
    return Image.fromarray(np.array(rows, np.uint8))


def test_alpha_is_thresholded_only_when_rounded() -> None:
    image = Image.new("RGBA", (3, 1))
    image.putalpha(from_rows([128, 129, 10]))
    assert np.asarray(masks.to_mask(image)).tolist() == [[0, 255, 0]]
    assert np.asarray(masks.to_mask(image, is_rounded=False)).tolist() == [[128, 129, 10]]


def test_grey_and_opaque_masks_keep_their_greys() -> None:
    grey = from_rows([0, 7, 128, 200, 255])
    for image in (grey, grey.convert("RGB"), grey.convert("RGBA")):
        assert np.array_equal(np.asarray(masks.to_mask(image)), np.asarray(grey))


def test_inversions() -> None:
    assert np.asarray(masks.invert_mask(from_rows([0, 1, 255]))).tolist() == [[255, 254, 0]]
    image = Image.new("RGBA", (2, 1), (1, 2, 3, 0))
    assert masks.alpha_as_mask(image).getextrema() == (255, 255)
    assert masks.alpha_as_mask(image.convert("RGB")).getextrema() == (0, 0)


def test_blur_reaches_as_far_as_its_kernel() -> None:
    line = Image.new("L", (101, 3))
    line.paste(255, (50, 0, 51, 3))
    blurred = np.asarray(masks.blur_mask(line, 4, 0))
    assert blurred[1].nonzero()[0].tolist() == list(range(40, 61))
    assert np.array_equal(blurred[0], blurred[2])
    assert masks.blur_mask(line, 0, 0).tobytes() == line.tobytes()


def blur_everything(mask: Image.Image, sigma_x: float, sigma_y: float) -> np.ndarray:
    pixels = np.asarray(mask)
    for sigma, turned in ((sigma_x, False), (sigma_y, True)):
        taps = 2 * int(2.5 * sigma + 0.5) + 1
        if sigma > 0:
            pixels = cv2.GaussianBlur(pixels, (1, taps) if turned else (taps, 1), sigma)
    return pixels


@pytest.mark.parametrize("seed", range(40))
def test_blurring_around_the_white_alone_changes_no_pixel(seed: int) -> None:
    draw = np.random.default_rng(seed)
    width, height = (int(side) for side in draw.integers(1, 160, 2))
    pixels = np.zeros((height, width), np.uint8)
    for _ in range(int(draw.integers(0, 4))):
        x, y = int(draw.integers(0, width)), int(draw.integers(0, height))
        part = pixels[y : y + int(draw.integers(1, 40)), x : x + int(draw.integers(1, 40))]
        part[...] = draw.integers(0, 256, part.shape)
    sigmas = draw.choice([0, 0.3, 1, 4, 13.7, 64], 2)
    mask = Image.fromarray(pixels)
    assert np.array_equal(np.asarray(masks.blur_mask(mask, *sigmas)), blur_everything(mask, *sigmas))
    assert np.array_equal(np.asarray(mask), pixels)


def test_a_crop_of_ones_own_holds_the_mask_and_stays_inside() -> None:
    mask = Image.new("L", (100, 80))
    assert masks.hold_mask(Box(0, 0, 5, 5), mask) is None
    mask.paste(255, (30, 30, 50, 50))
    assert masks.hold_mask(Box(10, 20, 60, 50), mask) == Box(10, 20, 60, 50)
    assert masks.hold_mask(Box(-9, -9, 49, 59), mask) == Box.from_edges(0, 0, 50, 50)
    assert masks.hold_mask(Box(200, 200, 10, 10), mask) == Box.from_edges(30, 30, 50, 50)


def test_overlay_mask_doubles_and_clips() -> None:
    assert np.asarray(masks.overlay_mask(from_rows([0, 1, 127, 128, 255]))).tolist() == [[0, 2, 254, 255, 255]]


def test_crop_box() -> None:
    mask = Image.new("L", (20, 10))
    assert masks.find_crop_box(mask, 4) is None
    mask.putpixel((5, 2), 1)
    assert masks.find_crop_box(mask, 0) == Box(5, 2, 1, 1)
    assert masks.find_crop_box(mask, 4) == Box.from_edges(1, 0, 10, 7)


def test_expanded_box_stays_inside() -> None:
    box = masks.expand_crop_box(Box(90, 0, 10, 10), Extent(64, 32), Extent(100, 10))
    assert box == Box.from_edges(80, 0, 100, 10)


def test_latent_mask_rounds_half_to_even() -> None:
    grey = Image.new("L", (16, 16), 128)
    assert masks.latent_mask(grey, Extent(2, 2)).tolist() == [[1, 1], [1, 1]]
    soft = masks.latent_mask(grey, Extent(2, 2), is_rounded=False)
    assert soft.dtype == np.float32 and np.allclose(soft, 128 / 255)
    assert masks.latent_mask(Image.new("L", (16, 24)), Extent(2, 3)).shape == (3, 2)


@pytest.mark.parametrize(("grow_by", "left", "right"), [(1, 0, 0), (2, 0, 1), (6, 2, 3), (7, 3, 3), (64, 31, 32)])
def test_grow_is_lopsided_as_in_comfyui(grow_by: int, left: int, right: int) -> None:
    mask = Image.new("L", (101, 101))
    mask.putpixel((50, 50), 255)
    mask.putpixel((2, 2), 127)  # rounds to nothing
    assert masks.grow_mask(mask, grow_by).getbbox() == (50 - left, 50 - left, 51 + right, 51 + right)


def test_growing_by_nothing_keeps_the_greys() -> None:
    soft = from_rows([0, 3, 127, 128, 254, 255])
    assert masks.grow_mask(soft, 0).tobytes() == soft.tobytes()
    assert np.asarray(masks.grow_mask(soft, 1)).tolist() == [[0, 0, 0, 255, 255, 255]]
