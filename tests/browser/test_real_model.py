"""The whole way once: page, session, pipeline, the built-in model, the file on disk."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.studio import StudioPage


def test_a_newcomers_first_repaint(page: Page, real_url: str, photo: Path) -> None:
    studio = StudioPage(page, real_url).open()
    studio.upload(photo)
    studio.paint((-40, 20), (40, 20))
    studio.page.locator("#img2img_prompt textarea").fill("yellow flowers")
    studio.set_number("img2img_steps", 6)
    studio.generate()
    studio.expect_status("Done in")
    studio.expect_status("0 pixels changed outside the mask")
    before, after = np.asarray(Image.open(photo)).astype(int), np.asarray(studio.result()).astype(int)
    changed = np.abs(after - before).max(axis=-1)
    assert changed[:60].max() == 0 and changed[200:].max() == 0
    assert changed[130:150, 130:190].mean() > 3


def test_soft_inpainting_is_switched_on_with_its_sliders(page: Page, real_url: str, photo: Path) -> None:
    studio = StudioPage(page, real_url).open()
    studio.upload(photo)
    studio.paint((-40, 20), (40, 20))
    studio.set_number("img2img_steps", 6)
    page.locator("#script_soft_inpainting_accordion button").first.click()
    page.locator("#script_soft_inpainting_enabled input").check()
    studio.set_number("script_soft_inpainting_preservation", 1)
    studio.generate()
    studio.expect_status("Done in")
    expect(page.locator("#html_info_img2img textarea")).to_have_value(
        re.compile("Soft inpainting enabled: True, Soft inpainting schedule bias: 1, Soft inpainting preservation strength: 1, ")
    )
    before, after = np.asarray(Image.open(photo)).astype(int), np.asarray(studio.result()).astype(int)
    changed = np.abs(after - before).max(axis=-1)
    assert changed[:20].max() == 0 and changed[130:150, 130:190].mean() > 1
