"""Scripts on the page: their controls, what becomes of their values, and what is said of those that do not work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import serve
from tests.browser.studio import StudioPage

EXTENSION = """
import gradio as gr
from modules import scripts

class Pick(scripts.Script):
    def title(self):
        return "Pick me"
    def ui(self, is_img2img):
        loops = gr.Slider(1, 32, value=4, step=1, label="Loops", elem_id=self.elem_id("loops"))
        curve = gr.Dropdown(["Linear", "Lazy"], value="Lazy", type="index", label="Curve", elem_id=self.elem_id("curve"))
        return [loops, curve]

class Every(scripts.Script):
    def title(self):
        return "Every job"
    def show(self, is_img2img):
        return scripts.AlwaysVisible
    def ui(self, is_img2img):
        is_on = gr.Checkbox(False, label="On", elem_id=self.elem_id("on"))
        words = gr.Textbox("hello", label="Words", elem_id=self.elem_id("words"))
        is_on.change(lambda value: "changed" if value else "hello", is_on, words)
        return [is_on, words]
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Iterator[str]:
    """A studio with the stand-in pipeline and an extension of somebody's."""
    data = tmp_path_factory.mktemp("scripted")
    folder = data / "extensions" / "somebodys" / "scripts"
    folder.mkdir(parents=True)
    (folder / "works.py").write_text(EXTENSION)
    (folder / "broken.py").write_text("raise RuntimeError('<i>no</i> such thing')")
    yield from serve(project_root, data, ["-m", "tests.browser.fake_server", "{port}", str(data), "0.01"])


def test_values_reach_the_job_and_are_there_again_after_a_reload(page: Page, url: str, photo: Path) -> None:
    studio = StudioPage(page, url).open()
    studio.open_tab("img2img")
    studio.upload(photo)
    page.locator("#script_img2img_every_job_on input").check()
    expect(page.locator("#script_img2img_every_job_words textarea")).to_have_value("changed")
    expect(studio.by_id("script_img2img_pick_me_loops")).not_to_be_visible()
    studio.choose("script_list", "Pick me")
    expect(studio.by_id("script_img2img_pick_me_loops")).to_be_visible()
    studio.set_number("script_img2img_pick_me_loops", 7)
    studio.choose("script_img2img_pick_me_curve", "Linear")
    studio.set_number("img2img_steps", 2)
    studio.generate()
    studio.expect_status("Done in")
    expect(page.locator("#html_info_img2img textarea")).not_to_have_value("")
    infotext = page.locator("#html_info_img2img textarea").input_value()
    assert "True, 'changed', " in infotext and infotext.endswith(", 7, 0]") and "Script values: [0," not in infotext
    page.reload()
    studio.wait_ready()
    expect(page.locator("#script_list input")).to_have_value("Pick me")
    expect(page.locator("#script_img2img_pick_me_curve input")).to_have_value("Linear")
    assert studio.number("script_img2img_pick_me_loops") == "7"
    expect(page.locator("#script_img2img_every_job_on input")).to_be_checked()
    kept = page.evaluate("localStorage.getItem('pentimento_script')")
    studio.choose("script_list", "None")
    page.wait_for_function("kept => localStorage.getItem('pentimento_script') !== kept", arg=kept)
    page.reload()
    studio.wait_ready()
    expect(page.locator("#script_list input")).to_have_value("None")
    studio.choose("script_list", "Pick me")
    assert studio.number("script_img2img_pick_me_loops") == "7"


def test_a_change_of_the_picture_has_one_handler_that_others_follow(page: Page, url: str) -> None:
    """Gradio runs all handlers of an event again when one of them was put off, and puts off those that still run: without end."""
    config = page.request.get(url + "config").json()
    [document] = [part["id"] for part in config["components"] if part["props"].get("elem_id") == "img2img_document"]
    handlers = [one for one in config["dependencies"] if one["backend_fn"] and [document, "change"] in one["targets"]]
    assert len(handlers) == 1


def test_a_broken_script_is_named_with_the_reason(page: Page, url: str) -> None:
    StudioPage(page, url).open()
    expect(page.locator("#img2img_broken_scripts li")).to_have_text(["broken.py RuntimeError: <i>no</i> such thing"])


def test_known_labels_are_said_in_the_visitors_language(new_page: Any, url: str) -> None:
    page = new_page(locale="zh-CN")
    StudioPage(page, url).open()
    expect(page.locator("#script_soft_inpainting_accordion")).to_contain_text("柔和重绘")
    expect(page.locator("#img2img_script_container")).to_contain_text("Words")
