"""Blending against the formulas of the standard, one pixel at a time in double precision."""

from __future__ import annotations

import math

import numpy as np
import pytest

from modules.imaging.geometry import Box
from modules.imaging.layering.blend_mode import BlendMode, Light
from modules.imaging.layering.compositing import apply_difference, blend, decode, encode

ALL = np.arange(256, dtype=np.uint8)


def to_linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def to_encoded(value: float) -> float:
    return value * 12.92 if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055


def hard_light(b: float, s: float) -> float:
    return 2 * s * b if s <= 0.5 else b + (2 * s - 1) - b * (2 * s - 1)


def soft_light(b: float, s: float) -> float:
    d = ((16 * b - 12) * b + 4) * b if b <= 0.25 else math.sqrt(b)
    return b - (1 - 2 * s) * b * (1 - b) if s <= 0.5 else b + (2 * s - 1) * (d - b)


def color_dodge(b: float, s: float) -> float:
    return 0.0 if b == 0 else 1.0 if s == 1 else min(1.0, b / (1 - s))


def color_burn(b: float, s: float) -> float:
    return 1.0 if b == 1 else 0.0 if s == 0 else 1 - min(1.0, (1 - b) / s)


REFERENCE = {
    BlendMode.NORMAL: lambda b, s: s,
    BlendMode.MULTIPLY: lambda b, s: b * s,
    BlendMode.SCREEN: lambda b, s: 1 - (1 - b) * (1 - s),
    BlendMode.OVERLAY: lambda b, s: hard_light(s, b),
    BlendMode.DARKEN: min,
    BlendMode.LIGHTEN: max,
    BlendMode.COLOR_DODGE: color_dodge,
    BlendMode.COLOR_BURN: color_burn,
    BlendMode.HARD_LIGHT: hard_light,
    BlendMode.SOFT_LIGHT: soft_light,
    BlendMode.DIFFERENCE: lambda b, s: abs(b - s),
    BlendMode.EXCLUSION: lambda b, s: b + s - 2 * b * s,
    BlendMode.ADD: lambda b, s: min(1.0, b + s),
    BlendMode.SUBTRACT: lambda b, s: max(0.0, b - s),
}


def reference_pixel(below: np.ndarray, above: np.ndarray, mode: BlendMode, opacity: float, light: Light) -> list[float]:
    """Section 5.6 and 9 of the standard: mix with the backdrop's alpha, then source-over; of 255, not rounded."""
    decoder, encoder = (to_linear, to_encoded) if light is Light.LINEAR else (float, float)
    alpha_b, alpha_s = int(below[3]) / 255, int(above[3]) / 255 * opacity
    alpha = alpha_s + alpha_b * (1 - alpha_s)
    values = []
    for low, high in zip(below[:3], above[:3], strict=True):
        b, s = decoder(int(low) / 255), decoder(int(high) / 255)
        mixed = (1 - alpha_b) * s + alpha_b * REFERENCE[mode](b, s)
        over = alpha_s * mixed + alpha_b * b * (1 - alpha_s)
        values.append(255 * encoder(min(1.0, max(0.0, over / alpha))))
    return [*values, 255 * alpha]


def draw(seed: int, shape: tuple[int, int] = (20, 20)) -> np.ndarray:
    pixels = np.random.default_rng(seed).integers(0, 256, (*shape, 4)).astype(np.uint8)
    pixels[:, :6, 3], pixels[:, 6:10, 3] = 255, 0
    pixels[:4, :, :3], pixels[4:8, :, :3] = 0, 255
    return pixels


@pytest.mark.parametrize("light", Light, ids=lambda light: light.value)
@pytest.mark.parametrize("mode", BlendMode, ids=lambda mode: mode.value)
def test_every_mode_is_as_the_standard_has_it(mode: BlendMode, light: Light) -> None:
    below, above = draw(1), draw(2).transpose(1, 0, 2)
    canvas = below.copy()
    blend(canvas, Box(0, 0, 20, 20), above, mode, 0.7, light)
    for y, x in np.ndindex(20, 20):
        if above[y, x, 3] == 0:
            assert (canvas[y, x] == below[y, x]).all()
        else:
            wanted = reference_pixel(below[y, x], above[y, x], mode, 0.7, light)
            limit = 0.505 if light is Light.SRGB else 0.53  # the table of linear light has twenty entries for the narrowest step
            assert np.abs(canvas[y, x] - np.array(wanted)).max() < limit, (below[y, x], above[y, x])


def test_one_pixel_gives_the_same_whatever_lies_around_it() -> None:
    below, above = draw(3, (90, 700)), draw(4, (90, 700))
    for mode in (BlendMode.NORMAL, BlendMode.SOFT_LIGHT):
        whole = below.copy()
        blend(whole, Box(0, 0, 700, 90), above, mode, 1.0, Light.LINEAR)
        parts = below.copy()
        for x in range(0, 700, 37):
            blend(parts, Box(x, 0, min(37, 700 - x), 90), above[:, x : x + 37], mode, 1.0, Light.LINEAR)
        assert (whole == parts).all()


@pytest.mark.parametrize("light", Light)
def test_an_opaque_layer_takes_its_own_colours_and_a_clear_one_leaves_all(light: Light) -> None:
    assert (encode(decode(ALL, light), light) == ALL).all()
    above = np.stack([ALL, ALL[::-1], ALL, np.full(256, 255, np.uint8)], axis=-1)[None]
    for opacity in (1.0, 0.9999999):
        canvas = draw(5, (1, 256))
        blend(canvas, Box(0, 0, 256, 1), above, BlendMode.NORMAL, opacity, light)
        assert (canvas == above).all()


def test_a_layer_that_reaches_beyond_the_canvas_is_cut() -> None:
    canvas, above = draw(6), draw(7)
    before = canvas.copy()
    above[..., 3] = 255
    blend(canvas, Box(-15, 12, 20, 20), above)
    assert (canvas[12:, :5] == above[:8, 15:]).all()
    canvas[12:, :5] = before[12:, :5]
    assert (canvas == before).all()
    blend(canvas, Box(20, 0, 20, 20), above)
    assert (canvas == before).all()


def test_differences_are_added_and_cut_at_both_ends() -> None:
    canvas = np.repeat(ALL, 4).reshape(1, 256, 4).copy()
    for step in (-32768, -255, -3, 0, 7, 255, 32767):
        for opacity in (1.0, 0.5):
            result = canvas.copy()
            apply_difference(result, Box(0, 0, 256, 1), np.full((1, 256, 4), step, np.int16), opacity)
            wanted = np.clip(canvas.astype(int) + math.floor(step * opacity + 0.5), 0, 255)
            assert (result == wanted).all(), (step, opacity)
