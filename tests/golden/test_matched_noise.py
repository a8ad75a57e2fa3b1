"""The noise that outpainting starts from, against A1111's (data/units; 0..255)."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modules.imaging.matched_noise import matched_noise

UNITS = Path(__file__).parent / "data" / "units"
MADE = sorted(UNITS.glob("matched_noise_cat_*.png"))


def read(name: str) -> np.ndarray:
    return np.asarray(Image.open(UNITS / name).convert("RGB"))


@pytest.mark.parametrize("path", MADE, ids=lambda path: path.stem)
def test_matched_noise(path: Path) -> None:
    exponent, variation = map(float, re.search(r"_q([\d.]+)_cv([\d.]+)$", path.stem).groups())
    picture, mask = read("matched_noise_input_image.png"), read("matched_noise_input_mask.png")
    made = (matched_noise(picture / 255.0, mask / 255.0, exponent, variation) * 255).astype(np.uint8)
    assert np.abs(made.astype(int) - read(path.name)).max() <= 1


def test_units_are_there() -> None:
    assert len(MADE) == 2
