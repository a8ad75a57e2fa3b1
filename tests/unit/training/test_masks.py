"""Random training masks."""

from __future__ import annotations

import numpy as np
import pytest

from models.training import masks


@pytest.mark.parametrize("chances", [masks.FREE, masks.LARGE])
@pytest.mark.parametrize("size", [64, 128, 192])
def test_masks_are_zeros_and_ones_and_never_empty(chances, size):
    rng = np.random.default_rng(0)
    for _ in range(60):
        mask = masks.random_mask(size, rng, chances)
        assert mask.shape == (size, size)
        assert mask.dtype == np.float32
        assert set(np.unique(mask)) <= {0.0, 1.0}
        assert 0.01 < mask.mean() <= 1


def test_chances_add_up():
    assert len(masks.FREE) == len(masks.LARGE) == len(masks.KINDS)
    assert sum(masks.FREE) == pytest.approx(1)
    assert sum(masks.LARGE) == pytest.approx(1)


def test_blobs_have_the_wanted_size():
    rng = np.random.default_rng(1)
    found = [masks.draw_blob(128, rng).mean() for _ in range(100)]
    assert 0.03 < min(found) < 0.12
    assert 0.40 < max(found) < 0.53


def test_coverings_are_large_and_whole():
    rng, shares = np.random.default_rng(3), []
    for _ in range(100):
        mask = masks.draw_covering(96, rng)
        assert mask.shape == (96, 96)
        assert set(np.unique(mask)) == {0.0, 1.0}
        shares.append(mask.mean())
    assert min(shares) > 0.12
    assert max(shares) < 0.85


def test_large_masks_are_larger():
    rng = np.random.default_rng(2)
    free, large = (np.mean([masks.random_mask(64, rng, chances).mean() for _ in range(300)]) for chances in (masks.FREE, masks.LARGE))
    assert large > free


@pytest.mark.parametrize("seed", range(40))
def test_an_object_is_covered_wherever_it_lies(seed):
    rng = np.random.default_rng(seed)
    alpha = np.zeros((96, 96), np.float32)
    top, left = rng.integers(0, 70, 2)
    alpha[top : top + 26, left : left + 20] = 0.9
    mask = masks.cover_object(alpha, rng)
    assert mask[alpha > 0.1].min() == 1
    assert set(np.unique(mask)) <= {0.0, 1.0}
    assert mask.mean() < 0.6


def test_an_empty_object_gets_a_box():
    assert masks.cover_object(np.zeros((64, 64), np.float32), np.random.default_rng(3)).mean() > 0.01
