from __future__ import annotations

import base64
import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin

from modules.base.errors import InvalidImage, InvalidRequest
from modules.imaging.picture import decode_base64_image, flatten, open_picture


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def noise(width: int = 12, height: int = 8, channels: int = 3) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8))


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and ends there; decoding it is not possible."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + header
        + struct.pack(">I", zlib.crc32(header))
        + struct.pack(">I", 9)
        + b"IDATxxxxxxxxx"
    )


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP", "TIFF", "GIF", "JPEG", "AVIF", "PPM", "TGA", "JPEG2000"])
def test_common_formats(kind: str) -> None:
    picture = open_picture(encoded(noise(32, 32), kind))
    assert picture.image.mode == "RGB" and picture.image.size == (32, 32)


def test_plain_file_has_no_notes_and_the_same_pixels() -> None:
    picture = open_picture(encoded(noise()))
    assert picture.notes == () and picture.info == {} and picture.icc is None
    assert picture.image.tobytes() == noise().tobytes()


def test_rgba_keeps_the_colour_below_alpha_zero() -> None:
    image = noise(channels=4)
    image.putalpha(0)
    picture = open_picture(encoded(image))
    assert picture.image.mode == "RGBA" and picture.image.tobytes() == image.tobytes()


@pytest.mark.parametrize(
    ("image", "mode", "word"),
    [
        (noise().convert("P"), "RGB", "palette"),
        (noise().convert("CMYK"), "RGB", "CMYK"),
        (noise(channels=4).convert("LA"), "RGBA", "grey with alpha"),
        (Image.fromarray(np.full((4, 4), 40000, np.uint16)), "RGB", "16-bit"),
        (Image.fromarray(np.full((4, 4), 0.5, np.float32)), "RGB", "32-bit"),
        (noise().convert("YCbCr"), "RGB", "YCbCr"),
        (noise().convert("LAB"), "RGB", "LAB"),
    ],
    ids=["palette", "cmyk", "la", "16 bit", "float", "ycbcr", "lab"],
)
def test_odd_kinds_are_accepted_and_noted(image: Image.Image, mode: str, word: str) -> None:
    picture = open_picture(image) if image.mode == "YCbCr" else open_picture(encoded(image, "PNG" if image.mode == "P" else "TIFF"))
    assert picture.image.mode == mode
    assert any(word in note for note in picture.notes), picture.notes


def test_sixteen_bits_become_eight() -> None:
    grey = np.array([[0, 257, 65535, 128 * 257]], np.uint16)
    picture = open_picture(encoded(Image.fromarray(grey)))
    assert np.asarray(picture.image)[0, :, 0].tolist() == [0, 1, 255, 128]


def test_sixteen_bit_colour_is_noted() -> None:
    for channels, mode in ((3, "RGB"), (4, "RGBA")):
        deep = np.full((4, 4, channels), 128 * 257, np.uint16)
        picture = open_picture(cv2.imencode(".png", deep)[1].tobytes())
        assert picture.image.mode == mode and picture.image.getpixel((0, 0)) == (128,) * channels
        assert picture.notes == ("16 bits a channel were reduced to 8",)


def test_integer_files_with_small_numbers_are_taken_at_their_word() -> None:
    picture = open_picture(Image.fromarray(np.array([[0, 7, 255]], np.int32)))
    assert np.asarray(picture.image)[0, :, 0].tolist() == [0, 7, 255]


def test_float_files_with_nan_are_accepted() -> None:
    picture = open_picture(Image.fromarray(np.array([[np.nan, 1.0, -np.inf, 0.5]], np.float32)))
    assert np.asarray(picture.image)[0, :, 0].tolist() == [0, 255, 0, 128]


def test_palette_with_transparency_becomes_rgba() -> None:
    image = noise().convert("P", palette=Image.Palette.ADAPTIVE, colors=8)
    assert open_picture(encoded(image, transparency=3)).image.mode == "RGBA"


