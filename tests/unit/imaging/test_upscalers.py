from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from modules.base.errors import UnknownName
from modules.imaging.upscalers import UPSCALERS, NamedUpscaler, find_upscaler, upscale_in_passes


def gradient(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.arange(width * height * 3, dtype=np.uint32).reshape(height, width, 3).astype(np.uint8))


def test_passes_end_at_a_multiple_of_eight() -> None:
    calls: list[int] = []

    def double(image: Image.Image, factor: float) -> Image.Image:
        calls.append(image.width)
        return image.resize((image.width * 2, image.height * 2))

    assert upscale_in_passes(double, gradient(20, 20), 5.1).size == (96, 96)
    assert calls == [20, 40, 80]


def test_at_most_three_passes_then_lanczos() -> None:
    grow = NamedUpscaler("grow", lambda image, scale: image.resize((image.width + 8, image.height + 8)))
    assert grow(gradient(16, 16), 10).size == (160, 160)


def test_a_factor_of_one_is_one_pass() -> None:
    calls: list[float] = []

    def note(image: Image.Image, factor: float) -> Image.Image:
        calls.append(factor)
        return image

    assert upscale_in_passes(note, gradient(21, 16), 1).size == (16, 16)
    assert calls == [1]


def test_nearest_repeats_pixels_and_lanczos_does_not() -> None:
    image = gradient(8, 8)
    assert np.array_equal(np.asarray(UPSCALERS.get("nearest")(image, 2)), np.asarray(image).repeat(2, 0).repeat(2, 1))
    assert UPSCALERS.get("Lanczos")(image, 2).tobytes() == image.resize((16, 16), Image.Resampling.LANCZOS).tobytes()


def test_scripts_call_them_as_in_a1111() -> None:
    upscaler = UPSCALERS.get("Nearest")
    assert upscaler.scaler.upscale(gradient(8, 8), 3, upscaler.data_path).size == (24, 24)


def test_names() -> None:
    assert list(UPSCALERS) == ["None", "Lanczos", "Nearest"]
    assert find_upscaler("None") is find_upscaler("") is find_upscaler(None) is None
    with pytest.raises(UnknownName, match="Lanczos"):
        find_upscaler("ESRGAN_4x")


def test_nothing_left_is_refused() -> None:
    with pytest.raises(ValueError, match="less than 8"):
        UPSCALERS.get("Lanczos")(gradient(8, 8), 0.5)
