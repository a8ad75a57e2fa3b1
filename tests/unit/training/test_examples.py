"""Drawing training examples from a small made-up pack."""

from __future__ import annotations

import collections
from pathlib import Path

import numpy as np
import pytest

from models.training import data, examples, objects

KINDS = ("scene", "scene", "pet", "clothing", "grocery")
CAPTIONS = {"scene": "a forest", "pet": "a cat", "clothing": "a hat", "grocery": "kiwi"}


def look(image: np.ndarray) -> np.ndarray:
    """A stand-in for the network: the middle of every picture."""
    height, width = image.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    mask[height // 4 : -height // 4, width // 4 : -width // 4] = 255
    return mask


def write_pictures(folder: Path) -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 100, (48, 40, 3), dtype=np.uint8)
    held_out_blue = np.dstack([noise[..., :2] // 50, np.full((48, 40), 255, np.uint8)])
    every = data.HELD_OUT_EVERY
    kinds = [KINDS[n % len(KINDS)] for n in range(2 * every)]
    shown = [held_out_blue if n % every == every // 2 else noise + np.uint8(n % 7) for n in range(2 * every)]
    data.write_pack(folder, "photos", ((image, CAPTIONS[kind], kind) for image, kind in zip(shown, kinds, strict=True)))
    sprite = np.zeros((160, 160, 4), np.uint8)
    sprite[30:130, 50:110] = (90, 90, 10, 255)
    data.write_pack(folder, "cutouts", [(sprite, "teapot", "cutout", "茶壶")] * 3)


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("plain")
    write_pictures(folder)
    return folder


@pytest.fixture(scope="module")
def masked(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("masked")
    write_pictures(folder)
    objects.write_objects(folder, look)
    return folder


@pytest.mark.parametrize("size_px", [64, 128])
@pytest.mark.parametrize("pack", ["plain", "masked"])
def test_examples_have_the_promised_shapes(pack, size_px, request):
    source = examples.Examples(request.getfixturevalue(pack))
    rng = np.random.default_rng(1)
    for _ in range(60):
        example = source.draw(size_px, rng)
        assert example.image.shape == (3, size_px, size_px)
        assert -1 <= example.image.min() <= example.image.max() <= 1
        assert example.mask.shape == (size_px, size_px)
        assert set(example.mask.unique().tolist()) <= {0.0, 1.0}
        assert example.mask.sum() > 0
        assert isinstance(example.caption, str)


def test_held_out_photos_are_never_drawn_in_training(masked):
    source = examples.Examples(masked)
    drawn = source.indices + source.scenes + [i for kind in (*source.objects.values(), *source.movable.values()) for i in kind]
    held_out = set(source.photos.split(held_out=True))
    assert len(held_out) == 2
    assert not held_out & set(drawn)
    rng = np.random.default_rng(2)
    for _ in range(400):
        image = source.draw(32, rng).image
        assert not ((image[2] > 0.3) & (image[:2].amax(0) < -0.5)).float().mean() > 0.3


def test_held_out_photos_are_what_measuring_draws(masked):
    source = examples.Examples(masked, held_out=True)
    assert source.indices == source.photos.split(held_out=True)
    assert source.draw(32, np.random.default_rng(3)).image.shape == (3, 32, 32)
    assert source.photos.object_mask(source.indices[0]) is None or source.photos.entries[source.indices[0]].kind in objects.KINDS


def test_object_examples_cover_the_object_and_name_it(masked):
    source = examples.Examples(masked)
    rng = np.random.default_rng(4)
    counts = collections.Counter()
    for _ in range(60):
        made = source._object(64, rng)
        assert made.caption in ("a cat", "a hat", "kiwi")
        assert made.is_thing
        assert made.mask[made.seen > 0.5].min() == 1
        counts[made.caption] += 1
    assert counts["a cat"] > 12


def test_objects_are_whole_in_most_examples(masked):
    source = examples.Examples(masked)
    rng = np.random.default_rng(5)
    cut_off = sum(bool(np.concatenate([m[0], m[-1], m[:, 0], m[:, -1]]).any()) for m in (source._object(64, rng).seen for _ in range(100)))
    assert cut_off < 35


def test_free_masks_beside_the_object_have_no_caption(masked):
    source = examples.Examples(masked)
    rng = np.random.default_rng(6)
    index = source.objects["pet"][0]
    made = [source._free_of(index, 64, rng, examples.FREE) for _ in range(100)]
    assert {m.caption for m in made} == {"", "a cat"}


@pytest.mark.parametrize("pack", ["plain", "masked"])
def test_implants_show_what_they_name_and_nothing_of_it_outside(pack, request):
    source = examples.Examples(request.getfixturevalue(pack))
    rng, shown = np.random.default_rng(7), collections.Counter()
    source._ground = lambda size, rng: np.full((size, size, 3), 255, np.uint8)
    for _ in range(80):
        made = source._implant(64, rng)
        assert made.is_thing
        assert made.image[made.mask == 0].min() == 255
        assert made.image[made.mask > 0].min() < 200
        shown[made.caption] += 1
    assert set(shown) == set(CAPTIONS.values())


def test_rare_classes_are_implanted_more_often_than_they_come(plain):
    source = examples.Examples(plain)
    source.implants = {"grocery": {"apple": [2] * 400, "kiwi": [3] * 4}}
    source._thing_under = lambda index, mask, rng: np.full((*mask.shape, 3), index, np.uint8)
    source.photos.entries[2] = source.photos.entries[0]
    rng = np.random.default_rng(8)
    common = sum(source._implant(32, rng).caption == "a forest" for _ in range(300))
    expected = 400**examples.CLASS_BALANCE / (400**examples.CLASS_BALANCE + 4**examples.CLASS_BALANCE)
    assert 0.5 < expected < 400 / 404 - 0.05
    assert common / 300 == pytest.approx(expected, abs=0.07)


def test_the_share_of_implants_is_taken_from_all_others_alike(plain):
    chances = examples.Examples(plain, implants=0.7).chances
    usual = examples.Examples(plain).chances
    assert chances["implant"] == 0.7
    assert chances["free"] / chances["cutout"] == pytest.approx(usual["free"] / usual["cutout"])
    assert sum(chances.values()) == pytest.approx(sum(usual.values()))
    assert usual["implant"] == pytest.approx(examples.SHARES["implant"])


def test_shares_add_up():
    assert sum(examples.IMPLANT_KINDS.values()) == pytest.approx(1)
    assert sum(examples.SHARES.values()) == pytest.approx(1)
    assert sum(examples.OBJECT_KINDS.values()) == pytest.approx(1)
