"""Strokes of text on grounds that are known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from modules.imaging.geometry import Box
from modules.imaging.lifting.smooth_fill import fill_smoothly
from modules.imaging.lifting.strokes import Strokes, find_strokes
from modules.imaging.lifting.text_ground import share_out, uncover
from modules.imaging.lifting.text_quads import join_neighbours, join_scales, overlap, widened

QUAD = np.array([[20, 20], [220, 20], [220, 70], [20, 70]], np.float32)


def _written(ground: NDArray[np.uint8], ink: tuple[int, int, int], thickness: int = 4) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A word on a ground, and its alpha."""
    alpha = np.zeros(ground.shape[:2], np.uint8)
    cv2.putText(alpha, "Letters", (34, 58), cv2.FONT_HERSHEY_SIMPLEX, 1.4, 255, thickness, cv2.LINE_AA)
    share = alpha[:, :, None] / np.float32(255)
    return np.floor(ground * (1 - share) + np.array(ink, np.float32) * share + 0.5).astype(np.uint8), share[:, :, 0]


def _flat(color: tuple[int, int, int]) -> NDArray[np.uint8]:
    return np.broadcast_to(np.array(color, np.uint8), (90, 240, 3)).copy()


def _whole(strokes: Strokes, shape: tuple[int, int]) -> NDArray[np.float32]:
    left, top, right, bottom = strokes.box.edges
    alpha = np.zeros(shape, np.float32)
    alpha[top:bottom, left:right] = strokes.alpha
    return alpha


@pytest.mark.parametrize(
    ("ground", "ink"), [((200, 210, 220), (20, 40, 90)), ((15, 15, 15), (255, 220, 0)), ((255, 255, 255), (246, 246, 246))]
)
def test_soft_edges_are_those_the_word_was_written_with(ground: tuple[int, int, int], ink: tuple[int, int, int]) -> None:
    picture, alpha = _written(_flat(ground), ink)
    strokes = find_strokes(picture, QUAD)
    assert strokes is not None and strokes.is_uniform
    assert np.abs(np.array(strokes.ink) - ink).max() <= 1
    steps = max(abs(one - two) for one, two in zip(ground, ink, strict=True))
    assert np.abs(_whole(strokes, alpha.shape) - alpha).max() < 0.04 + 1.5 / steps
    assert np.array_equal(uncover(picture, [strokes], lambda rgb, hole: rgb), _flat(ground))


def test_outline_and_fill_are_both_lifted() -> None:
    _, inner = _written(_flat((0, 0, 0)), (255, 255, 255), 5)
    outer = cv2.dilate(inner, np.ones((7, 7), np.uint8))
    outlined = np.floor(_flat((120, 120, 120)) * (1 - outer[:, :, None]) + 0.5).astype(np.uint8)
    picture, _ = _written(outlined, (250, 200, 0), 5)
    strokes = find_strokes(picture, QUAD)
    assert strokes is not None and not strokes.is_uniform
    assert np.abs(_whole(strokes, outer.shape) - outer).sum() < 0.08 * outer.sum()
    assert np.abs(uncover(picture, [strokes], lambda rgb, hole: rgb).astype(int) - 120).max() <= 2


def test_nothing_is_found_where_nothing_is_written() -> None:
    assert find_strokes(_flat((90, 90, 90)), QUAD) is None
    assert find_strokes(_flat((90, 90, 90)), QUAD + 1000) is None


def test_broken_strokes_are_joined_on_demand() -> None:
    picture, _ = _written(_flat((230, 230, 230)), (60, 60, 60), 1)
    picture[:, ::6] = picture[:, ::6] * 0.35 + 230 * 0.65
    plain, joined = find_strokes(picture, QUAD), find_strokes(picture, QUAD, join_broken_strokes=True)
    assert plain is not None and joined is not None
    assert (joined.alpha > 0).sum() >= (plain.alpha > 0).sum()


def test_a_pixel_belongs_to_one_line() -> None:
    low = Strokes(Box(0, 0, 4, 4), np.full((4, 4), 0.4, np.float32), np.zeros((4, 4, 3), np.uint8), (0, 0, 0), True, 0.0)
    high = Strokes(Box(2, 2, 4, 4), np.full((4, 4), 0.9, np.float32), np.zeros((4, 4, 3), np.uint8), (0, 0, 0), True, 0.0)
    first, second = share_out([low, high], (6, 6))
    assert first.alpha[2:, 2:].max() == 0 and first.alpha[:2].min() > 0
    assert second.alpha.min() > 0


def test_a_ramp_is_continued_exactly_and_the_rest_kept() -> None:
    ramp = np.linspace(0, 200, 64, dtype=np.float32)[None, :, None] + np.zeros((48, 64, 3), np.float32)
    hole = np.zeros((48, 64), np.bool_)
    hole[10:30, 20:44] = True
    spoiled = np.where(hole[:, :, None], 255, ramp)
    filled = fill_smoothly(spoiled, hole)
    assert np.abs(filled - ramp).max() < 1.0
    assert np.array_equal(filled[~hole], ramp[~hole])
    assert fill_smoothly(spoiled, np.ones_like(hole)).max() == 0


def test_pieces_of_one_line_are_joined_and_others_are_not() -> None:
    left, right = QUAD, QUAD + np.array([210, 1], np.float32)
    below = QUAD + np.array([0, 60], np.float32)
    joined = join_neighbours([left, below, right], 0.3)
    assert len(joined) == 2
    assert max(float(np.ptp(quad[:, 0])) for quad in joined) >= 409
    assert len(join_neighbours([left, right + np.array([40, 0], np.float32)], 0.3)) == 2
    assert float(np.ptp(widened(QUAD, 10)[:, 0])) == 220


def test_large_type_replaces_its_pieces_but_not_lines_of_a_block() -> None:
    large = np.array([[0, 0], [400, 0], [400, 120], [0, 120]], np.float32)
    piece = np.array([[10, 5], [110, 5], [110, 115], [10, 115]], np.float32)
    assert len(join_scales([piece], [large], 60)) == 1 and overlap(join_scales([piece], [large], 60)[0], large) == 1
    lines = [QUAD / 2 + np.array([0, top], np.float32) for top in (0, 40, 80)]
    block = np.array([[5, 5], [115, 5], [115, 120], [5, 120]], np.float32)
    assert len(join_scales(lines, [block], 60)) == 3
