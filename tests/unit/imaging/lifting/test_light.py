"""Shadows, gleams and fine detail: where they are, where they are not, and that nothing is lost."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from modules.imaging.geometry import Box
from modules.imaging.layering.blend_mode import BlendMode, Light
from modules.imaging.layering.compositing import blend
from modules.imaging.lifting.detail import smooth_away_detail
from modules.imaging.lifting.highlights import find_highlight
from modules.imaging.lifting.shadows import find_shadow, light_up

SIDE = 256


def ground(kind: str) -> np.ndarray:
    y, x = np.mgrid[0 : 1 : SIDE * 1j, 0 : 1 : SIDE * 1j]
    if kind == "two surfaces":
        wall, floor = np.array([180.0, 190, 205]), np.array([165.0, 130, 95])
        picture = cv2.GaussianBlur(np.where(y[..., None] < 0.4, wall, floor), (0, 0), 1.0)
    else:
        picture = np.dstack([150 + 60 * y, 170 + 40 * x, 190 + 20 * (1 - y)])
    return picture + np.random.default_rng(1).normal(0, 1.0, picture.shape)


def ball(picture: np.ndarray, strength: float, sigma: float = 7) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A red ball with a shadow to its lower right: (picture, alpha, how much light is missing)."""
    alpha = np.zeros((SIDE, SIDE), np.float32)
    cv2.circle(alpha, (120, 120), 45, 1.0, -1, cv2.LINE_AA)
    shade = strength * cv2.GaussianBlur(np.roll(alpha, (14, 18), (0, 1)), (0, 0), sigma)
    seen = picture * (1 - shade[..., None]) * (1 - alpha[..., None]) + np.array([200.0, 40, 60]) * alpha[..., None]
    return np.clip(seen + 0.5, 0, 255).astype(np.uint8), alpha, shade


@pytest.mark.parametrize("light", list(Light))
@pytest.mark.parametrize("kind", ["gradient", "two surfaces"])
def test_a_soft_shadow_is_found_and_taken_off(kind: str, light: Light) -> None:
    bare = ground(kind)
    picture, alpha, shade = ball(bare, 0.45)
    found = find_shadow(picture, alpha, light=light)
    assert found is not None and found.confidence > 0.6
    outside, dark = alpha == 0, (alpha == 0) & (shade > 0.03)
    seen = found.pixels[..., 3].astype(np.float32) / 255
    assert np.corrcoef(seen[outside], shade[outside])[0, 1] > 0.97
    lit = light_up(picture, found.pixels, light)
    error = np.abs(lit.astype(np.float32) - bare)[dark].mean()
    assert error < 2 < np.abs(picture - bare)[dark].mean() / 5
    laid = np.dstack([lit, np.full((SIDE, SIDE), 255, np.uint8)])
    blend(laid, Box(0, 0, SIDE, SIDE), found.pixels, BlendMode.MULTIPLY, light=light)
    off = np.abs(laid[..., :3].astype(np.int16) - picture)[outside]
    assert off.mean() < 0.5 and np.percentile(off, 99) <= 2


def test_the_shadow_goes_on_below_its_caster() -> None:
    picture, alpha, _ = ball(ground("gradient"), 0.45)
    found = find_shadow(picture, alpha)
    assert found is not None
    assert found.pixels[130, 150, 3] > 40


def test_no_shadow_where_none_is() -> None:
    picture, alpha, _ = ball(ground("gradient"), 0.0)
    assert find_shadow(picture, alpha) is None


def test_a_dark_thing_beside_it_is_no_shadow() -> None:
    picture, alpha, _ = ball(ground("gradient"), 0.0)
    cv2.rectangle(picture, (168, 100), (215, 150), (70, 75, 80), -1)
    assert find_shadow(picture, alpha) is None


@pytest.mark.parametrize("alpha", [np.zeros((64, 64), np.float32), np.ones((64, 64), np.float32)])
def test_nothing_and_everything_throw_no_shadow(alpha: np.ndarray) -> None:
    assert find_shadow(np.full((64, 64, 3), 120, np.uint8), alpha) is None


@pytest.mark.parametrize("light", list(Light))
def test_a_gleam_is_lifted_off_a_glossy_thing(light: Light) -> None:
    picture, alpha, _ = ball(ground("gradient"), 0.0)
    y, x = np.mgrid[:SIDE, :SIDE]
    gleam = 0.95 * np.exp(-(((x - 105) / 5) ** 2 + ((y - 100) / 5) ** 2))
    shiny = np.clip(255 - (255 - picture) * (1 - gleam[..., None]) + 0.5, 0, 255).astype(np.uint8)
    found = find_highlight(shiny, alpha, light)
    assert found is not None
    core = gleam > 0.5
    before, after = (np.abs(one.astype(np.float32) - picture)[core].mean() for one in (shiny, found.beneath))
    assert after < 0.35 * before
    laid = np.dstack([found.beneath, np.full((SIDE, SIDE), 255, np.uint8)])
    blend(laid, Box(0, 0, SIDE, SIDE), found.pixels, BlendMode.SCREEN, light=light)
    assert np.abs(laid[..., :3].astype(np.int16) - shiny).max() <= 3
    assert not found.pixels[alpha == 0][:, 3].any()


def test_a_white_patch_and_a_matt_thing_have_no_gleam() -> None:
    picture, alpha, _ = ball(ground("gradient"), 0.0)
    assert find_highlight(picture, alpha) is None
    cv2.rectangle(picture, (100, 100), (140, 140), (250, 250, 250), -1)
    assert find_highlight(picture, alpha) is None


def test_detail_is_fine_and_edges_stay() -> None:
    flat = np.full((200, 200, 3), 60, np.uint8)
    flat[:, 100:] = 200
    assert smooth_away_detail(flat) is None
    grained = np.clip(flat + np.random.default_rng(2).normal(0, 8, flat.shape), 0, 255).astype(np.uint8)
    smooth = smooth_away_detail(grained)
    assert smooth is not None
    assert smooth[:, :90].std() < 0.5 * grained[:, :90].std()
    assert int(smooth[100, 101:104].mean()) - int(smooth[100, 96:99].mean()) > 125
