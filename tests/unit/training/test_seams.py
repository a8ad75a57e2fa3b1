"""The seam score: best for the truth, worse for steps and blurs, blind to brightness."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from models.training.evaluate import yardstick_photos
from models.training.fills import draw_blob
from models.training.seams import measure_seam

SIDE = 256


def synthetic() -> np.ndarray:
    """Waves and grain, 60 to 200."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:SIDE, :SIDE]
    waves = 128 + 30 * np.sin(x / 23) + 25 * np.sin(y / 31 + x / 60)
    return np.clip(waves[..., None] + rng.normal(0, 3, (SIDE, SIDE, 3)), 60, 200).astype(np.uint8)


def pictures() -> dict[str, np.ndarray]:
    found = {"synthetic": synthetic()}
    # Room for offsets: nothing may be clipped.
    return found | {name: (image * 0.8 + 24).astype(np.uint8) for name, image in yardstick_photos().items()}


@pytest.fixture(scope="module")
def cases() -> list[tuple[str, np.ndarray, np.ndarray]]:
    return [(name, image, draw_blob(np.random.default_rng(seed))) for seed in range(4) for name, image in pictures().items()]


def score(image: np.ndarray, mask: np.ndarray) -> float:
    found = measure_seam(image, mask)
    assert found is not None
    return found.score


def offset(image: np.ndarray, mask: np.ndarray, by: int) -> np.ndarray:
    return np.where(mask[..., None] > 0, image.astype(int) + by, image).clip(0, 255).astype(np.uint8)


def blurred(image: np.ndarray, mask: np.ndarray, sigma: float) -> np.ndarray:
    return np.where(mask[..., None] > 0, cv2.GaussianBlur(image, (0, 0), sigma), image)


@pytest.mark.parametrize("sign", [-1, 1])
def test_grows_with_an_offset(cases, sign):
    grown = [[score(offset(image, mask, sign * by), mask) for by in (0, 4, 8, 16)] for _, image, mask in cases]
    steps = np.diff(np.array(grown), axis=1)
    assert (steps.mean(0) > 0).all()
    assert (steps[:, 1:] > 0).all()  # from 4 to 8 to 16 in every picture
    assert (steps[:, 0] > 0).mean() >= 0.9
    assert (np.array(grown)[:, 2:] > np.array(grown)[:, :1]).all()


def test_grows_strictly_in_a_plain_picture():
    image, mask = synthetic(), draw_blob(np.random.default_rng(0))
    scores = [score(offset(image, mask, by), mask) for by in (0, 4, 8, 16)]
    assert (np.diff(scores) > 0.01).all()


def test_grows_when_the_hole_is_blurred(cases):
    scores = np.array([[score(image, mask), *(score(blurred(image, mask, s), mask) for s in (2, 4))] for _, image, mask in cases])
    assert (np.diff(scores, axis=1).mean(0) > 0.1).all()
    assert (scores[:, 2] > scores[:, 0]).mean() >= 0.9


def test_brightness_and_contrast_hardly_matter(cases):
    for _, image, mask in cases:
        one = score(image, mask)
        assert score((image + 10).astype(np.uint8), mask) == pytest.approx(one, rel=0.01)
        assert score((image * 0.6).astype(np.uint8), mask) == pytest.approx(one, rel=0.2)


def test_no_contour_has_no_seam():
    image = synthetic()
    assert measure_seam(image, np.zeros((SIDE, SIDE), np.uint8)) is None
    assert measure_seam(image, np.full((SIDE, SIDE), 255, np.uint8)) is None
