from __future__ import annotations

import numpy as np
import pytest

from modules.imaging import patches


def mean_guess(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    return np.where(hole[..., None], image[~hole].mean(axis=0).astype(np.uint8), image)


def checkers(size: int = 96, period: int = 8) -> np.ndarray:
    y, x = np.mgrid[:size, :size]
    return np.repeat((((y // period + x // period) % 2) * 200).astype(np.uint8)[..., None], 3, axis=-1)


@pytest.mark.parametrize("is_searched", [False, True], ids=["exact", "searched"])
def test_a_pattern_goes_on(monkeypatch: pytest.MonkeyPatch, is_searched: bool) -> None:
    if is_searched:
        monkeypatch.setattr(patches, "MAX_EXACT_PAIRS", 0)
    image = checkers()
    hole = np.zeros(image.shape[:2], bool)
    hole[40:56, 40:58] = True
    made = patches.complete(np.where(hole[..., None], 255, image).astype(np.uint8), hole, 0, mean_guess)
    error = np.abs(made.astype(int) - image)[hole].mean()
    assert error < 10, f"mean error {error:.1f} of 255, limit 10"
    assert np.array_equal(made[~hole], image[~hole])


def test_what_lies_in_the_hole_has_no_influence() -> None:
    image, hole = checkers(48, 5), np.zeros((48, 48), bool)
    hole[20:30, 22:33] = True
    other = image.copy()
    other[hole] = 77
    assert np.array_equal(patches.complete(image, hole, 1, mean_guess), patches.complete(other, hole, 1, mean_guess))


def test_levels_too_large_to_search_are_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patches, "MAX_SEARCHED", 300)
    image, hole = checkers(128), np.zeros((128, 128), bool)
    hole[40:80, 40:80] = True
    made = patches.complete(image, hole, 0, mean_guess)
    assert set(np.unique(made)) >= {0, 200} and np.array_equal(made[~hole], image[~hole])


def test_no_patch_left() -> None:
    hole = np.ones((40, 40), bool)
    hole[:, :6] = False
    with pytest.raises(ValueError, match="7x7"):
        patches.complete(np.zeros((40, 40, 3), np.uint8), hole, 0, mean_guess)
    with pytest.raises(ValueError, match="7x7"):
        patches.complete(np.zeros((5, 5, 3), np.uint8), np.zeros((5, 5), bool), 0, mean_guess)


@pytest.mark.parametrize("size", [(97, 61), (61, 98), (33, 200)])
def test_odd_sizes(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    hole = np.zeros(size, bool)
    hole[10:25, 20:47] = True
    assert patches.complete(image, hole, 0, mean_guess).shape == image.shape
