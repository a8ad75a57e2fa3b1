"""A folder, or many files, as a person runs them."""

from __future__ import annotations

import csv
import io
import re
import time
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, expect

from tests.browser.fake_server import PAINT
from tests.browser.studio import StudioPage

FIRST_RUN = re.compile(r"picture [1-9] of \d+")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four pictures of 64 x 48 px, one of them twice with different suffixes."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number, name in enumerate(("a.png", "a.jpg", "photo 2.png", "photo 10.png")):
        Image.new("RGB", (64, 48), (40 * number, 90, 200)).save(folder / name)
    return folder


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    """White left halves for a and photo 2; a mask of another shape for photo 10."""
    folder = tmp_path / "masks"
    folder.mkdir()
    half = Image.new("L", (64, 48))
    half.paste(255, (0, 0, 32, 48))
    half.save(folder / "a.png")
    half.save(folder / "PHOTO 2.webp", lossless=True)
    Image.new("L", (48, 64), 255).save(folder / "photo 10.png")
    return folder


def open_batch(studio: StudioPage, steps: int = 3) -> None:
    studio.set_number("img2img_steps", steps)
    studio.open_tab("Batch")
    expect(studio.by_id("img2img_batch_dry_run")).to_be_visible()


def fill(studio: StudioPage, element_id: str, text: object) -> None:
    studio.page.locator(f"#{element_id} textarea, #{element_id} input").first.fill(str(text))


def pick(studio: StudioPage, element_id: str, name: str) -> None:
    studio.page.locator(f"#{element_id}").get_by_text(name, exact=True).click()


def dry_rows(studio: StudioPage) -> Locator:
    studio.by_id("img2img_batch_dry_run").click()
    rows = studio.page.locator("#img2img_batch_table tbody tr")
    expect(rows.first).to_be_visible()
    return rows


def hold_back(studio: StudioPage, tmp_path: Path) -> Path:
    """Have the stand-in finish no picture as long as this file is there."""
    gate = tmp_path / "gate"
    gate.touch()
    fill(studio, "img2img_prompt", f"while {gate}")
    return gate


def let_one_through(gate: Path, out: Path) -> None:
    """Return when one picture is saved and the next is held back."""
    gate.unlink()
    until_s = time.monotonic() + 240
    while not (out.is_dir() and any(out.iterdir())):
        assert time.monotonic() < until_s, "no picture was saved"
        time.sleep(0.01)
    gate.touch()


def report(studio: StudioPage) -> dict[str, dict[str, str]]:
    """The CSV that the page offers, by file."""
    link = studio.by_id("img2img_batch_csv")
    expect(link).to_be_visible()
    data = studio.page.request.get(studio.url + str(link.get_attribute("href"))).body()
    return {row["file"]: row for row in csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))}


def test_a_folder_with_masks_is_looked_at_and_run(studio: StudioPage, folder: Path, masks: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "broken.png").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("x")
    open_batch(studio)
    fill(studio, "img2img_batch_input_dir", folder)
    pick(studio, "img2img_batch_masks", "Folder")
    fill(studio, "img2img_batch_inpaint_mask_dir", masks)
    fill(studio, "img2img_batch_output_dir", folder)
    rows = dry_rows(studio)
    table = studio.by_id("img2img_batch_table")
    expect(rows).to_have_count(5)
    expect(rows.nth(0)).to_contain_text(re.compile(r"a\.jpg.*64 × 48.*a\.png.*same size.*a\.jpg\.png.*ready"))
    expect(rows.nth(1)).to_contain_text("a.png.png")
    expect(rows.nth(2)).to_contain_text("No mask is called “broken”")
    expect(rows.nth(3)).to_contain_text(re.compile(r"photo 2\.png.*PHOTO 2\.webp.*photo 2-2\.png.*ready"))
    expect(rows.nth(4)).to_contain_text(re.compile(r"photo 10\.png.*48 × 64.*different shapes: 48×64, 64×48"))
    expect(table).to_contain_text("Ready: 3")
    expect(table).to_contain_text("files that are no pictures: 1")
    assert {path.name for path in folder.iterdir()} == {*before, "broken.png", "notes.txt"}, "a dry run writes nothing"
    studio.generate()
    studio.expect_status("Done in")
    studio.expect_status("3 of 5 pictures made")
    studio.expect_status("0 pixels changed outside the mask")
    found = report(studio)
    assert {name: row["state"] for name, row in found.items()} == {
        "a.jpg": "done", "a.png": "done", "broken.png": "refused", "photo 2.png": "done", "photo 10.png": "failed",
    }  # fmt: skip
    assert {name: (folder / name).read_bytes() for name in before} == before, "originals stay as they are"
    assert {path.name for path in folder.glob("*.png")} == {
        "a.png", "a.jpg.png", "a.png.png", "broken.png", "photo 2.png", "photo 2-2.png", "photo 10.png",
    }  # fmt: skip
    with Image.open(folder / "photo 2-2.png") as result:
        assert result.getpixel((5, 5)) == PAINT and result.getpixel((60, 5)) == (80, 90, 200) and "Steps: 3" in result.info["parameters"]
    assert len({row["seeds"] for row in found.values() if row["seeds"]}) == 1
    expect(studio.page.locator("#img2img_batch_report tbody tr")).to_have_count(5)
    expect(studio.page.locator("#img2img_gallery img").first).to_be_visible()
    expect(studio.toast()).to_have_count(0)


