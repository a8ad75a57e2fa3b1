"""PNG info: a picture file tells what it was made with, and gives it to the studio."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from modules.imaging.metadata import encode_image, write_png
from tests.browser.studio import StudioPage
from tests.browser.workflow_files import broken

TEXT = (
    "a café, “quoted”\nNegative prompt: rain\nSteps: 3, Sampler: DDIM, CFG scale: 4.5, Seed: 77, Size: 320x256, "
    "Model hash: 0123456789, Model: other, Denoising strength: 0.35, Clip skip: 2, Hires upscale: 2, Version: v1.10.1"
)
REPORT = "html_info_pnginfo"


@pytest.fixture
def tab(studio: StudioPage) -> StudioPage:
    studio.open_top_tab("PNG info")
    expect(studio.by_id("pnginfo_image")).to_be_visible()
    return studio


def give(tab: StudioPage, path: Path) -> None:
    tab.page.locator("#pnginfo_image input[type=file]").set_input_files(path)
    expect(tab.by_id(REPORT)).to_contain_text(path.name)


def test_settings_are_read_shown_and_restored(tab: StudioPage, photo: Path, tmp_path: Path) -> None:
    made = tmp_path / "made.png"
    made.write_bytes(write_png(Image.open(photo).convert("RGB"), TEXT, {"workflow": broken().decode()}))
    give(tab, made)
    report = tab.by_id(REPORT)
    for said in ("320 × 240", "(A1111) v1.10.1", "Its checkpoint is here", "4.5", "Hires upscale", "ComfyUI workflow"):
        expect(report).to_contain_text(said)
    expect(tab.page.locator("#pnginfo_generation_info textarea")).to_have_value(TEXT)
    expect(report.locator("pre")).to_be_hidden()
    report.locator("summary").click()
    expect(report.locator("pre")).to_contain_text('"nodes": [')
    tab.by_id("pnginfo_restore").click()
    expect(tab.page.locator("#img2img_prompt textarea")).to_be_visible()
    expect(tab.page.locator("#img2img_prompt textarea")).to_have_value("a café, “quoted”")
    expect(tab.page.locator("#img2img_seed input")).to_have_value("77")
    tab.open_top_tab("PNG info")
    tab.by_id("pnginfo_workflow").click()
    expect(tab.by_id("workflow_name")).to_have_text("made.png")


def test_a_picture_without_text_can_still_be_opened(tab: StudioPage, photo: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain.jpg"
    plain.write_bytes(encode_image(Image.open(photo).convert("RGB"), "jpg"))
    give(tab, plain)
    expect(tab.by_id(REPORT)).to_contain_text("There is no text in this file")
    expect(tab.by_id("pnginfo_restore")).to_be_disabled()
    expect(tab.by_id("pnginfo_workflow")).to_be_hidden()
    tab.by_id("pnginfo_send_to_sketch").click()
    expect(tab.by_id("img2img_sketch")).to_be_visible()
    expect(tab.by_id("img2img_caption")).to_contain_text("320 × 240")


def test_damaged_and_pasted_files_are_told_of_in_both_languages(tab: StudioPage, photo: Path, tmp_path: Path) -> None:
    whole = write_png(Image.effect_noise((200, 200), 80).convert("RGB"), TEXT)
    cut, page = tmp_path / "cut.png", tmp_path / "page.png"
    cut.write_bytes(whole[: len(whole) // 2])
    page.write_text("<!doctype html><html></html>")
    give(tab, cut)
    expect(tab.by_id(REPORT).get_by_role("alert")).to_contain_text("damaged")
    expect(tab.by_id(REPORT)).to_contain_text("a café, “quoted”")
    expect(tab.by_id("pnginfo_restore")).to_be_enabled()
    give(tab, page)
    expect(tab.by_id(REPORT).get_by_role("alert")).to_contain_text("it looks like HTML")
    expect(tab.by_id("pnginfo_restore")).to_be_hidden()
    expect(tab.by_id("pnginfo_send_to_img2img")).to_be_hidden()
    give(tab, photo)
    expect(tab.page.locator("#pnginfo_image img")).to_be_visible()

    data = base64.b64encode(photo.read_bytes()).decode()
    tab.page.evaluate(
        """(data) => {
            const clipboardData = new DataTransfer();
            const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
            clipboardData.items.add(new File([bytes], "pasted.png", { type: "image/png" }));
            document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
        }""",
        data,
    )
    expect(tab.by_id(REPORT)).to_contain_text("pasted.png")
    expect(tab.by_id(REPORT)).to_contain_text("320 × 240")

    give(tab, photo)
    expect(tab.by_id(REPORT)).to_contain_text("There is no text in this file")
    tab.page.get_by_role("button", name="简体中文").click()
    expect(tab.by_id(REPORT)).to_contain_text("此文件没有任何文字")
    expect(tab.page.get_by_role("tab", name="图片信息")).to_be_visible()
