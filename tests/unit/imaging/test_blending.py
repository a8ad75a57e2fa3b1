from __future__ import annotations

import numpy as np
import pytest
import skimage.data
from PIL import Image

from modules.imaging.blending import blend_bands
from modules.imaging.masks import blur_mask
from modules.imaging.seams import score_seam
from tests.unit.imaging.test_seams import draw_blob


def paste_elsewhere(photo: Image.Image, mask: Image.Image, offset: float) -> Image.Image:
    """What a bad repaint looks like: another part of the picture, in other colours."""
    pixels, shares = np.asarray(photo).astype(float), np.asarray(mask)[..., None] / 255
    patch = np.roll(pixels, (37, 53), (0, 1)) + offset * np.array((1, 0.6, -0.8))
    return Image.fromarray(np.clip(np.rint(pixels + (patch - pixels) * shares), 0, 255).astype(np.uint8))


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "gravel", "retina"])
@pytest.mark.parametrize("blur", [0, 4])
def test_a_seam_is_led_over_and_nothing_outside_changes(name: str, blur: int) -> None:
    photo = Image.fromarray(getattr(skimage.data, name)()).convert("RGB")
    photo.thumbnail((512, 512), Image.Resampling.LANCZOS)
    mask = blur_mask(draw_blob(photo.size, 3), blur, blur)
    result = paste_elsewhere(photo, mask, 40)
    blended = blend_bands(photo, result, mask)
    before, after = score_seam(result, mask), score_seam(blended, mask)
    assert before is not None and after is not None
    print(f"\n{name}, blur {blur}: {before:.2f} -> {after:.2f}", end="")
    assert after - 1 < 0.4 * (before - 1)
    is_outside = np.asarray(mask) == 0
    assert np.array_equal(np.asarray(blended)[is_outside], np.asarray(photo)[is_outside])


def test_what_was_painted_away_does_not_shine_through() -> None:
    """A black square was replaced by the ground around it, one shade off: the blend must not bring darkness back."""
    photo = Image.new("RGB", (256, 256), (200, 200, 200))
    photo.paste((0, 0, 0), (98, 98, 158, 158))
    mask = Image.new("L", photo.size)
    mask.paste(255, (80, 80, 176, 176))
    result = Image.composite(Image.new("RGB", photo.size, (180, 190, 200)), photo, mask)
    blended = np.asarray(blend_bands(photo, result, mask))
    assert blended.min() >= 178
    assert np.abs(blended[128, 128].astype(int) - (180, 190, 200)).max() <= 1


def test_deep_inside_the_result_stays() -> None:
    photo = Image.fromarray(skimage.data.astronaut())
    mask = Image.new("L", photo.size)
    mask.paste(255, (100, 100, 400, 400))
    result = Image.composite(Image.fromarray(skimage.data.astronaut()[:, ::-1].copy()), photo, mask)
    blended = blend_bands(photo, result, mask, band_px=16)
    core = (180, 180, 320, 320)
    assert np.abs(np.asarray(blended.crop(core)).astype(int) - np.asarray(result.crop(core))).max() <= 1


@pytest.mark.parametrize("box", [(0, 0, 64, 48), (0, 0, 30, 48), (63, 47, 64, 48), (10, 10, 12, 11), None])
def test_masks_without_a_rim_or_at_the_border_are_blended_too(box: tuple[int, int, int, int] | None) -> None:
    photo, result, mask = Image.new("RGB", (64, 48), "navy"), Image.new("RGB", (64, 48), "gold"), Image.new("L", (64, 48))
    if box:
        mask.paste(255, box)
    blended = blend_bands(photo, Image.composite(result, photo, mask), mask)
    assert blended.size == photo.size and blended.mode == "RGB"
    is_outside = np.asarray(mask) == 0
    assert np.array_equal(np.asarray(blended)[is_outside], np.asarray(photo)[is_outside])
    if box == (0, 0, 64, 48):
        assert blended.getextrema() == result.getextrema()


def test_pictures_of_different_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="sizes differ"):
        blend_bands(Image.new("RGB", (8, 8)), Image.new("RGB", (8, 9)), Image.new("L", (8, 8)))
