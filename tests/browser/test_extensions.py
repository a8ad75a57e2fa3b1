"""Extensions in Gradio 3's dialect on the page: tabs, sketches, accordions, scripts in the browser, and what is said of broken ones."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import serve
from tests.browser.studio import StudioPage

INFOTEXT = "x\nSteps: 3, Sampler: Euler, Detail enabled: False, Detail model: hand, Detail prompt: nose"
EXTENSIONS = ("broken", "detail-dialect", "sketch-pad", "tab-maker")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Iterator[str]:
    """A studio with the stand-in pipeline and these extensions."""
    data = tmp_path_factory.mktemp("extended")
    for name in EXTENSIONS:
        shutil.copytree(project_root / "tests" / "data" / "extensions" / name, data / "extensions" / name)
    yield from serve(project_root, data, ["-m", "tests.browser.fake_server", "{port}", str(data), "0.01"])


@pytest.fixture
def studio(page: Page, url: str) -> StudioPage:
    studio = StudioPage(page, url).open()
    page.wait_for_function("window.tabMakerLoaded")
    return studio


def test_a_tab_of_its_own_speaks_with_server_page_and_browser(page: Page, studio: StudioPage) -> None:
    assert page.evaluate("tabMakerLoaded") == [True, True, "good day", True]
    page.get_by_role("tab", name="Tab maker").click()
    expect(page.locator("#tab_maker_words textarea")).to_have_value("from the server")
    expect(page.locator("#tab_maker_kind input")).to_have_value("")
    page.locator("#tab_maker_words textarea").fill("hey")
    said = page.locator("#tab_maker_said")
    page.locator("#tab_maker_say").click()
    expect(said).to_have_text("hey hey hey: 1 (NoneType)")
    page.locator("#tab_maker_say").click()
    expect(said).to_have_text("HEY HEY HEY: 2 (str)")
    page.locator("#tab_maker_ask").click()
    expect(said).to_have_text("hey of the browser")
    expect(said).to_have_css("outline-color", "rgb(1, 2, 3)")
    page.locator("#tab_maker_start").click()
    expect(said).to_have_text("task( 3")
    page.wait_for_function("window.tabMakerEnded")
    page.evaluate("tabMakerSend('from a script')")
    page.locator("#tab_maker_send").click()
    expect(page.locator("#img2img_prompt textarea")).to_have_value("hey")
    expect(page.locator("#img2img_neg_prompt textarea")).to_have_value("from a script")
    expect(page.get_by_role("tab", name="Studio")).to_have_attribute("aria-selected", "true")
    page.wait_for_function("tabMakerUpdates > 0 && tabMakerTabs.at(-1) === 'Studio'")
    assert page.evaluate("tabMakerTabs.slice(-2)") == ["Tab maker", "Studio"]


def test_what_is_broken_is_named_and_a_sketch_is_painted_on_a_canvas_of_its_own(page: Page, studio: StudioPage) -> None:
    assert page.evaluate("document.querySelectorAll('.block.input-accordion-checkbox').length") == 1, "only what belongs on this tab"
    broken = page.locator("#img2img_broken_scripts")
    expect(broken).to_contain_text("broken_import.py ModuleNotFoundError: No module named 'a_package_that_nobody_has'")
    expect(broken).to_contain_text("broken_ui.py ValueError: no controls today")
    expect(broken).to_contain_text("broken_hooks.py on_ui_tabs: RuntimeError: broken callback")

    page.get_by_role("tab", name="Sketch pad").click()
    said = page.locator("#sketch_pad_said textarea")
    page.locator("#sketch_pad_fill").click()
    expect(page.locator("#sketch_pad .pm-view.pm-has-picture")).to_be_visible()
    page.locator("#sketch_pad_look").click()
    expect(said).to_have_value("(64, 48) RGB 0 (64, 48)")
    page.wait_for_function("document.querySelector('#sketch_pad .pm-view').view.painter.pyramid")
    box = page.locator("#sketch_pad .pm-stage").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2 - 40, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 40, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    page.locator("#sketch_pad_look").click()
    expect(said).to_have_value("(64, 48) RGB 1 (64, 48)")
    assert page.evaluate("pentimento.document.now.picture") is None


def test_an_accordion_is_switched_on_in_its_head_and_its_values_reach_the_job(page: Page, studio: StudioPage, photo: Path) -> None:
    studio.open_tab("img2img")
    studio.upload(photo)
    switch, prompt = page.locator("#detail_img2img-checkbox input"), page.locator("#detail_img2img_prompt textarea")
    expect(prompt).not_to_be_visible()
    switch.check()
    prompt.fill("eyes")
    studio.choose("detail_img2img_model", "face")
    studio.set_number("img2img_steps", 2)
    studio.generate()
    studio.expect_status("Done in")
    expect(page.locator("#html_info_img2img textarea")).not_to_have_value("")
    infotext = page.locator("#html_info_img2img textarea").input_value()
    assert "True, {'model': 'face', 'confidence': 0.3, 'prompt': 'eyes', 'is_api': []}" in infotext
    page.locator("#detail_img2img .label-wrap").click()
    expect(prompt).not_to_be_visible()
    expect(switch).to_be_checked()
    page.reload()
    studio.wait_ready()
    expect(switch).to_be_checked()
    expect(page.locator("#img2img_steps input[type=number]")).to_have_value("2")
    page.locator("#img2img_prompt textarea").fill(
        "x\nSteps: 3, Sampler: Euler, Detail enabled: False, Detail model: hand, Detail prompt: nose"
    )
    page.locator("#paste").click()
    expect(switch).not_to_be_checked()
    expect(page.locator("#img2img_steps input[type=number]")).to_have_value("3")
    switch.check()
    expect(page.locator("#detail_img2img_model input")).to_have_value("hand")
    expect(prompt).to_have_value("nose")
