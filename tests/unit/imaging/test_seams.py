from __future__ import annotations

import time

import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageDraw

from modules.imaging.masks import blur_mask
from modules.imaging.seams import FAINT_BELOW, INVISIBLE_BELOW, Visibility, find_contour, score_seam

PHOTOS = ("astronaut", "coffee", "chelsea", "rocket", "retina", "immunohistochemistry", "brick", "grass", "gravel", "camera", "moon")
TINT = np.array((1.0, 0.6, -0.8))


@pytest.fixture(scope="module")
def photos() -> list[Image.Image]:
    found = []
    for name in PHOTOS:
        photo = Image.fromarray(getattr(skimage.data, name)()).convert("RGB")
        photo.thumbnail((640, 640), Image.Resampling.LANCZOS)
        found.append(photo)
    return found


def draw_blob(size: tuple[int, int], seed: int) -> Image.Image:
    """A mask with a wavy outline, away from the border."""
    random = np.random.default_rng(seed)
    (width, height), angles = size, np.linspace(0, 2 * np.pi, 60, endpoint=False)
    centre = random.uniform(0.3, 0.7, 2) * size
    waves = 0.25 * np.sin(2 * angles + random.uniform(0, 6)) + 0.15 * np.sin(3 * angles + random.uniform(0, 6))
    radii = random.uniform(0.1, 0.2) * min(width, height) * (1 + waves)
    mask = Image.new("L", size)
    outline = centre + np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)
    ImageDraw.Draw(mask).polygon([tuple(point) for point in outline], fill=255)
    return mask


def tint(photo: Image.Image, mask: Image.Image, by: float) -> Image.Image:
    """`by` levels of another colour inside the mask."""
    shares = np.asarray(mask)[..., None] / 255
    return Image.fromarray(np.clip(np.rint(np.asarray(photo) + by * TINT * shares), 0, 255).astype(np.uint8))


def test_unedited_photographs_score_about_one(photos: list[Image.Image]) -> None:
    scores = np.array([score_seam(photo, draw_blob(photo.size, seed)) for photo in photos for seed in range(12)])
    print(f"\nunedited: mean {scores.mean():.3f}, 90 % below {np.quantile(scores, 0.9):.2f}, highest {scores.max():.2f}")
    assert 0.9 < scores.mean() < 1.1
    assert np.quantile(scores, 0.9) < INVISIBLE_BELOW
    assert np.quantile(scores, 0.95) < FAINT_BELOW and scores.max() < 2


@pytest.mark.parametrize(("blur", "limit"), [(0, 2.2), (4, 1.25)])
def test_a_tinted_patch_scores_higher_the_more_it_is_tinted(photos: list[Image.Image], blur: int, limit: float) -> None:
    for photo in photos:
        masks = [blur_mask(draw_blob(photo.size, seed), blur, blur) for seed in range(4)]
        rising = [np.mean([score_seam(tint(photo, mask, by), mask) for mask in masks]) for by in (0, 6, 12, 24, 48)]
        print("\n", [f"{score:.2f}" for score in rising], end="")
        steps = np.diff(rising)
        assert (steps > -0.03).all() and (steps[-2:] > 0.08).all()
        assert rising[-1] > limit * rising[0]


def test_a_hard_step_on_plain_ground_is_seen_and_plain_ground_is_not() -> None:
    plain, mask = Image.new("RGB", (256, 256), (120, 130, 140)), Image.new("L", (256, 256))
    mask.paste(255, (80, 80, 180, 180))
    assert score_seam(plain, mask) == pytest.approx(1.0)
    nudged = Image.composite(Image.new("RGB", plain.size, (121, 130, 140)), plain, mask)
    assert score_seam(nudged, mask) < 1.6  # one level of one channel: nobody sees that
    assert score_seam(Image.composite(Image.new("RGB", plain.size, (150, 130, 140)), plain, mask), mask) > 10


def test_where_there_is_no_contour_there_is_no_score() -> None:
    photo = Image.new("RGB", (128, 128), "teal")
    assert score_seam(photo, Image.new("L", photo.size)) is None
    assert score_seam(photo, Image.new("L", photo.size, 255)) is None
    with pytest.raises(ValueError, match="sizes differ"):
        score_seam(photo, Image.new("L", (64, 64)))


def test_normals_point_out_of_the_mask_also_around_holes() -> None:
    mask = Image.new("L", (200, 200))
    draw = ImageDraw.Draw(mask)
    draw.ellipse((40, 40, 160, 160), fill=255)
    draw.ellipse((80, 80, 120, 120), fill=0)
    contour = find_contour(mask)
    assert contour is not None
    arms = contour.points - 100
    radii = np.linalg.norm(arms, axis=1)
    outward = (arms * contour.normals).sum(axis=1) / radii
    assert outward[radii > 45].min() > 0.97 and outward[radii < 45].max() < -0.97
    assert radii[radii > 45].mean() == pytest.approx(60.5, abs=0.5)


def test_words_follow_the_number() -> None:
    assert [Visibility.of(score) for score in (0.7, 1.05, 1.3, 1.5, 9)] == [
        Visibility.INVISIBLE, Visibility.INVISIBLE, Visibility.FAINT, Visibility.VISIBLE, Visibility.VISIBLE,
    ]  # fmt: skip


def test_a_large_picture_takes_little_more_than_a_small_one(photos: list[Image.Image]) -> None:
    """Only a band is looked at: 64 times the pixels may take no more than 40 times as long."""
    took_s = {}
    for side in (512, 4096):
        photo = photos[0].resize((side, side))
        mask = draw_blob(photo.size, 1)
        score_seam(photo, mask)
        times = []
        for _ in range(5):
            begun_s = time.thread_time()
            score_seam(photo, mask)
            times.append(time.thread_time() - begun_s)
        took_s[side] = min(times)
    print(f"\nseam score: {took_s[512] * 1e3:.1f} ms at 512, {took_s[4096] * 1e3:.1f} ms at 4096")
    assert took_s[4096] < 40 * took_s[512]


def test_a_mask_of_very_many_specks_is_scored() -> None:
    """OpenCV samples at fewer than 32,768 places at once."""
    pixels = np.zeros((1640, 1640), np.uint8)
    for x, y in np.ndindex(4, 4):
        pixels[32 + y : -32 : 8, 32 + x : -32 : 8] = 255  # 38,809 of them
    mask = Image.fromarray(pixels)
    contour = find_contour(mask)
    assert contour is not None and 4096 <= len(contour.points) < 2**14
    assert score_seam(Image.new("RGB", mask.size, "grey"), mask) == pytest.approx(1)


def test_a_panorama_is_scored() -> None:
    """... and in pictures of fewer than 32,768 columns."""
    mask, picture = Image.new("L", (40_000, 96)), Image.new("RGB", (40_000, 96), "grey")
    mask.paste(255, (200, 36, 39_800, 60))
    assert score_seam(picture, mask) == pytest.approx(1)
    picture.paste("red", (200, 36, 39_800, 60))
    assert score_seam(picture, mask) > FAINT_BELOW
