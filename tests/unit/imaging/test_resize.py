from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from modules.imaging.geometry import Extent
from modules.imaging.resize import ResizeMode, resize_image
from modules.imaging.upscalers import UPSCALERS


def gradient(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.arange(width * height * 3, dtype=np.uint32).reshape(height, width, 3).astype(np.uint8))


@pytest.mark.parametrize("mode", [*ResizeMode, 7])
@pytest.mark.parametrize("size", [(1, 1), (64, 64), (200, 3), (3, 200), (1, 500)])
def test_every_mode_gives_the_extent(mode: int, size: tuple[int, int]) -> None:
    for target in (Extent(64, 64), Extent(128, 8), Extent(1, 1)):
        assert resize_image(mode, gradient(*size), target).size == target.size


def test_modes_of_the_result() -> None:
    mask = Image.new("L", (20, 10), 255)
    assert resize_image(ResizeMode.STRETCH, mask, Extent(8, 8)).mode == "L"
    assert resize_image(ResizeMode.CROP, mask, Extent(8, 8)).mode == "RGB"
    assert resize_image(ResizeMode.FILL, mask, Extent(8, 8)).mode == "RGB"


def test_same_size_is_identical() -> None:
    image = gradient(40, 24)
    for mode in ResizeMode:
        assert resize_image(mode, image, Extent(40, 24)).tobytes() == image.tobytes()


def test_unknown_numbers_fill() -> None:
    assert ResizeMode.parse(7) is ResizeMode.FILL
    assert ResizeMode.parse(1) is ResizeMode.CROP


def test_empty_extent_is_refused() -> None:
    with pytest.raises(ValueError, match="0x5"):
        resize_image(0, gradient(4, 4), Extent(0, 5))


def test_upscaler_is_asked_only_to_enlarge_colour() -> None:
    asked: list[float] = []

    def upscaler(image: Image.Image, factor: float) -> Image.Image:
        asked.append(factor)
        return UPSCALERS.get("Nearest")(image, factor)

    resize_image(0, gradient(32, 32), Extent(96, 64), upscaler)
    resize_image(0, gradient(32, 32), Extent(16, 16), upscaler)
    resize_image(0, gradient(32, 32).convert("L"), Extent(96, 64), upscaler)
    assert asked == [3.0]


@pytest.mark.parametrize("seed", range(40))
def test_resizing_a_mask_around_its_white_alone_changes_no_pixel(seed: int) -> None:
    draw = np.random.default_rng(seed)
    width, height, new_width, new_height = (int(side) for side in draw.integers(1, 150, 4))
    pixels = np.zeros((height, width), np.uint8)
    for _ in range(int(draw.integers(0, 4))):
        x, y = int(draw.integers(0, width)), int(draw.integers(0, height))
        part = pixels[y : y + int(draw.integers(1, 40)), x : x + int(draw.integers(1, 40))]
        part[...] = draw.integers(0, 256, part.shape)
    mask = Image.fromarray(pixels)
    resized = resize_image(ResizeMode.STRETCH, mask, Extent(new_width, new_height))
    assert resized.tobytes() == mask.resize((new_width, new_height), Image.Resampling.LANCZOS).tobytes()
