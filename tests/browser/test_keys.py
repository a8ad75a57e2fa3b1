"""A1111's keys."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.studio import StudioPage


def open_picture(studio: StudioPage, path: Path) -> None:
    """Open a picture in the mode that needs no mask."""
    studio.open_tab("img2img")
    studio.view().locator("input[type=file]").first.set_input_files(path)
    expect(studio.page.locator("#img2img_caption .pm-size")).to_be_visible()


WEIGHED = [
    ("a red cat", (3, 3), "ArrowUp", "a (red:1.1) cat"),
    ("a (red:1.1) cat", (4, 4), "ArrowUp", "a (red:1.2) cat"),
    ("a (red:1.1) cat", (4, 4), "ArrowDown", "a red cat"),
    ("a red cat", (2, 10), "ArrowUp", "a (red cat:1.1)"),
    ("a red cat ", (2, 10), "ArrowDown", "a (red cat:0.9) "),
    ("a (red) cat", (3, 6), "ArrowUp", "a (red:1.2) cat"),
    ("a [red] cat", (3, 6), "ArrowDown", "a (red:0.81) cat"),
    ("<lora:paint:0.8>", (8, 8), "ArrowUp", "<lora:paint:0.85>"),
    ("(one two:1.5) three", (3, 3), "ArrowDown", "(one two:1.4) three"),
    ("一只 猫", (3, 4), "ArrowUp", "一只 (猫:1.1)"),
    ("  ", (1, 1), "ArrowUp", "  "),
]


def test_words_are_weighed_and_weighing_can_be_undone(studio: StudioPage) -> None:
    box = studio.page.locator("#img2img_prompt textarea")
    for text, (start, end), key, wanted in WEIGHED:
        box.fill(text)
        box.evaluate("(box, [start, end]) => box.setSelectionRange(start, end)", [start, end])
        box.press(f"Control+{key}")
        expect(box).to_have_value(wanted)
    box = studio.page.locator("#img2img_neg_prompt textarea")
    box.fill("dog")
    box.press("Control+ArrowUp")
    box.press("Control+ArrowUp")
    expect(box).to_have_value("(dog:1.2)")
    box.press("Control+z")
    expect(box).to_have_value("(dog:1.1)")


def test_keys_generate_start_over_and_interrupt(studio: StudioPage, photo: Path) -> None:
    page = studio.page
    open_picture(studio, photo)
    studio.set_number("img2img_steps", 150)
    studio.set_number("img2img_batch_count", 20)
    prompt = page.locator("#img2img_prompt textarea")
    prompt.fill("first")
    studio.by_id("img2img_generate").evaluate("button => { button.disabled = true; }")
    prompt.press("Control+Enter")
    page.wait_for_timeout(300)
    expect(studio.by_id("img2img_interrupt")).to_be_hidden()
    studio.by_id("img2img_generate").evaluate("button => { button.disabled = false; }")  # what was wanted meanwhile begins now
    expect(studio.by_id("img2img_interrupt")).to_be_visible()
    prompt.fill("second")
    prompt.press("Control+Enter")  # while a job runs: interrupt it, then generate
    infotext = page.locator("#html_info_img2img textarea")
    expect(infotext).to_have_value(re.compile("^first"))
    studio.expect_status("Step")

    page.locator("#img2img_styles_edit").click()  # Escape closes what is open before it interrupts
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.wait_for_timeout(300)
    expect(studio.by_id("img2img_interrupt")).to_be_visible()
    page.keyboard.press("Escape")
    expect(infotext).to_have_value(re.compile("^second"))
    studio.expect_status("Interrupted after")