def test_only_the_first_frame_of_an_animation_is_used() -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue", "green")]
    picture = open_picture(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert picture.image.getpixel((0, 0)) == (255, 0, 0)
    assert any("first of 3 frames" in note for note in picture.notes)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_exif_orientations(orientation: int) -> None:
    upright = np.zeros((4, 6, 3), np.uint8)
    upright[0, 0], upright[0, 5], upright[3, 0] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    undo = {
        1: lambda a: a,
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }[orientation]
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    picture = open_picture(encoded(Image.fromarray(np.ascontiguousarray(undo(upright))), exif=exif))
    assert np.array_equal(np.asarray(picture.image), upright)
    assert bool(picture.notes) == (orientation != 1)
    assert open_picture(picture.image).notes == ()  # not turned twice


def test_damaged_exif_does_not_matter() -> None:
    data = encoded(noise(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff\0\1\2\3")
    assert open_picture(data).image.size == (12, 8)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "AVIF"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_truncated_files_are_refused(kind: str, share: float) -> None:
    data = encoded(noise(64, 64), kind)
    with pytest.raises(InvalidImage, match="init_images"):
        open_picture(data[: int(len(data) * share)], "init_images")


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"\0" * 64, b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9"]
)
def test_files_that_are_no_pictures_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidImage) as caught:
        open_picture(data, "mask")
    assert caught.value.field == "mask" and "PNG" in caught.value.wanted


def test_a_bomb_is_refused_by_its_header() -> None:
    with pytest.raises(InvalidImage, match="megapixels"):
        open_picture(png_header(30000, 30000), "init_images[0]")


def test_size_limit_comes_before_decoding() -> None:
    with pytest.raises(InvalidImage, match=r"5000x4000.*at most 10 megapixels"):
        open_picture(png_header(5000, 4000), max_pixels=10_000_000)
    with pytest.raises(InvalidImage, match="12x8"):
        open_picture(noise(), max_pixels=95)


def test_large_pictures_below_the_limit_raise_no_warning() -> None:
    with pytest.raises(InvalidImage, match="whole picture"):
        open_picture(png_header(12000, 10000))


def test_pictures_without_pixels_are_refused() -> None:
    for data in (Image.new("RGB", (0, 5)), png_header(0, 7)):
        with pytest.raises(InvalidImage):
            open_picture(data)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidImage, match="exists"):
        open_picture(tmp_path / "gone.png")
    (tmp_path / "here.png").write_bytes(encoded(noise()))
    assert open_picture(tmp_path / "here.png").image.size == (12, 8)


def test_an_image_object_is_not_modified() -> None:
    image = noise(channels=4)
    picture = open_picture(image)
    picture.image.putpixel((0, 0), (1, 2, 3, 4))
    assert image.tobytes() == noise(channels=4).tobytes()


def test_text_and_rgb_profile_are_kept() -> None:
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("parameters", "a cat\nSteps: 20")
    chunks.add_text("workflow", "{}")
    profile = b"\0" * 16 + b"RGB " + b"\0" * 108
    picture = open_picture(encoded(noise(), pnginfo=chunks, icc_profile=profile))
    assert picture.info == {"parameters": "a cat\nSteps: 20", "workflow": "{}"}
    assert picture.icc == profile
    assert open_picture(encoded(noise().convert("L"), icc_profile=profile.replace(b"RGB ", b"GRAY"))).icc is None


@pytest.mark.parametrize(
    "wrap",
    [
        lambda text: text,
        lambda text: "data:image/png;base64," + text,
        lambda text: " data:;base64,\n" + text + "\n",
        lambda text: text.rstrip("="),
        lambda text: text.replace("+", "-").replace("/", "_"),
        lambda text: "\r\n".join(text[i : i + 76] for i in range(0, len(text), 76)),
        lambda text: "data:image/png;base64," + text.replace("+", "%2B").replace("/", "%2F"),
    ],
    ids=["bare", "data url", "short data url", "unpadded", "url-safe", "lines", "percent"],
)
def test_base64_spellings(wrap: object) -> None:
    text = base64.b64encode(encoded(noise(17, 5))).decode()
    assert decode_base64_image(wrap(text)).image.tobytes() == noise(17, 5).tobytes()


@pytest.mark.parametrize("text", ["", "not base64 !!", "aGVsbG8=", "data:image/png;base64,", "ä", "a", None, 5, "http://host/a.png"])
def test_bad_base64(text: object) -> None:
    with pytest.raises(InvalidImage) as caught:
        decode_base64_image(text, "init_images[1]")
    assert str(caught.value).startswith("init_images[1]: got ")


def test_flatten() -> None:
    image = Image.new("RGBA", (1, 1), (200, 0, 0, 128))
    assert flatten(image, "#000000").getpixel((0, 0)) == (100, 0, 0)
    assert flatten(image.convert("RGB")).getpixel((0, 0)) == (200, 0, 0)
    with pytest.raises(InvalidRequest, match="img2img_background_color"):
        flatten(image, "no colour")


def test_nothing_but_pixels_travels_with_the_image() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.GPSInfo)[1] = "N"
    picture = open_picture(encoded(noise(), "JPEG", exif=exif, comment=b"home"))
    assert picture.image.info == {} and picture.info == {"comment": "home"}
    assert dict(picture.image.getexif()) == {}
