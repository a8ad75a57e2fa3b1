"""Changes of colour, and effects."""

from __future__ import annotations

import numpy as np

from modules.imaging.layering.adjusting import adjust_colors
from modules.imaging.layering.effects import blur, drop_shadow, stroke

PIXELS = np.random.default_rng(1).integers(0, 256, (70, 9, 4)).astype(np.uint8)


def test_nothing_to_change_is_the_same_object() -> None:
    assert adjust_colors(PIXELS, tint_strength=0.5) is PIXELS


def test_alpha_and_the_original_stay() -> None:
    before = PIXELS.copy()
    changed = adjust_colors(PIXELS, hue_deg=90, saturation=0.5, lightness=-0.2, tint="#ff0000", tint_strength=0.3)
    assert (before == PIXELS).all() and (changed[..., 3] == before[..., 3]).all() and (changed != before).any()


def test_each_adjustment_does_what_its_name_says() -> None:
    red = np.full((1, 1, 4), (255, 0, 0, 200), np.uint8)
    assert adjust_colors(red, hue_deg=120)[0, 0].tolist() == [0, 255, 0, 200]
    assert adjust_colors(red, saturation=-1)[0, 0, :3].tolist() == [128, 128, 128]
    assert adjust_colors(red, lightness=1)[0, 0, :3].tolist() == [255, 255, 255]
    assert adjust_colors(red, lightness=-1)[0, 0, :3].tolist() == [0, 0, 0]
    assert adjust_colors(red, tint="#102030")[0, 0].tolist() == [0x10, 0x20, 0x30, 200]
    grey = np.full((1, 1, 4), (90, 90, 90, 255), np.uint8)
    assert adjust_colors(grey, saturation=1.0)[0, 0].tolist() == [90, 90, 90, 255]
    mapped = adjust_colors(grey, gradient_map=((1.0, "#ffffff"), (0.0, "#0000ff")))
    assert mapped[0, 0].tolist() == [90, 90, 255, 255]


def test_a_shadow_is_the_shape_moved_and_an_outline_surrounds_it() -> None:
    pixels = np.zeros((40, 40, 4), np.uint8)
    pixels[10:20, 10:20] = (5, 6, 7, 255)
    shadow = drop_shadow(pixels, 4, 6, 0, "#102030", 0.5)
    assert (shadow[16:26, 14:24] == (0x10, 0x20, 0x30, 128)).all() and (shadow[..., 3] > 0).sum() == 100
    soft = drop_shadow(pixels, 4, 6, 6, "#000000", 1.0)
    assert abs(int(soft[..., 3].sum()) - 100 * 255) < 100 * 255 * 0.02 and soft[..., 3].max() < 255
    outline = stroke(pixels, 3, "#ff0000", 1.0)
    assert (outline[7:23, 10:20, 3] == 255).all() and (outline[:6, :, 3] == 0).all() and outline[12, 8].tolist() == [255, 0, 0, 255]
    assert not stroke(np.zeros_like(pixels), 3, "#ff0000", 1.0).any()
    assert np.abs(blur(pixels, 4)[..., :3][blur(pixels, 4)[..., 3] > 20].astype(int) - (5, 6, 7)).max() <= 1
