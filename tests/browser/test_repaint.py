"""Upload, paint, generate, look."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import expect

from tests.browser.fake_server import PAINT
from tests.browser.studio import StudioPage


def painted(result: Image.Image) -> np.ndarray:
    """Where the stand-in painted, (h, w) bool."""
    return np.all(np.asarray(result) == PAINT, axis=-1)


def test_a_stroke_is_repainted_and_nothing_else_changes(studio: StudioPage, photo: Path) -> None:
    studio.upload(photo)
    studio.paint((-60, 10), (0, 30), (60, 10))
    studio.generate()
    studio.expect_status("Done in")
    studio.expect_status("0 pixels changed outside the mask")
    result, before = studio.result(), Image.open(photo)
    assert result.size == before.size
    where = painted(result)
    assert 0.01 < where.mean() < 0.5
    assert np.array_equal(np.asarray(result)[~where], np.asarray(before)[~where])
    assert where[150, 160] and not where[20, 20]
    expect(studio.page.locator("#html_info_img2img textarea")).to_have_value(re.compile("Sampler: Euler,"))


def test_strokes_land_where_the_pointer_is_and_undo_and_eraser_take_them_away(studio: StudioPage, photo: Path) -> None:
    studio.upload(photo)
    studio.paint((0, 0), (30, 0))
    studio.canvas_button("Undo")
    studio.generate()
    expect(studio.toast()).to_contain_text("Brush over what should change first")
    studio.paint((-90, -60), (-90, -60))
    studio.paint((100, 70), (100, 70))
    studio.paint((-100, 80), (-40, 80))
    studio.canvas_button("Eraser")
    studio.paint((-60, 80), (-20, 80))
    studio.generate()
    studio.expect_status("Done in")
    where = painted(studio.result())
    for half, x, y in ((where[:120, :160], 70, 60), (where[120:, 200:], 60, 70)):
        rows, columns = np.nonzero(half)
        assert abs(columns.mean() - x) < 2 and abs(rows.mean() - y) < 2
    assert where[200, 55] and not where[200, 105]


def test_a_large_picture_keeps_its_size(studio: StudioPage, tmp_path: Path) -> None:
    rows, columns = np.mgrid[:1500, :2400]
    before = np.stack([rows % 256, columns % 256, (rows + columns) // 16], axis=-1).astype(np.uint8)
    Image.fromarray(before).save(tmp_path / "large.png")
    studio.upload(tmp_path / "large.png")
    studio.paint((-200, 0), (200, 0))
    studio.generate()
    studio.expect_status("0 pixels changed outside the mask")
    result = studio.result()
    assert result.size == (2400, 1500)
    where = painted(result)
    assert where[750, 1200] and np.array_equal(np.asarray(result)[~where], before[~where])


def test_transparency_is_the_mask(studio: StudioPage, photo: Path, tmp_path: Path) -> None:
    image = Image.open(photo).convert("RGBA")
    alpha = Image.new("L", image.size, 255)
    alpha.paste(0, (40, 60, 140, 160))
    image.putalpha(alpha)
    image.save(tmp_path / "hole.png")
    studio.upload(tmp_path / "hole.png")
    studio.generate()
    studio.expect_status("Done in")
    where = painted(studio.result())
    assert where[100, 90] and where[62, 42] and not where[50, 90] and not where[100, 150]


def test_what_was_done_to_a_file_is_said(studio: StudioPage, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    Image.new("RGB", (300, 200), "navy").save(tmp_path / "phone.jpg", exif=exif)
    studio.open_tab("img2img")
    studio.upload(tmp_path / "phone.jpg")
    caption = studio.by_id("img2img_caption")
    expect(caption).to_contain_text("200 × 300")
    expect(caption).to_contain_text("turned upright")

    grey = np.linspace(0, 65535, 64 * 64, dtype=np.uint16).reshape(64, 64)
    Image.fromarray(grey).save(tmp_path / "deep.tiff")
    studio.upload(tmp_path / "deep.tiff")
    expect(studio.by_id("img2img_caption")).to_contain_text("converted from 16-bit to 8-bit")


def test_img2img_repaints_everything_and_its_results_are_saved_and_sent_on(studio: StudioPage, photo: Path) -> None:
    studio.open_tab("img2img")
    expect(studio.by_id("inpaint_controls")).to_be_hidden()
    studio.upload(photo)
    expect(studio.page.locator("#img2img_width input[type=number]")).to_have_value("296")
    expect(studio.page.locator("#img2img_height input[type=number]")).to_have_value("224")
    studio.by_id("img2img_detect_image_size_btn").click()
    expect(studio.page.locator("#img2img_width input[type=number]")).to_have_value("320")
    studio.by_id("img2img_res_switch_btn").click()
    expect(studio.page.locator("#img2img_width input[type=number]")).to_have_value("240")
    studio.generate()
    studio.expect_status("Done in")
    assert painted(studio.result()).all()

    studio.set_number("img2img_batch_count", 2)
    studio.set_number("img2img_steps", 4)
    studio.choose("img2img_sampling", "Euler a")
    studio.generate()
    studio.expect_status("Done in")
    thumbnails = studio.page.locator("#img2img_gallery .thumbnails button")
    expect(thumbnails).to_have_count(2)
    thumbnails.nth(1).click()
    expect(studio.page.locator("#html_info_img2img textarea")).to_have_value(re.compile("Sampler: Euler a, Seed: 1234568"))
    with studio.page.expect_download() as download:
        studio.by_id("save_img2img").click()
    saved = Image.open(io.BytesIO(Path(download.value.path()).read_bytes()))
    assert "Seed: 1234568" in saved.info["parameters"]
    studio.by_id("img2img_reuse_seed").click()
    expect(studio.page.locator("#img2img_seed input")).to_have_value("1234568")
    studio.by_id("img2img_random_seed").click()
    expect(studio.page.locator("#img2img_seed input")).to_have_value("-1")
    studio.by_id("img2img_send_to_inpaint").click()
    expect(studio.toast()).to_contain_text("The mask was left behind")
    expect(studio.by_id("img2img_caption")).to_contain_text("320 × 240")
    studio.by_id("img2img_send_to_img2img").click()
    expect(studio.by_id("inpaint_controls")).to_be_hidden()
    expect(studio.page.locator("#img2img_image .pm-view.pm-has-picture")).to_be_visible()
