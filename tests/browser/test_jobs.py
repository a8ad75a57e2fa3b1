"""Jobs belong to the server: stop them, leave them, find them again."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.studio import StudioPage

RUNNING = re.compile(r"Step [1-9]\d* of \d+")


def begin_long_job(studio: StudioPage, photo: Path, steps: int = 120) -> None:
    """Start an img2img job of `steps` steps and wait until it is under way."""
    studio.open_tab("img2img")
    studio.upload(photo)
    studio.set_number("img2img_steps", steps)
    studio.generate()
    studio.expect_status(RUNNING)


def test_progress_preview_and_interrupt(studio: StudioPage, photo: Path) -> None:
    studio.set_number("img2img_batch_count", 10)
    begin_long_job(studio, photo)
    studio.expect_status(re.compile(r"s left"))
    expect(studio.page.locator("#img2img_live_preview img")).to_be_visible()
    expect(studio.by_id("img2img_generate")).to_be_hidden()
    bar = studio.page.locator("#img2img_progress [role=progressbar]")
    assert 0 < int(bar.get_attribute("aria-valuenow") or 0) < 100
    studio.by_id("img2img_interrupt").click()
    studio.expect_status("Interrupted after")
    expect(studio.by_id("img2img_generate")).to_be_visible()
    expect(studio.by_id("img2img_interrupt")).to_be_hidden()


def test_skip_goes_on_with_the_next_picture(studio: StudioPage, photo: Path, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    studio.page.locator("#img2img_prompt textarea").fill(f"while {gate}")
    studio.set_number("img2img_batch_count", 2)
    begin_long_job(studio, photo, steps=10)
    studio.expect_status("picture 1 of 2")
    studio.by_id("img2img_skip").click()
    studio.expect_status("picture 2 of 2")
    studio.by_id("img2img_skip").click()
    studio.expect_status("Done in")


def test_a_reload_finds_the_running_job_and_its_picture_again(studio: StudioPage, photo: Path) -> None:
    studio.upload(photo)
    studio.paint((-40, 0), (40, 0))
    studio.page.locator("#img2img_prompt textarea").fill("a boat on a lake")
    studio.set_number("img2img_batch_count", 10)
    studio.set_number("img2img_steps", 150)
    studio.generate()
    studio.expect_status(RUNNING)
    studio.page.reload()
    studio.wait_ready()
    studio.expect_status(RUNNING)
    expect(studio.page.locator("#img2img_prompt textarea")).to_have_value("a boat on a lake")
    expect(studio.page.locator("#img2img_caption")).to_contain_text("320 × 240")
    studio.by_id("img2img_interrupt").click()
    studio.expect_status("Interrupted after")
    studio.page.reload()
    studio.wait_ready()
    studio.expect_status("Interrupted after")
    assert studio.result().size == (320, 240)
    studio.wait_canvas()
    studio.set_number("img2img_batch_count", 1)
    studio.set_number("img2img_steps", 20)
    studio.generate()  # with the picture and the mask that came back
    studio.expect_status("Done in")


def test_one_visitor_cannot_stop_another(studio: StudioPage, new_page: Callable[..., Page], photo: Path) -> None:
    studio.set_number("img2img_batch_count", 10)
    begin_long_job(studio, photo)
    other = StudioPage(new_page(), studio.url).open()
    other.expect_status("Ready")
    other.open_tab("img2img")
    other.upload(photo)
    other.set_number("img2img_steps", 2)
    other.generate()
    other.expect_status("Waiting, 1 before this one")
    other.by_id("img2img_interrupt").click()
    other.expect_status("Interrupted after")
    studio.expect_status(RUNNING)
    studio.by_id("img2img_interrupt").click()
    studio.expect_status("Interrupted after")


@pytest.mark.parametrize("is_answered", [True, False])
def test_an_idle_event_without_an_answer_is_sent_again(studio: StudioPage, is_answered: bool) -> None:
    """Otherwise what Gradio left lying at the server, such as the scripts and with them Generate, would never come."""
    page = studio.page
    page.evaluate("() => { window.told = 0; const tell = pentimento.nudged; pentimento.nudged = () => (window.told++, tell()); }")
    if not is_answered:
        page.evaluate("pentimento.nudged = () => window.told++")
    nudge = studio.by_id("pm_nudge")
    nudge.evaluate("(one) => { window.pressed = 0; one.addEventListener('click', () => window.pressed++); one.click(); }")
    page.wait_for_function("window.told >= 2 && window.pressed >= 2")  # this one, and the one that follows whatever has happened
    page.wait_for_timeout(6000)
    assert page.evaluate("window.pressed") == 2 if is_answered else page.evaluate("window.pressed") > 2
