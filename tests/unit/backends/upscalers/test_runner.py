"""Enlarging pictures: kinds of pictures, seams, progress, interrupts, and the network that set-up fetches."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from safetensors.torch import save_file
from skimage import data

from modules.backends.upscalers.catalog import ModelFolder, UpscalerCatalog
from modules.backends.upscalers.computing import Computing
from modules.backends.upscalers.runner import NetworkRunner
from modules.backends.upscalers.watch import WATCH
from modules.base.errors import InvalidRequest
from modules.engine.devices import NansException
from tests.unit.backends.upscalers.files import small_compact, small_rrdb

FETCHED = Path(__file__).resolve().parents[4] / "models" / "RealESRGAN" / "realesr-animevideov3.param"
EXACT = Computing(use_cpu=True, is_exact=True)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    save_file(small_compact().state_dict(), tmp_path / "x4.safetensors")
    return tmp_path / "x4.safetensors"


@pytest.fixture
def runner() -> NetworkRunner:
    return NetworkRunner(lambda: EXACT)


class Watch:
    """Stops before tile `stop_at`."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.stop_at, self.told = stop_at, []

    def on_tile(self, done: int, total: int) -> None:
        self.told.append((done, total))

    def is_interrupted(self) -> bool:
        return self.stop_at is not None and self.told[-1][0] >= self.stop_at


def photo(width: int, height: int) -> Image.Image:
    return Image.fromarray(data.astronaut()).crop((150, 20, 150 + width, 20 + height))


@pytest.mark.parametrize(("mode", "wanted"), [("RGB", "RGB"), ("RGBA", "RGBA"), ("L", "L"), ("LA", "LA"), ("CMYK", "RGB"), ("1", "L")])
def test_kinds_of_pictures(model: Path, runner: NetworkRunner, mode: str, wanted: str) -> None:
    made = runner.enlarge(model, photo(20, 12).convert(mode))
    assert (made.mode, made.size) == (wanted, (80, 48))


def test_alpha_is_kept_and_colours_do_not_depend_on_it(model: Path, runner: NetworkRunner) -> None:
    picture = photo(24, 24)
    alpha = Image.new("L", (24, 24), 255)
    alpha.paste(0, (0, 0, 12, 24))
    clear = picture.copy()
    clear.putalpha(alpha)
    made = runner.enlarge(model, clear)
    assert made.convert("RGB").tobytes() == runner.enlarge(model, picture).tobytes()
    opaque = np.asarray(made.getchannel("A"))
    assert (opaque[:, :40].max(), opaque[:, 56:].min()) == (0, 255)


def test_sixteen_bit_grey_keeps_its_brightness(model: Path, runner: NetworkRunner) -> None:
    deep = Image.fromarray(np.full((16, 16), 200 * 257, np.uint16))
    assert runner.enlarge(model, deep).tobytes() == runner.enlarge(model, Image.new("L", (16, 16), 200)).tobytes()


def test_sides_that_the_network_cannot_take_are_padded(tmp_path: Path, runner: NetworkRunner) -> None:
    save_file(small_rrdb(2, 4).state_dict(), tmp_path / "x1.safetensors")
    assert runner.enlarge(tmp_path / "x1.safetensors", photo(13, 7)).size == (13, 7)


def test_a_changed_file_is_read_again(model: Path, runner: NetworkRunner) -> None:
    runner.enlarge(model, photo(8, 8))
    save_file(small_compact(2).state_dict(), model)
    assert runner.enlarge(model, photo(8, 8)).size == (16, 16)


def test_a_huge_result_is_refused_before_work_begins(model: Path, runner: NetworkRunner) -> None:
    with pytest.raises(InvalidRequest, match=r"x4\.safetensors, which enlarges 4 times.* at most 268 megapixels, not 20000x20000"):
        runner.enlarge(model, Image.new("L", (5000, 5000)))


def test_a_network_that_gives_no_numbers_is_named(tmp_path: Path, runner: NetworkRunner) -> None:
    broken = {name: torch.full_like(tensor, torch.nan) for name, tensor in small_compact().state_dict().items()}
    save_file(broken, tmp_path / "broken.safetensors")
    with pytest.raises(NansException, match=r"upscaler broken\.safetensors"):
        runner.enlarge(tmp_path / "broken.safetensors", photo(8, 8))


def test_a_job_sees_tiles_and_stops_between_them(model: Path) -> None:
    runner, picture = NetworkRunner(lambda: Computing(16, 4, use_cpu=True)), photo(40, 16)
    for watch, told, size in ((Watch(), [(0, 3), (1, 3), (2, 3), (3, 3)], (160, 64)), (Watch(1), [(0, 3), (1, 3)], (40, 16))):
        token = WATCH.set(watch)
        try:
            assert runner.enlarge(model, picture).size == size
        finally:
            WATCH.reset(token)
        assert watch.told == told


@pytest.fixture(scope="module")
def fetched() -> UpscalerCatalog:
    if not FETCHED.is_file():
        reason = f"{FETCHED.name} is not in models/RealESRGAN: run `python launch.py` once with a network connection"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    return UpscalerCatalog([ModelFolder(FETCHED.parent, is_real_esrgan=True)], lambda: Computing(96, 32, use_cpu=True, is_exact=True))


def test_the_fetched_network_draws_sharper_edges_than_lanczos(fetched: UpscalerCatalog) -> None:
    upscaler, large = fetched.find("R-ESRGAN AnimeVideo"), Image.new("RGB", (1024, 1024), "#f4e8d0")
    draw = ImageDraw.Draw(large)
    draw.ellipse((120, 160, 720, 760), fill="#c03040", outline="#101010", width=24)
    draw.polygon([(500, 900), (950, 300), (900, 960)], fill="#2060b0")
    wanted, small = large.reduce(4), large.reduce(16)
    assert upscaler is not None
    made = {"network": upscaler(small, 4), "Lanczos": small.resize(wanted.size, Image.Resampling.LANCZOS)}
    quality = {name: psnr(picture, wanted) for name, picture in made.items()}
    print(f"PSNR to the drawing, dB: {quality} (limit: 1 better than Lanczos)")
    assert quality["network"] > quality["Lanczos"] + 1


def test_the_fetched_network_leaves_no_seams(fetched: UpscalerCatalog) -> None:
    upscaler, picture = fetched.find("R-ESRGAN AnimeVideo"), photo(128, 128)
    assert upscaler is not None
    whole = NetworkRunner(lambda: Computing(0, 0, use_cpu=True, is_exact=True)).enlarge(FETCHED, picture)
    difference = np.abs(np.asarray(whole, np.int16) - np.asarray(upscaler(picture, 4), np.int16)).max()
    print(f"tiles of 96 px, overlap 32, against the whole: largest difference {difference} of 255 (limit 2)")
    assert difference <= 2


def psnr(one: Image.Image, two: Image.Image) -> float:
    error = np.asarray(one, np.float64) - np.asarray(two, np.float64)
    return float(10 * np.log10(255**2 / (error**2).mean()))
