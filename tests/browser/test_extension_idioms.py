"""Extensions in A1111's idioms on the page do what they do under A1111, also with broken and hostile ones beside them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import REAL_SERVER, serve
from tests.browser.studio import StudioPage

EXTENSIONS = Path(__file__).parents[1] / "data" / "extensions"
IDIOMS = ("blank-start", "broken", "frame-maker", "half-sigma", "hostile", "masked-tiles", "prompt-words", "size-presets")
INFOTEXT = "#html_info_img2img textarea"


@pytest.fixture(scope="module")
def idioms_url(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Iterator[str]:
    """The studio as it is, with these extensions."""
    data = tmp_path_factory.mktemp("idioms")
    for name in IDIOMS:
        shutil.copytree(EXTENSIONS / name, data / "extensions" / name)
    yield from serve(project_root, data, ["-c", REAL_SERVER, str(project_root), "--port", "{port}", "--data-dir", str(data)])


@pytest.fixture
def small_photo(tmp_path: Path, photo: Path) -> Path:
    path = tmp_path / "small.png"
    Image.open(photo).convert("RGB").resize((128, 128)).save(path)
    return path


def open_with(page: Page, url: str, photo: Path) -> StudioPage:
    studio = StudioPage(page, url).open()
    studio.open_tab("img2img")
    studio.upload(photo)
    studio.set_number("img2img_steps", 4)
    return studio


def test_the_pages_own_sliders_are_captured_and_set(page: Page, idioms_url: str) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    StudioPage(page, idioms_url).open()
    page.wait_for_function("window.sizePresetsLoaded === 1")
    page.locator("#script_img2img_size_presets_presets button.label-wrap").first.click()
    page.wait_for_function("sizePresetsUpdates > 0")
    page.locator("#script_img2img_size_presets_wide").click()
    expect(page.locator("#img2img_width input[type=number]")).to_have_value("96")
    expect(page.locator("#img2img_height input[type=number]")).to_have_value("64")
    said = page.locator("#script_img2img_size_presets_said")
    expect(said.locator("textarea, input")).to_have_value("Wide it is")
    page.wait_for_function("window.sizePresetPicked === 'Wide'")
    assert said.evaluate("element => getComputedStyle(element).outlineColor") == "rgb(1, 2, 3)"
    assert errors == []


def test_always_on_scripts_do_their_work(page: Page, idioms_url: str, small_photo: Path) -> None:
    studio = open_with(page, idioms_url, small_photo)
    page.locator("#img2img_prompt textarea").fill("a __animal__")
    page.locator("#script_img2img_prompt_words_group button.label-wrap").click()
    page.locator("#script_img2img_prompt_words_enabled input").check()
    page.get_by_label("Added words").fill("in the sun")
    page.get_by_label("Halve sigma").check()
    page.get_by_text("Blank start", exact=True).click()
    page.get_by_label("Start from one colour").check()
    page.locator(
        "#script_img2img_size_presets_presets-checkbox input, #script_img2img_size_presets_presets input[type=checkbox]"
    ).first.check()
    studio.generate()
    studio.expect_status("Done in")
    expect(page.locator(INFOTEXT)).not_to_have_value("")
    text = page.locator(INFOTEXT).input_value()
    assert re.match(r"a (cat|dog), in the sun\n", text), text
    for wanted in ("Prompt words: in the sun", "Half sigma calls: ", "Blank start: ", "Size preset: ", "Denoising strength: 0.5"):
        assert wanted in text, text
    expect(page.locator(".pm-notes, #img2img_notes, .pm-note-line").filter(has_text="Hostile").first).to_be_attached()


def test_a_selected_script_paints_tile_by_tile(page: Page, idioms_url: str, small_photo: Path) -> None:
    studio = open_with(page, idioms_url, small_photo)
    studio.choose("script_list", "Masked tiles")
    studio.set_number("script_masked_tiles_tile", 64)
    page.get_by_label("Chess", exact=True).check()
    studio.generate()
    studio.expect_status("Done in")
    expect(page.locator(INFOTEXT)).to_have_value(re.compile("Masked tile: 64"))
    before, after = np.asarray(Image.open(small_photo)), np.asarray(studio.result().convert("RGB"))
    changed = (before != after).any(axis=2)
    assert not changed[:64, 64:].any() and not changed[64:, :64].any() and changed[:64, :64].any() and changed[64:, 64:].any()


def test_what_is_broken_is_said_and_post_processing_has_its_controls_in_extras(page: Page, idioms_url: str, small_photo: Path) -> None:
    StudioPage(page, idioms_url).open()
    broken = page.locator("#img2img_broken_scripts")
    for words in ("broken_import.py", "a_package_that_nobody_has", "no controls today", "broken_hooks.py", "hostile.py"):
        expect(broken).to_contain_text(words)
    page.locator("#tab_extras-button").click()
    page.locator("#extras_image input[type=file]").first.set_input_files(small_photo)
    expect(page.locator("#extras_image img")).to_be_visible()
    page.get_by_label("Frame", exact=True).check()
    page.locator("#extras_generate").click()
    told = page.locator("#html_info_extras textarea, #extras_info textarea, #tab_extras textarea").first
    expect(told).to_have_value(re.compile("Frame: 8"))