def test_dropped_files_with_one_mask_for_all(studio: StudioPage, folder: Path, masks: Path, tmp_path: Path) -> None:
    open_batch(studio)
    pick(studio, "img2img_batch_source", "Files")
    studio.page.locator("#img2img_batch_files input[type=file]").set_input_files(sorted(folder.iterdir()))
    expect(studio.by_id("img2img_batch_files")).to_contain_text("photo 10")
    pick(studio, "img2img_batch_masks", "One for all")
    studio.page.locator("#img2img_batch_mask_files input[type=file]").set_input_files(masks / "a.png")
    fill(studio, "img2img_batch_output_dir", tmp_path / "out")
    rows = dry_rows(studio)
    expect(rows).to_have_count(4)
    expect(rows.nth(3)).to_contain_text(re.compile(r"photo 10\.png.*a\.png.*photo 10\.png.*ready"))
    studio.generate()
    studio.expect_status("4 of 4 pictures made")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.jpg.png", "a.png.png", "photo 10.png", "photo 2.png"]


def test_interrupted_and_gone_on_with(studio: StudioPage, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for number in range(2):
        Image.new("RGB", (64, 48)).save(folder / f"x{number}.png")
    gate = hold_back(studio, tmp_path)
    open_batch(studio, steps=40)
    fill(studio, "img2img_batch_input_dir", folder)
    fill(studio, "img2img_batch_output_dir", out)
    studio.generate()
    studio.expect_status("picture 1 of 6")
    let_one_through(gate, out)
    studio.expect_status(re.compile(r"picture [2-5] of 6"))
    expect(studio.page.locator("#img2img_live_preview img")).to_be_visible()
    expect(studio.by_id("img2img_batch_report")).to_contain_text("in hand")
    studio.page.reload()
    studio.wait_ready()
    studio.expect_status(re.compile(r"picture \d+ of 6"))
    studio.by_id("img2img_interrupt").click()
    studio.expect_status("Interrupted after")
    gate.unlink()
    made = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    assert 1 <= len(made) < 6
    studio.open_tab("Batch")
    expect(studio.by_id("img2img_batch_resume")).to_be_visible()
    expect(studio.page.locator("#img2img_batch_earlier input")).to_have_value(re.compile(rf"in · {len(made)} of 6 made"))
    studio.by_id("img2img_batch_resume").click()
    studio.expect_status("6 of 6 pictures made")
    assert {name: (out / name).stat().st_mtime_ns for name in made} == made, "what was made stays"
    assert len(list(out.iterdir())) == 6


def test_the_same_form_goes_on_and_skip_skips_a_file(studio: StudioPage, folder: Path, tmp_path: Path) -> None:
    gate = hold_back(studio, tmp_path)
    open_batch(studio, steps=40)
    fill(studio, "img2img_batch_input_dir", folder)
    fill(studio, "img2img_batch_output_dir", tmp_path / "out")
    studio.generate()
    studio.expect_status("picture 1 of 4")
    studio.by_id("img2img_skip").click()
    studio.expect_status("picture 2 of 4")
    let_one_through(gate, tmp_path / "out")
    studio.expect_status("picture 3 of 4")
    studio.by_id("img2img_interrupt").click()
    studio.expect_status("Interrupted after")
    gate.unlink()
    expect(studio.by_id("img2img_batch_resume")).to_be_visible()  # with the last answer, which also takes the table away
    rows = dry_rows(studio)
    expect(studio.by_id("img2img_batch_table")).to_contain_text("only what is missing will be made")
    expect(rows.filter(has_text="made")).to_have_count(1)
    studio.generate()
    studio.expect_status("3 of 4 pictures made")
    assert [row["state"] for row in report(studio).values()].count("skipped") == 1
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_what_cannot_be_run_is_said(studio: StudioPage, tmp_path: Path) -> None:
    open_batch(studio)
    studio.generate()
    expect(studio.toast().filter(has_text="Folder of pictures")).to_be_visible()
    fill(studio, "img2img_batch_input_dir", tmp_path)
    studio.by_id("img2img_batch_dry_run").click()
    expect(studio.toast().filter(has_text="a folder with pictures")).to_be_visible()
    expect(studio.by_id("img2img_generate")).to_be_visible()


def test_the_table_follows_the_language(studio: StudioPage, folder: Path) -> None:
    open_batch(studio)
    fill(studio, "img2img_batch_input_dir", folder)
    dry_rows(studio)
    studio.page.get_by_role("button", name="简体中文").click()
    expect(studio.by_id("img2img_batch_table")).to_contain_text("就绪：4")
    expect(studio.by_id("img2img_batch_dry_run")).to_have_text("预演")


def test_a_thousand_pairs_are_looked_into_quickly(studio: StudioPage, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    picture = io.BytesIO()
    Image.new("RGB", (64, 48)).save(picture, "PNG")
    for number in range(1000):
        (folder / f"{number}.png").write_bytes(picture.getvalue())
    open_batch(studio)
    fill(studio, "img2img_batch_input_dir", folder)
    begun_s = time.monotonic()
    rows = dry_rows(studio)
    print(f"\na dry run of 1000 pictures was shown after {time.monotonic() - begun_s:.2f} s")
    expect(rows).to_have_count(300)
    expect(studio.by_id("img2img_batch_table")).to_contain_text("Ready: 1000")
    expect(studio.by_id("img2img_batch_table")).to_contain_text("700 more")
