from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from modules.imaging.inspection import Problem, inspect_file
from modules.imaging.metadata import encode_image, write_png

TEXT = "a café, “quoted”\nSteps: 3, Sampler: DDIM, Seed: 77"


@pytest.fixture
def noisy() -> Image.Image:
    return Image.effect_noise((96, 64), 80).convert("RGB")


def write(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_a_whole_file_tells_everything(tmp_path: Path, noisy: Image.Image) -> None:
    seen = inspect_file(write(tmp_path, "a.png", write_png(noisy, TEXT, {"note": "hello"})))
    assert (seen.format, seen.width, seen.height, seen.mode, seen.frames) == ("PNG", 96, 64, "RGB", 1)
    assert seen.infotext == TEXT and seen.texts == {"note": "hello"} and seen.problem is Problem.NONE
    assert seen.picture is not None and seen.picture.image.size == (96, 64)


@pytest.mark.parametrize("kind", ["jpg", "webp"])
def test_infotext_of_exif(tmp_path: Path, noisy: Image.Image, kind: str) -> None:
    assert inspect_file(write(tmp_path, f"a.{kind}", encode_image(noisy, kind, TEXT))).infotext == TEXT


def test_comfyui_texts_of_webp_come_under_their_names(tmp_path: Path, noisy: Image.Image) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = 'Workflow:{"nodes": []}'
    exif[ExifTags.Base.Software] = "GIMP"
    path = tmp_path / "a.webp"
    noisy.save(path, exif=exif)
    assert inspect_file(path).texts == {"workflow": '{"nodes": []}', "EXIF Software": "GIMP"}


def test_texts_behind_the_pixels_count(tmp_path: Path, noisy: Image.Image) -> None:
    chunks = PngInfo()
    chunks.add_text("parameters", TEXT, zip=False)
    data = write_png(noisy, TEXT)
    begin, end = data.index(b"tEXt") if b"tEXt" in data else data.index(b"iTXt"), data.index(b"IDAT")
    moved = data[: begin - 4] + data[end - 4 : -12] + data[begin - 4 : end - 4] + data[-12:]
    assert inspect_file(write(tmp_path, "a.png", moved)).infotext == TEXT


@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_a_cut_file_still_tells_its_settings(tmp_path: Path, noisy: Image.Image, kind: str) -> None:
    data = encode_image(noisy, kind, TEXT)
    seen = inspect_file(write(tmp_path, f"a.{kind}", data[: len(data) * 2 // 3]))
    assert seen.problem is Problem.BROKEN and seen.picture is None and seen.detail
    assert seen.infotext == TEXT and (seen.width, seen.height) == (96, 64)


@pytest.mark.parametrize(
    ("data", "problem", "detail"),
    [
        (b"", Problem.EMPTY, ""),
        (b"  \n<!DOCTYPE html><html></html>", Problem.FOREIGN, "HTML"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Problem.FOREIGN, "HEIC"),
        (b"8BPS\0\1" + bytes(40), Problem.FOREIGN, "PSD"),
        (json.dumps({"a": 1}).encode(), Problem.FOREIGN, "JSON"),
        (b"no picture at all", Problem.FOREIGN, ""),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIH", Problem.BROKEN, ""),
        (b"\xff\xd8\xff\xe0", Problem.BROKEN, ""),
    ],
)
def test_what_is_no_picture_is_named(tmp_path: Path, data: bytes, problem: Problem, detail: str) -> None:
    seen = inspect_file(write(tmp_path, "a.png", data))
    assert (seen.problem, seen.picture, seen.infotext) == (problem, None, None)
    assert seen.detail == detail or problem is Problem.BROKEN


def test_a_picture_too_large_is_not_decoded(tmp_path: Path) -> None:
    path = tmp_path / "big.png"
    Image.new("1", (20_000, 10_000)).save(path)
    seen = inspect_file(path)
    assert seen.problem is Problem.TOO_LARGE and seen.picture is None and "200000000" in seen.detail


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        inspect_file(tmp_path / "gone.png")
