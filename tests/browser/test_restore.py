"""The settings inside a picture come back into the form, with the precision it was made in."""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image
from playwright.sync_api import expect

from modules.imaging.metadata import write_png
from tests.browser.studio import StudioPage

TEXT = (
    "a café, “quoted”\nNegative prompt: rain\nSteps: 3, Sampler: DDIM, CFG scale: 4.5, Seed: 77, Size: 320x256, "
    "Model hash: 0123456789, Model: other, Denoising strength: 0.35, Clip skip: 2, Version: v1.10.1"
)
LIST = "img2img_override_settings"


def test_settings_of_a_picture_are_read_and_used(studio: StudioPage, photo: Path, tmp_path: Path) -> None:
    made = tmp_path / "made.png"
    made.write_bytes(write_png(Image.open(photo).convert("RGB"), TEXT))
    studio.open_tab("img2img")
    expect(studio.by_id(LIST)).to_be_hidden()
    studio.upload(made)
    studio.by_id("paste").click()
    expect(studio.toast()).to_contain_text("It was made in 32 bits")
    expect(studio.page.locator("#img2img_prompt textarea")).to_have_value("a café, “quoted”")
    expect(studio.page.locator("#img2img_neg_prompt textarea")).to_have_value("rain")
    expect(studio.page.locator("#img2img_seed input")).to_have_value("77")
    expect(studio.page.locator("#img2img_sampling input")).to_have_value("DDIM")
    expect(studio.by_id(LIST)).to_contain_text("Clip skip: 2")
    expect(studio.by_id(LIST)).to_contain_text("Precision: fp32")
    expect(studio.by_id("img2img_result_tools")).to_be_hidden()
    studio.generate()
    studio.expect_status("Done in")
    expect(studio.by_id("img2img_result_tools")).to_be_visible()
    said = studio.page.locator("#html_info_img2img textarea")
    expect(said).to_have_value(re.compile("Steps: 3, Sampler: DDIM, Seed: 77, Precision: fp32, Size: 320x256"))
    studio.page.reload()
    studio.wait_ready()
    expect(studio.by_id(LIST)).to_contain_text("Precision: fp32")


def test_a_size_of_ones_own_is_there_after_a_reload(studio: StudioPage, photo: Path) -> None:
    studio.open_tab("img2img")
    studio.upload(photo)
    boxes = {name: studio.page.locator(f"#img2img_{name} input[type=number]") for name in ("width", "height", "steps")}
    expect(boxes["width"]).to_have_value("296")
    expect(boxes["height"]).to_have_value("224")
    studio.set_number("img2img_width", 448)
    expect(boxes["height"]).to_have_value("336")
    kept = studio.page.evaluate("localStorage.getItem('pentimento_form')")
    studio.set_number("img2img_steps", 7)
    studio.page.wait_for_function("kept => localStorage.getItem('pentimento_form') !== kept", arg=kept)
    for _ in range(2):
        studio.page.reload()
        studio.wait_ready()
        studio.wait_canvas()
        for name, value in (("width", "448"), ("height", "336"), ("steps", "7")):
            expect(boxes[name]).to_have_value(value)
        studio.page.wait_for_timeout(1500)  # for what would set another size
        assert [studio.number(f"img2img_{name}") for name in ("width", "height", "steps")] == ["448", "336", "7"]


def test_a_size_of_ones_own_ends_with_another_shape_and_missing_settings_are_said(studio: StudioPage, photo: Path, tmp_path: Path) -> None:
    studio.open_tab("img2img")
    studio.upload(photo)
    width, height = (studio.page.locator(f"#img2img_{side} input[type=number]") for side in ("width", "height"))
    expect(width).to_have_value("296")
    expect(height).to_have_value("224")
    studio.set_number("img2img_width", 448)
    expect(height).to_have_value("336")
    Image.new("RGB", (640, 480)).save(tmp_path / "alike.png")
    studio.upload(tmp_path / "alike.png")
    studio.page.wait_for_timeout(1500)  # for what would set another size
    assert (studio.number("img2img_width"), studio.number("img2img_height")) == ("448", "336")
    Image.new("RGB", (240, 480)).save(tmp_path / "tall.png")
    studio.upload(tmp_path / "tall.png")
    expect(width).not_to_have_value("448")
    side = "Number(document.querySelector('#img2img_{} input[type=number]').value)"
    studio.page.wait_for_function(f"{side.format('height')} > 1.8 * {side.format('width')}")

    studio.by_id("paste").click()
    expect(studio.toast()).to_contain_text("There are no settings in this picture")
