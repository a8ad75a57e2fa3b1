"""When something is wrong, a person reads a sentence."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.studio import StudioPage


def test_a_broken_picture_is_named_and_the_page_lives_on(studio: StudioPage, photo: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(photo.read_bytes()[:200])
    studio.view().locator("input[type=file]").first.set_input_files(broken)
    expect(studio.toast()).to_contain_text("broken.png")
    expect(studio.toast()).not_to_contain_text("Traceback")
    studio.open_tab("img2img")
    studio.upload(photo)


def test_a_refused_value_is_explained(studio: StudioPage, photo: Path) -> None:
    studio.open_tab("img2img")
    studio.upload(photo)
    studio.page.locator("#img2img_prompt textarea").fill("refuse")
    studio.generate()
    studio.expect_status("Steps: 20 cannot be used; wanted is fewer.")


def test_an_unforeseen_error_gives_a_number_and_no_inside(studio: StudioPage, photo: Path) -> None:
    studio.open_tab("img2img")
    studio.upload(photo)
    studio.page.locator("#img2img_prompt textarea").fill("boom")
    studio.generate()
    studio.expect_status(re.compile(r"under error [0-9a-f]{8}"))
    assert "secret detail" not in studio.page.content()
    studio.page.locator("#img2img_prompt textarea").fill("")
    studio.generate()
    studio.expect_status("Done in")


def test_an_emptied_number_is_refused_kindly(studio: StudioPage, photo: Path) -> None:
    studio.open_tab("img2img")
    studio.upload(photo)
    studio.page.locator("#img2img_seed input").fill("")
    studio.generate()
    expect(studio.toast()).to_contain_text("Seed is empty")
