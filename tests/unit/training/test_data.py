"""Packing pictures, their object masks, and naming cut-outs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.training import cutouts, data, objects, pictures

KINDS = ("scene", "pet", "clothing", "grocery")


def photo(number: int) -> np.ndarray:
    return np.full((12 + number % 3, 10, 3), number % 256, np.uint8)


@pytest.fixture
def folder(tmp_path) -> Path:
    data.write_pack(tmp_path, "photos", ((photo(n), "a cat", KINDS[n % 4]) for n in range(420)))
    return tmp_path


def test_packed_pictures_come_back(folder):
    pack = data.Pack(folder, "photos")
    assert len(pack) == 420
    for number in (0, 7, 419):
        assert np.array_equal(pack.image(number), photo(number))


def test_every_200th_picture_is_held_out(folder):
    pack = data.Pack(folder, "photos")
    assert pack.split(held_out=True) == [100, 300]
    assert len(pack.split(held_out=False)) == 418


def test_an_older_listing_without_chinese_is_read(folder):
    rows = json.loads((folder / "photos.json").read_text())
    for row in rows:
        del row["caption_zh"]
    (folder / "photos.json").write_text(json.dumps(rows))
    assert data.Pack(folder, "photos").entries[3].caption_zh == ""


def test_chinese_captions_are_packed(tmp_path):
    data.write_pack(tmp_path, "cutouts", [(np.zeros((4, 4, 4), np.uint8), "apple", "cutout", "苹果")])
    assert data.Pack(tmp_path, "cutouts").entries[0].caption_zh == "苹果"


def look(image: np.ndarray) -> np.ndarray:
    """A stand-in for the network: it is sure of a half of every picture of an even brightness, and of nothing else."""
    mask = np.zeros(image.shape[:2], np.uint8)
    mask[: image.shape[0] // 2] = 255 if image[0, 0, 0] % 2 == 0 else 90
    return mask


def test_without_masks_there_is_none(folder):
    assert data.Pack(folder, "photos").object_mask(1) is None


def test_object_masks_survive_a_stop(folder):
    assert objects.write_objects(folder, look, most=150)[0] == 150
    with open(folder / "objects.u8", "ab") as stream:
        stream.write(b"half a mask that no listing knows")
    seen, found = objects.write_objects(folder, look)
    assert (seen, found) == (315, 105)
    pack = data.Pack(folder, "photos")
    for index, entry in enumerate(pack.entries):
        mask = pack.object_mask(index)
        if entry.kind == "scene" or pack.image(index)[0, 0, 0] % 2:
            assert mask is None
        else:
            assert np.array_equal(mask, look(pack.image(index)))


@pytest.mark.parametrize(("share", "value", "is_good"), [(0.5, 255, True), (0.02, 255, False), (0.95, 255, False), (0.5, 150, False)])
def test_masks_of_everything_or_nothing_are_refused(share, value, is_good):
    mask = np.zeros((100, 10), np.uint8)
    mask[: int(100 * share)] = value
    assert objects.is_confident(mask) == is_good


def test_crops_hold_the_whole_object():
    rng = np.random.default_rng(0)
    image, mask = np.zeros((160, 213, 3), np.uint8), np.zeros((160, 213), np.uint8)
    mask[40:120, 60:150] = 255
    image[40:120, 60:150] = 200
    image[46:114, 66:144] = 20
    for _ in range(40):
        crop, cut = pictures.square_around(image, mask, 128, rng)
        assert crop.shape == (128, 128, 3)
        rows, columns = (np.where((cut > 127).any(axis))[0] for axis in (1, 0))
        rim = [crop[rows[1], columns], crop[rows[-2], columns], crop[rows, columns[1]], crop[rows, columns[-2]]]
        assert all(np.median(side) > 150 for side in rim)


def test_pasted_objects_stay_inside_and_leave_the_rest_unless_in_shadow():
    rng = np.random.default_rng(1)
    sprite = np.zeros((160, 160, 4), np.uint8)
    sprite[40:120, 30:130] = (250, 20, 20, 255)
    ground = np.full((96, 96, 3), 100, np.uint8)
    for _ in range(30):
        image, alpha = pictures.paste(ground, sprite, rng)
        assert image.shape == ground.shape
        assert 0.01 < alpha.mean() < 0.6
        assert image[alpha == 0].max() <= 100
        assert image[alpha > 0.99][:, 0].mean() > image[alpha > 0.99][:, 1].mean() + 50


def test_tensors_and_pixels_are_the_same_picture():
    pixels = np.random.default_rng(2).integers(0, 256, (6, 5, 3), dtype=np.uint8)
    tensor = data.to_tensor(pixels)
    assert tensor.shape == (3, 6, 5)
    assert -1 <= tensor.min() <= tensor.max() <= 1
    assert np.array_equal(data.to_pixels(tensor), pixels)


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("cat_scrathing_post_benji_01", "cat"),
        ("corn_dog", "corn dog"),
        ("cavallo_architetto_franc_03", "horse"),
        ("apples_01", "apple"),
        ("elephant_symbol_ganson", None),
        ("zinf_santiago_diaz_", None),
    ],
)
def test_clip_art_is_named_by_what_its_file_name_mentions(stem, name):
    found = cutouts.name_clip_art(stem)
    assert (found and found[0]) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("A red kangaroo.\nzh_CN.utf8=一只红色的袋鼠。\n", ("red kangaroo", "红色的袋鼠")),
        ("A yak.\nzh_CN.utf8=废话。\n", ("yak", "牦牛")),
        ("A pelican.\n", ("pelican", "")),
        ("Remember to brush your teeth!\n", None),
    ],
)
def test_stamps_are_named_by_their_text(text, name):
    assert cutouts.name_stamp(text) == name


def test_emoji_are_named_in_two_languages_and_signs_are_left_out(tmp_path):
    english = {"\U0001f34e": {"en": ":red_apple:"}, "\U0001f170": {"en": ":A_button_(blood_type):"}, "\U0001f431": {"en": ":cat_face:"}}
    chinese = {"\U0001f34e": ":红苹果:", "\U0001f431": ":猫脸:"}
    (tmp_path / "emoji.json").write_text(json.dumps(english), encoding="utf-8")
    (tmp_path / "emoji_zh.json").write_text(json.dumps(chinese), encoding="utf-8")
    names = cutouts.read_emoji_names(tmp_path)
    assert names["1f34e"] == ("red apple", "红苹果")
    assert names["1f431"] == ("cat", "猫脸")
    assert "1f170" not in names


def test_cutouts_fill_their_square_and_opaque_or_flat_pictures_are_left_out(tmp_path):
    rng = np.random.default_rng(4)
    picture = np.zeros((300, 400, 4), np.uint8)
    picture[100:200, 50:250, :3] = rng.integers(0, 256, (100, 200, 3))
    picture[100:200, 50:250, 3] = 255
    picture[100:140, 50:120, 3] = 0
    flat = picture.copy()
    flat[..., :3] = 90
    opaque = picture.copy()
    opaque[..., 3] = 255
    for name, pixels in (("apple_01", picture), ("pear_01", flat), ("lemon_01", opaque)):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    (tmp_path / "apple_02.png").symlink_to(tmp_path / "apple_01.png")
    found = list(cutouts.read_cutouts([tmp_path]))
    assert [row[1:] for row in found] == [("apple", "cutout", "苹果")]
    alpha = found[0][0][..., 3]
    assert alpha.shape == (cutouts.CUTOUT_PX,) * 2
    assert alpha[:, 0].any()
    assert alpha[:, -1].any()
