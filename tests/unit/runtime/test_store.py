"""The content-addressed store: whole files or none, known by their bytes."""

from __future__ import annotations

import hashlib
import io
import os
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from modules.base.errors import InvalidImage, InvalidRequest
from modules.runtime.picture_cache import PictureCache
from modules.runtime.store import AssetStore, UnknownAsset


def encode(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def gradient(width: int = 60, height: int = 40) -> Image.Image:
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = np.arange(width) * 4 % 256, np.arange(height)[:, None] * 5 % 256
    return Image.fromarray(pixels)


@pytest.fixture
def store(tmp_path: Path) -> AssetStore:
    return AssetStore(tmp_path / "store")


def names(store_folder: Path) -> list[str]:
    return sorted(path.name for path in store_folder.rglob("*") if path.is_file())


def test_a_file_is_kept_as_it_came_under_its_hash(store: AssetStore, tmp_path: Path) -> None:
    data = encode(gradient(), "JPEG")
    asset = store.add(data, "C:\\pictures\\cat.jpg")
    assert (asset.id, asset.width, asset.height, asset.name) == (hashlib.sha256(data).hexdigest(), 60, 40, "cat.jpg")
    path = store.path(asset.id)
    assert path.read_bytes() == data
    assert path.relative_to(tmp_path).as_posix() == f"store/{asset.id[:2]}/{asset.id}.jpg"
    assert store.has(asset.id) and store.describe(asset.id) == asset


def test_the_same_file_is_kept_once_and_keeps_its_first_name(store: AssetStore, tmp_path: Path) -> None:
    first, again = store.add(encode(gradient()), "a.png"), store.add(encode(gradient()), "b.png")
    assert first == again
    assert len(names(tmp_path / "store")) == 2


def test_a_file_is_opened_upright_and_described_so(store: AssetStore) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    asset = store.add(encode(gradient(), "JPEG", exif=exif))
    assert (asset.width, asset.height) == (40, 60) and "upright" in asset.notes[0]
    assert store.open(asset.id).image.size == (40, 60)
    with Image.open(store.view(asset.id)) as view:
        assert view.format == "PNG" and np.array_equal(view, store.open(asset.id).image)


def test_what_a_browser_shows_anyway_is_its_own_view(store: AssetStore) -> None:
    plain, palette = store.add(encode(gradient())), store.add(encode(gradient().quantize(8)))
    assert store.view(plain.id) == store.path(plain.id)
    assert store.view(palette.id) != store.path(palette.id)
    tiff = store.add(encode(gradient(), "TIFF"))
    assert store.view(tiff.id).suffix == ".png"


def test_whoever_opens_a_picture_may_paint_on_it(store: AssetStore) -> None:
    asset = store.add(encode(gradient()))
    store.open(asset.id).image.paste("red", (0, 0, 60, 40))
    assert np.array_equal(store.open(asset.id).image, gradient())


def test_a_mask_is_grey_or_the_transparency(store: AssetStore) -> None:
    grey = Image.new("L", (8, 8), 77)
    clear = Image.new("RGBA", (8, 8), (9, 9, 9, 40))
    assert store.mask(store.add_picture(grey).id).getextrema() == (77, 77)
    assert store.mask(store.add_picture(clear).id).getextrema() == (40, 40)
    assert store.mask(store.add(encode(Image.new("RGB", (8, 8), "white"), "JPEG")).id).getextrema() == (255, 255)


def test_a_grey_mask_is_turned_upright_like_its_picture(store: AssetStore) -> None:
    mask, exif, data = Image.new("L", (8, 4)), Image.Exif(), io.BytesIO()
    mask.paste(255, (0, 0, 2, 4))
    exif[ExifTags.Base.Orientation] = 6
    mask.save(data, "PNG", exif=exif)
    asset = store.add(data.getvalue())
    turned = store.mask(asset.id)
    assert turned.size == (asset.width, asset.height) == (4, 8) and turned.getbbox() == (0, 0, 4, 2)


def test_a_picture_is_kept_with_its_text_and_colour_profile(store: AssetStore) -> None:
    from PIL import ImageCms

    image = gradient()
    image.info["icc_profile"] = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = store.open(store.add_picture(image, "a cat\nSteps: 3").id)
    assert picture.info["parameters"] == "a cat\nSteps: 3" and picture.icc == image.info["icc_profile"]


def test_a_saved_result_is_linked_and_takes_no_room_twice(store: AssetStore, tmp_path: Path) -> None:
    saved = tmp_path / "00000-1.png"
    saved.write_bytes(encode(gradient(400, 300)))
    asset = store.link(saved)
    assert asset.name == "00000-1.png" and store.path(asset.id).samefile(saved)
    assert store.size_bytes() < 1000
    saved.unlink()
    assert np.array_equal(store.open(asset.id).image, gradient(400, 300))
    assert store.size_bytes() > store.path(asset.id).stat().st_size


def test_a_picture_that_lost_its_note_is_still_listed(store: AssetStore, tmp_path: Path) -> None:
    saved = tmp_path / "a.png"
    saved.write_bytes(encode(gradient()))
    os.utime(saved, (1000, 1000))
    asset = store.link(saved)
    store.path(asset.id).with_suffix(".json").unlink()
    ((found, used_s),) = store.ids()
    assert found == asset.id and time.time() - used_s < 60, "the file's own date says nothing of the store"
    store.remove(asset.id)
    assert list(store.ids()) == []


def test_a_file_that_is_in_use_stays_and_costs_no_error(store: AssetStore, monkeypatch: pytest.MonkeyPatch) -> None:
    asset, unlink = store.add(encode(gradient())), Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == ".png":
            raise PermissionError(13, "The process cannot access the file")
        unlink(path, missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        kept = store.path(asset.id).stat().st_size
        assert store.remove(asset.id) < kept + 1000 and store.path(asset.id).stat().st_size == kept
    assert [found for found, _ in store.ids()] == [asset.id]
    assert store.remove(asset.id) == kept and not store.has(asset.id)


def test_without_hard_links_a_saved_result_is_copied(store: AssetStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = tmp_path / "a.png"
    saved.write_bytes(encode(gradient()))

    def refuse(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    asset = store.link(saved)
    assert not store.path(asset.id).samefile(saved) and store.path(asset.id).read_bytes() == saved.read_bytes()


def test_a_result_that_was_written_over_is_missed_and_can_be_kept_again(store: AssetStore, tmp_path: Path) -> None:
    saved, data = tmp_path / "a.png", encode(gradient())
    saved.write_bytes(data)
    asset = store.link(saved)
    saved.write_bytes(encode(Image.new("RGB", (5, 5))))
    assert not store.has(asset.id)
    with pytest.raises(UnknownAsset):
        store.open(asset.id)
    assert store.add(data) == asset and store.path(asset.id).read_bytes() == data
    assert len(saved.read_bytes()) != len(data)


def test_a_changed_date_alone_is_no_change(store: AssetStore) -> None:
    asset = store.add(encode(gradient()))
    os.utime(store.path(asset.id), (1, 1))
    assert store.has(asset.id)


def test_thumbnails_are_made_when_asked_for_and_again_when_broken(store: AssetStore) -> None:
    asset = store.add(encode(gradient(600, 300)))
    thumbnail = store.thumbnail(asset.id)
    with Image.open(thumbnail) as image:
        assert (image.format, image.size) == ("WEBP", (256, 128))
    whole = thumbnail.read_bytes()
    thumbnail.write_bytes(whole[:100])
    assert store.thumbnail(asset.id).read_bytes() == whole
    with Image.open(store.thumbnail(asset.id, 64)) as image:
        assert image.size == (64, 32)


def test_a_small_picture_has_a_small_thumbnail(store: AssetStore) -> None:
    with Image.open(store.thumbnail(store.add(encode(gradient(3, 1))).id)) as image:
        assert image.size == (3, 1)


def test_the_thumbnail_outlives_the_picture(store: AssetStore) -> None:
    asset = store.add(encode(gradient(600, 300)))
    kept = store.thumbnail(asset.id, 256)
    store.path(asset.id).unlink()
    assert store.thumbnail(asset.id) == store.thumbnail(asset.id, 512) == kept
    store.remove(asset.id)
    with pytest.raises(UnknownAsset):
        store.thumbnail(asset.id)


@pytest.mark.parametrize("bad", ["", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 64 + "/..", "a" * 64, None])
def test_an_id_that_names_nothing_makes_no_path(store: AssetStore, tmp_path: Path, bad: str) -> None:
    for ask in (store.path, store.describe, store.open, store.mask, store.view, store.thumbnail):
        with pytest.raises(UnknownAsset):
            ask(bad)
    assert not store.has(bad) and not (tmp_path / "store").exists()


def test_what_is_no_picture_or_too_large_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    store = AssetStore(tmp_path / "store", lambda: 1000)
    for data in (b"", b"<svg/>", encode(gradient())[:200], encode(gradient())):
        with pytest.raises(InvalidImage) as caught:
            store.add(data, field="picture")
        assert caught.value.field == "picture"
    assert names(tmp_path) == []


def test_a_lost_or_broken_note_is_written_again(store: AssetStore) -> None:
    asset = store.add(encode(gradient()), "cat.png")
    note = store.path(asset.id).with_suffix(".json")
    for broken in (b"", b"[1]", b'{"suffix": "/../x"}'):
        note.write_bytes(broken)
        assert (store.describe(asset.id).width, store.describe(asset.id).name) == (60, "")
    note.unlink()
    assert store.describe(asset.id).height == 40 and note.exists()


def test_all_that_belongs_to_a_picture_is_removed(store: AssetStore, tmp_path: Path) -> None:
    one, other = store.add(encode(gradient(), "TIFF")), store.add(encode(gradient(9, 9)))
    store.thumbnail(one.id), store.view(one.id)
    kept = store.size_bytes()
    assert store.remove(one.id) + store.size_bytes() == kept
    assert [asset_id for asset_id, _ in store.ids()] == [other.id]
    assert names(tmp_path) == [f"{other.id}.json", f"{other.id}.png"]
    assert store.remove(one.id) == 0


def test_use_is_remembered(store: AssetStore) -> None:
    asset = store.add(encode(gradient()))
    note = store.path(asset.id).with_suffix(".json")
    os.utime(note, (1000, 1000))
    assert dict(store.ids()) == {asset.id: 1000}
    store.open(asset.id)
    assert time.time() - dict(store.ids())[asset.id] < 60


def test_the_cache_keeps_within_its_budget(store: AssetStore) -> None:
    picture = store.open(store.add(encode(gradient(10, 10))).id)
    cache = PictureCache(budget_bytes=1000)
    for key in "abc":
        cache.put(key, picture)
    assert [cache.get(key) is not None for key in "abc"] == [False, True, True]


def test_a_size_that_makes_no_sense_is_refused(store: AssetStore) -> None:
    asset = store.add(encode(gradient()))
    for side_px in (0, 31, 5000):
        with pytest.raises(InvalidRequest, match="side_px"):
            store.thumbnail(asset.id, side_px)


def test_a_file_that_was_changed_since_it_was_read_is_kept_as_it_was_read(store: AssetStore, tmp_path: Path) -> None:
    source = tmp_path / "photo.png"
    Image.new("RGB", (6, 4), "red").save(source)
    data = source.read_bytes()
    Image.new("RGB", (6, 4), "blue").save(source)
    asset = store.add(data, "photo.png", source=source)
    assert store.path(asset.id).read_bytes() == data and not os.path.samefile(store.path(asset.id), source)
    again = store.add(source.read_bytes(), "photo.png", source=source)
    assert os.path.samefile(store.path(again.id), source) and store.open(again.id).image.getpixel((0, 0)) == (0, 0, 255)
