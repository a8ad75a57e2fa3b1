from __future__ import annotations

import io
import logging

import numpy as np
import pytest
from PIL import Image

from modules.base.errors import InvalidRequest
from modules.imaging.metadata import encode_image, read_infotext, write_png

INFOTEXT = 'a "cat", 猫 🐈, é\nNegative prompt: (blurry:1.2)\nSteps: 20, Sampler: Euler, Size: 512x512'


def noise(channels: int = 3) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 32, channels), np.uint8))


def read(data: bytes) -> tuple[str | None, dict[str, str]]:
    image = Image.open(io.BytesIO(data))
    image.load()
    return read_infotext(image)


@pytest.mark.parametrize("fmt", ["png", ".PNG", "jpg", "jpeg", "webp", "avif"])
@pytest.mark.parametrize("channels", [3, 4])
def test_infotext_comes_back(fmt: str, channels: int) -> None:
    data = encode_image(noise(channels), fmt, INFOTEXT)
    assert read(data) == (INFOTEXT, {})
    assert read(encode_image(noise(channels), fmt)) == (None, {})


def test_png_is_exact_and_takes_further_chunks() -> None:
    data = write_png(noise(4), INFOTEXT, {"workflow": "{}"}, icc=b"profile")
    image = Image.open(io.BytesIO(data))
    assert image.tobytes() == noise(4).tobytes() and image.info["icc_profile"] == b"profile"
    assert read(data) == (INFOTEXT, {"workflow": "{}"})
    assert image.text["parameters"] == INFOTEXT


def test_lossless_webp_is_exact_below_transparency() -> None:
    data = encode_image(noise(4), "webp", is_lossless=True)
    assert Image.open(io.BytesIO(data)).convert("RGBA").tobytes() == noise(4).tobytes()


def test_user_comment_is_utf_16_as_a1111_writes_it() -> None:
    assert b"UNICODE\0" + "a cat".encode("utf-16-be") in encode_image(noise(), "jpg", "a cat")


def test_little_endian_and_plain_comments_are_read() -> None:
    exif = Image.Exif()
    for value in (b"UNICODE\0" + INFOTEXT.encode("utf-16-le"), b"ASCII\0\0\0" + INFOTEXT.encode()):
        exif.get_ifd(0x8769)[0x9286] = value
        buffer = io.BytesIO()
        noise().save(buffer, "JPEG", exif=exif)
        assert read(buffer.getvalue())[0] == INFOTEXT


def test_gif_comment_is_read() -> None:
    buffer = io.BytesIO()
    noise().save(buffer, "GIF", comment=b"a cat\nSteps: 3")
    assert read(buffer.getvalue())[0] == "a cat\nSteps: 3"


def test_infotext_too_long_for_jpeg_is_left_out_with_a_word(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        data = encode_image(noise(), "jpg", "x" * 40_000)
    assert read(data)[0] is None and "JPEG" in caplog.text
    assert read(encode_image(noise(), "png", "x" * 400_000))[0] == "x" * 400_000


def test_half_an_emoji_does_not_stop_saving() -> None:
    for fmt in ("png", "jpg", "webp"):
        assert read(encode_image(noise(), fmt, "cat \ud83d"))[0] == "cat ?"


def test_bad_formats() -> None:
    with pytest.raises(InvalidRequest, match="samples_format"):
        encode_image(noise(), "exe")
    with pytest.raises(InvalidRequest, match="png"):
        encode_image(Image.new("L", (20_000, 1)), "webp")
