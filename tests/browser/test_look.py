"""What the page is made of: names that scripts rely on, both languages, narrow screens, nothing from elsewhere."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.studio import StudioPage

ELEMENT_IDS = (
    "img2img_prompt img2img_neg_prompt img2img_generate img2img_width img2img_height img2img_steps img2img_sampling img2img_scheduler "
    "img2img_cfg_scale img2img_denoising_strength img2img_seed img2img_random_seed img2img_reuse_seed img2img_batch_count "
    "img2img_batch_size img2img_inpainting_fill img2img_mask_blur img2img_mask_mode img2img_inpaint_full_res "
    "img2img_inpaint_full_res_padding resize_mode img2img_gallery mode_img2img tab_img2img quicksettings setting_sd_model_checkpoint "
    "script_list tabs"
).split()
IN_TABS = {
    "img2img": "img2img_img2img_tab img2img_image",
    "Sketch": "img2img_img2img_sketch_tab img2img_sketch",
    "Inpaint": "img2img_inpaint_tab img2maskimg",
    "Inpaint sketch": "img2img_inpaint_sketch_tab inpaint_sketch img2img_mask_alpha",
    "Inpaint upload": "img2img_inpaint_upload_tab img_inpaint_base img_inpaint_mask",
    "Batch": "img2img_batch_tab img2img_batch_input_dir img2img_batch_output_dir img2img_batch_use_png_info",
}


def test_the_page_is_there_soon_and_asks_nobody_else(page: Page, studio_url: str) -> None:
    asked: list[str] = []
    troubles: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    begun_s = time.monotonic()
    page.goto(studio_url)
    expect(page.locator("#img2img_generate")).to_be_visible()
    shown_s = time.monotonic() - begun_s
    StudioPage(page, studio_url).wait_ready()
    print(f"\npage to interactive: {shown_s:.1f} s, lists filled after {time.monotonic() - begun_s:.1f} s, {len(asked)} requests")
    hosts = {urlsplit(url).hostname for url in asked if url.startswith(("http", "ws"))}
    assert hosts == {"127.0.0.1"}
    assert not troubles
    assert page.title() == "Pentimento"


def test_elements_have_the_names_scripts_know(studio: StudioPage) -> None:
    missing = [name for name in ELEMENT_IDS if studio.by_id(name).count() != 1]
    assert not missing
    for tab, names in IN_TABS.items():  # Gradio makes a tab's elements when it is first opened
        studio.open_tab(tab)
        for name in names.split():
            expect(studio.by_id(name)).to_have_count(1)


def test_a_newcomer_starts_from_the_built_in_preset(studio: StudioPage) -> None:
    assert studio.number("img2img_denoising_strength") == "0.75"
    assert studio.number("img2img_width") == studio.number("img2img_height") == "256"
    expect(studio.page.locator("#img2img_inpainting_fill label.selected")).to_have_text("PatchMatch")
    expect(studio.page.locator("#img2img_inpaint_full_res label.selected")).to_have_text("Only masked")


def test_the_language_can_be_switched(studio: StudioPage) -> None:
    studio.page.locator('#pm_language [data-language="zh-CN"]').click()
    expect(studio.by_id("img2img_generate")).to_have_text("生成")
    expect(studio.page.locator("#img2img_inpainting_fill")).to_contain_text("蒙版内容")
    assert studio.page.locator("html").get_attribute("lang") == "zh-CN"
    studio.generate()
    expect(studio.toast()).to_contain_text("请先打开一张图片")
    studio.page.locator('#pm_language [data-language="en"]').click()
    expect(studio.by_id("img2img_generate")).to_have_text("Generate")


def test_light_and_dark_can_be_switched_and_stay(studio: StudioPage) -> None:
    body = studio.page.locator("body")
    expect(body).not_to_have_class(re.compile("dark"))
    studio.by_id("pm_theme").click()
    expect(body).to_have_class(re.compile("dark"))
    studio.page.reload()
    studio.wait_ready()
    expect(body).to_have_class(re.compile("dark"))


@pytest.mark.parametrize("locale", [pytest.param("en-US", marks=pytest.mark.slow), "zh-CN"])
def test_nothing_is_cut_off_on_a_narrow_screen(new_page: Callable[..., Page], studio_url: str, photo: Path, locale: str) -> None:
    narrow = new_page(viewport={"width": 420, "height": 900}, locale=locale, color_scheme="dark")
    studio = StudioPage(narrow, studio_url).open()
    if locale == "zh-CN":
        studio.upload(photo)
    beyond = studio.page.evaluate(
        """() => [...document.querySelectorAll('#tab_img2img *, #quicksettings *')]
                .filter((element) => element.offsetParent && !element.closest('.sr-only, .visually-hidden'))
                .filter((element) => element.getBoundingClientRect().right > 421)
            .map((element) => `${element.tagName}#${element.id}.${element.className}`)"""
    )
    wide = studio.page.evaluate("() => document.documentElement.scrollWidth")
    assert wide <= 420 and not beyond


def test_ctrl_enter_generates(studio: StudioPage) -> None:
    studio.page.locator("#img2img_prompt textarea").press("Control+Enter")
    expect(studio.toast()).to_contain_text("Open a picture first")
