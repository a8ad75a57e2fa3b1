"""Tiled upscale: sizes, tiles, noise that neighbours share, and what stays when nothing is painted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from modules.base.errors import InvalidRequest
from modules.imaging.upscalers import UPSCALERS
from tests.unit.scripts.conftest import RunScript, noise

TITLE = "Tiled upscale"


def arguments(upscaler: str = "Lanczos", by: str = "Factor", factor: float = 2.0, size: tuple[int, int] = (0, 0), **more: Any) -> list[Any]:
    tile = more.get("tile", (64, 64))
    return [upscaler, by, factor, *size, *tile, more.get("overlap", 16), more.get("tones", True)]


def test_strength_0_is_the_plain_upscale(run_script: RunScript) -> None:
    made = run_script(TITLE, arguments(), denoising_strength=0.0)
    assert made.runs == []
    (result,) = made.processed.images
    assert result.tobytes() == UPSCALERS.get("Lanczos")(noise(64, 64), 2.0).tobytes()
    assert "Tiled upscale size: 128x128" in made.processed.info


@pytest.mark.parametrize(
    ("by", "factor", "size", "wanted"),
    [
        ("Factor", 1.7, (0, 0), (119, 70)),
        ("Size", 9, (200, 0), (200, 117)),
        ("Size", 9, (0, 82), (140, 82)),
        ("Size", 9, (150, 90), (150, 90)),
        ("Factor", 0.95, (0, 0), (66, 39)),
    ],
)
def test_any_factor_or_size(run_script: RunScript, by: str, factor: float, size: tuple[int, int], wanted: tuple[int, int]) -> None:
    made = run_script(TITLE, arguments(by=by, factor=factor, size=size), init_images=[noise(70, 41)])
    assert made.processed.images[0].size == wanted
    assert all(image.width % 8 == 0 and image.height % 8 == 0 for images in made.all("init_images") for image in images)


def test_tiles_have_the_seed_of_the_picture_and_the_noise_of_their_place(run_script: RunScript) -> None:
    flat = [Image.new("RGB", (64, 64), "gray")]
    made = run_script(TITLE, arguments(tones=False), init_images=flat)
    assert set(made.all("seed")) == {5} and len(made.runs) == 9
    pixels = np.asarray(made.processed.images[0]).astype(float)
    again = np.asarray(run_script(TITLE, arguments(tones=False), init_images=flat).processed.images[0])
    assert np.array_equal(pixels, again)
    parts = [pixels[y : y + 32, x : x + 32] for y in (0, 32, 96) for x in (0, 32, 96)]
    assert all(not np.array_equal(one, other) for place, one in enumerate(parts) for other in parts[:place])


def test_a_batch_of_tiles_gives_the_same_picture(run_script: RunScript) -> None:
    alone = run_script(TITLE, arguments()).processed.images[0]
    together = run_script(TITLE, arguments(), batch_size=4)
    assert together.all("batch_size") == [4, 4, 1]
    assert np.abs(np.asarray(alone).astype(int) - np.asarray(together.processed.images[0])).max() <= 1


def test_an_interruption_leaves_the_rest_enlarged_only(run_script: RunScript) -> None:
    made = run_script(TITLE, arguments("Nearest", overlap=0), stop_after=3)
    large = np.asarray(UPSCALERS.get("Nearest")(noise(64, 64), 2.0))
    result = np.asarray(made.processed.images[0])
    assert np.array_equal(result[64:], large[64:]) and not np.array_equal(result[:64, :64], large[:64, :64])


def test_masked_tiles_alone_are_painted(run_script: RunScript) -> None:
    mask = Image.new("L", (64, 64))
    mask.paste(255, (4, 4, 12, 12))
    made = run_script(TITLE, arguments("Nearest", overlap=0), image_mask=mask, mask_blur=0)
    large = np.asarray(UPSCALERS.get("Nearest")(noise(64, 64), 2.0))
    assert len(made.runs) == 1
    assert np.array_equal(np.asarray(made.processed.images[0])[64:], large[64:])


def test_results_are_counted_saved_and_told(run_script: RunScript) -> None:
    made = run_script(TITLE, arguments(tile=(0, 0)), n_iter=2, do_not_save_samples=False)
    assert len(made.context.saved) == 2 and made.processed.all_seeds == [5, 6]
    assert "Seed: 6" in made.processed.infotexts[1] and "Tiled upscale tile: 64x64" in made.processed.infotexts[0]
    first, second = made.processed.images
    assert first.tobytes() != second.tobytes()


@pytest.mark.parametrize(
    "given", [arguments("nothing"), arguments(factor=0), arguments(by="Size"), arguments(overlap=40), arguments(by="Size", size=(-1, 5)),
              arguments(factor="x"), arguments(by="Size", size=(30_000, 30_000))],
)  # fmt: skip
def test_what_cannot_be_used_is_refused(run_script: RunScript, given: list[Any]) -> None:
    with pytest.raises(InvalidRequest, match="script_args"):
        run_script(TITLE, given)
