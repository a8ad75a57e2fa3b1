"""Lifting parts off and continuing the picture behind them: what must hold whatever the pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from modules.imaging.lifting.completion import complete, grow_hole
from modules.imaging.lifting.lift import lift
from modules.imaging.lifting.matting import refine_alpha

RNG = np.random.default_rng(3)
Pixels = NDArray[np.uint8]


def _disc(side: int, radius: float, soft_px: float = 2.0) -> NDArray[np.float32]:
    rows, columns = np.mgrid[:side, :side] - side / 2
    return np.clip((radius - np.hypot(rows, columns)) / soft_px + 0.5, 0, 1).astype(np.float32)


def _mixed(alpha: NDArray[np.float32]) -> Pixels:
    """Orange over blue."""
    picture = alpha[..., None] * np.array([240, 140, 20]) + (1 - alpha[..., None]) * np.array([20, 40, 160])
    return np.rint(picture).astype(np.uint8)


def test_part_over_what_is_left_is_the_picture_within_rounding() -> None:
    alpha = _disc(64, 20, 12)
    picture = np.dstack([_mixed(alpha), np.full((64, 64), 255, np.uint8)])
    guess = np.broadcast_to(np.uint8([20, 40, 160]), (64, 64, 3))
    lifted = lift(picture, alpha, np.broadcast_to(np.uint8([240, 140, 20]), (64, 64, 3)), guess)
    share = lifted.pixels[..., 3:] / 255
    back = np.floor(share * lifted.pixels[..., :3] + (1 - share) * lifted.below[..., :3] + 0.5)
    assert np.abs(back - picture[..., :3]).max() <= 1
    assert np.array_equal(lifted.below[alpha == 0], picture[alpha == 0])
    assert np.array_equal(lifted.pixels[alpha == 1], picture[alpha == 1])
    assert not lifted.pixels[lifted.pixels[..., 3] == 0].any()
    assert np.abs(lifted.below[..., :3].astype(int) - guess).max() <= 3


def test_a_part_is_never_denser_than_the_picture() -> None:
    picture = RNG.integers(0, 256, (16, 16, 4), np.uint8)
    lifted = lift(picture, np.ones((16, 16), np.float32), picture[..., :3], picture[..., :3])
    assert (lifted.pixels[..., 3] <= picture[..., 3]).all()


def test_alpha_of_a_soft_edge_and_its_own_colour_are_found() -> None:
    alpha = _disc(160, 50, 6)
    seen = (_disc(160, 51, 14) * 255).astype(np.uint8)
    found, colour = refine_alpha(_mixed(alpha), seen)
    assert np.abs(found - alpha).mean() < 0.3 * np.abs(seen / 255 - alpha).mean()
    edge = (alpha > 0.3) & (alpha < 1)
    assert np.abs(colour[edge].astype(int) - [240, 140, 20]).mean() < 15


def test_large_objects_are_solved_small_and_led_back() -> None:
    alpha = _disc(1400, 560, 5)
    found, _ = refine_alpha(_mixed(alpha), (_disc(1400, 566, 30) * 255).astype(np.uint8))
    assert np.abs(found - alpha).mean() < 0.004
    assert not found[_disc(1400, 580) == 0].any()
    assert (found[_disc(1400, 540) == 1] == 1).all()


def test_nothing_seen_gives_nothing() -> None:
    alpha, colour = refine_alpha(np.zeros((20, 30, 3), np.uint8), np.zeros((20, 30), np.uint8))
    assert alpha.shape == (20, 30)
    assert not alpha.any()
    assert not colour.any()


def test_only_the_hole_changes_and_its_own_content_does_not_matter() -> None:
    picture = np.tile(RNG.integers(0, 256, (8, 8, 3), np.uint8), (12, 12, 1))
    hole = grow_hole(_disc(96, 12))
    other = picture.copy()
    other[hole] = (255, 0, 255)
    filled = complete(other, hole)
    assert np.array_equal(filled[~hole], picture[~hole])
    assert np.array_equal(filled, complete(other, hole))
    assert not (filled[hole] == (255, 0, 255)).all(axis=1).any()


def test_large_pictures_get_their_fine_detail_back() -> None:
    picture = np.tile(RNG.integers(60, 200, (64, 64, 3), np.uint8), (20, 20, 1))
    hole = _disc(1280, 300) > 0
    filled = complete(picture, hole)
    assert np.array_equal(filled[~hole], picture[~hole])
    inner = _disc(1280, 200) == 1
    strength = np.abs(np.diff(filled[inner.any(axis=1)].astype(int), axis=1)).mean() / np.abs(np.diff(picture.astype(int), axis=1)).mean()
    assert 0.6 < strength < 1.3


def test_what_refines_is_kept_only_where_it_fits() -> None:
    picture = np.full((96, 96, 3), 120, np.uint8)
    hole = _disc(96, 20) > 0
    assert np.array_equal(complete(picture, hole, lambda rgb, mask: np.zeros_like(rgb)), complete(picture, hole))
    kept = complete(picture, hole, lambda rgb, mask: np.where(mask[..., None] > 0, 120, 7).astype(np.uint8))
    assert np.array_equal(kept, picture)
