from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from modules.base.errors import InvalidRequest, UnknownName
from modules.imaging import fills
from modules.imaging.fills import MaskedContent


def noise(width: int = 64, height: int = 48) -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8))


def hole(image: Image.Image, *edges: int) -> Image.Image:
    mask = Image.new("L", image.size)
    mask.paste(255, edges)
    return mask


def assert_kept(image: Image.Image, filled: Image.Image, mask: Image.Image) -> None:
    outside = np.asarray(mask) == 0
    assert filled.mode == "RGB" and np.array_equal(np.asarray(image)[outside], np.asarray(filled)[outside])


def fill_patchmatch_seeded(image: Image.Image, mask: Image.Image) -> Image.Image:
    return fills.fill_patchmatch(image, mask, 3)


ALL = [fills.fill_from_edges, fills.fill_neutral, fill_patchmatch_seeded]


@pytest.mark.parametrize("fill", ALL)
@pytest.mark.parametrize("edges", [(20, 10, 40, 30), (0, 0, 64, 1), (60, 40, 64, 48), (2, 2, 62, 46), (0, 0, 64, 47)])
def test_outside_stays_identical(fill: object, edges: tuple[int, int, int, int]) -> None:
    image = noise()
    mask = hole(image, *edges)
    filled = fill(image, mask)
    assert_kept(image, filled, mask)
    assert np.any(np.asarray(filled) != np.asarray(image))


@pytest.mark.parametrize("fill", ALL)
def test_blank_and_full_masks(fill: object) -> None:
    image = noise()
    assert fill(image, Image.new("L", image.size)).tobytes() == image.tobytes()
    assert fill(image, Image.new("L", image.size, 255)).size == image.size


def test_edges_spread_inwards() -> None:
    image = Image.new("RGB", (64, 64), (10, 200, 30))
    filled = np.asarray(fills.fill_from_edges(image, hole(image, 16, 16, 48, 48))).astype(int)
    assert np.abs(filled - (10, 200, 30)).max() <= 6  # premultiplied 8-bit blurs round


def test_neutral_is_mid_grey_where_the_mask_rounds_to_one() -> None:
    image = Image.new("RGB", (2, 1), "white")
    mask = Image.fromarray(np.array([[127, 128]], np.uint8))
    assert np.asarray(fills.fill_neutral(image, mask))[0, :, 0].tolist() == [255, 128]


def test_patchmatch_repeats_with_its_seed() -> None:
    image, mask = noise(), hole(noise(), 20, 10, 40, 30)
    first, again, other = (fills.fill_patchmatch(image, mask, seed) for seed in (7, 7, 8))
    assert first.tobytes() == again.tobytes() != other.tobytes()
    assert fills.fill_patchmatch(image, mask, -1).size == image.size
    assert fills.fill_patchmatch(image, mask, 2**40).size == image.size


def test_patchmatch_continues_a_pattern() -> None:
    _, columns = np.mgrid[:96, :96]
    stripes = Image.fromarray(np.repeat(((columns // 6 % 2) * 200).astype(np.uint8)[..., None], 3, axis=2))
    mask = hole(stripes, 36, 36, 60, 60)
    wanted = np.asarray(stripes, int)[36:60, 36:60]
    errors = [
        np.abs(np.asarray(fill(stripes, mask), int)[36:60, 36:60] - wanted).mean()
        for fill in (fill_patchmatch_seeded, fills.fill_from_edges)
    ]
    assert errors[0] < 0.5 * errors[1], f"mean error {errors[0]:.1f} of 255 inside the hole, blurred surroundings have {errors[1]:.1f}"


def test_patchmatch_of_a_large_hole_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, ...]] = []

    def fake(image: np.ndarray, mask: np.ndarray, patch_size: int) -> np.ndarray:
        seen.append(image.shape)
        assert mask.shape == image.shape[:2] and mask.any()
        return np.zeros_like(image)

    package = SimpleNamespace(inpaint=fake, set_random_seed=lambda seed: None)
    monkeypatch.setattr(fills, "_load_patchmatch", lambda: package)
    image = noise(3000, 1200)
    mask = hole(image, 500, 300, 2500, 900)
    assert_kept(image, fills.fill_patchmatch(image, mask, 0), mask)
    fills.fill_patchmatch(image, hole(image, 1000, 500, 1010, 510), 0)
    assert seen[0][1] == fills.MAX_MATCH_SIDE_PX and seen[1] == (138, 138, 3)


def test_a_missing_patchmatch_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "patchmatch", None)
    with pytest.raises(InvalidRequest, match="pypatchmatch"):
        fills.fill_patchmatch(noise(96, 96), hole(noise(96, 96), 36, 36, 60, 60), 0)


@pytest.mark.parametrize("box", [(0, 0, 96, 96), (3, 3, 93, 93), (0, 0, 96, 90)])
def test_a_hole_with_little_or_nothing_around_it_is_filled_all_the_same(box: tuple[int, int, int, int]) -> None:
    image = noise(96, 96)
    mask = hole(image, *box)
    assert_kept(image, fills.fill_patchmatch(image, mask, 0), mask)


def test_patchmatch_keeps_texture_alive() -> None:
    """A1111's fill blurs; patches must keep at least half of the surroundings' contrast."""
    image = noise(96, 96)
    mask = hole(image, 36, 36, 60, 60)
    spreads = [np.asarray(fill(image, mask))[40:56, 40:56].std() for fill in (fill_patchmatch_seeded, fills.fill_from_edges)]
    assert spreads[0] > 0.5 * np.asarray(image).std() > spreads[1], f"contrast {spreads[0]:.0f} and {spreads[1]:.0f}"


def test_masked_content_words() -> None:
    assert [member.label for member in MaskedContent] == ["fill", "original", "latent noise", "latent nothing", "patchmatch", "neutral"]
    for member in MaskedContent:
        assert MaskedContent.parse(member) is MaskedContent.parse(member.value) is MaskedContent.parse(member.label.upper()) is member
    assert MaskedContent.parse("2") is MaskedContent.LATENT_NOISE
    with pytest.raises(UnknownName, match="inpainting_fill"):
        MaskedContent.parse("telea")
    with pytest.raises(UnknownName):
        MaskedContent.parse(9)
