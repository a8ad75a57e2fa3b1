from __future__ import annotations

import numpy as np
import pytest

from modules.imaging.matched_noise import matched_noise


def half(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    picture = np.random.default_rng(3).random((height, width, 3))
    mask = np.zeros_like(picture)
    mask[:, : width // 2] = 1.0
    return picture * (1 - mask), mask


@pytest.mark.parametrize("size", [(64, 64), (64, 192), (65, 33)])
def test_keeps_what_is_not_masked_and_takes_its_colours(size: tuple[int, int]) -> None:
    picture, mask = half(*size)
    made = matched_noise(picture, mask)
    kept = mask[..., 0] == 0
    assert made.shape == picture.shape and np.array_equal(made[kept], picture[kept])
    assert made[~kept].std() > 0.1
    assert np.allclose(made[~kept].mean(axis=0), picture[kept].mean(axis=0), atol=0.02)


def test_is_always_the_same_and_grey_noise_has_one_channel_everywhere() -> None:
    picture, mask = half(64, 64)
    assert np.array_equal(matched_noise(picture, mask), matched_noise(picture, mask))
    assert not np.array_equal(matched_noise(picture, mask, 1.0, 0.9), matched_noise(picture, mask, 1.0, 0.0))
    assert not np.array_equal(matched_noise(picture, mask, 3.0), matched_noise(picture, mask, 1.0))


def test_black_full_and_empty_masks_give_finite_pictures() -> None:
    picture, mask = half(64, 64)
    for source, hole in ((picture * 0, mask), (picture, mask * 0), (picture, mask * 0 + 1)):
        made = matched_noise(source, hole)
        assert np.isfinite(made).all() and made.min() >= 0 and made.max() <= 1


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match="differ"):
        matched_noise(np.zeros((4, 4, 3)), np.zeros((4, 5, 3)))
