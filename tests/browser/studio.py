"""The studio's page as a person sees it: open a picture, paint, press a button, read."""

from __future__ import annotations

import io
import re
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, expect

ZOOM = re.compile(r"^\d+%$")
STATUS = "#img2img_progress .pm-status"


class StudioPage:
    """Drives one open page."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url

    def open(self) -> StudioPage:
        self.page.goto(self.url)
        return self.wait_ready()

    def wait_ready(self) -> StudioPage:
        """Until the widgets are there, and the lists and the controls of scripts that the server fills in on load."""
        expect(self.page.locator("#img2img_generate:not([disabled]), #img2img_interrupt").first).to_be_visible()
        expect(self.page.locator("#setting_sd_model_checkpoint input")).to_have_value("built-in (small)")
        return self

    def by_id(self, element_id: str) -> Locator:
        return self.page.locator(f"#{element_id}")

    def open_tab(self, name: str) -> None:
        self.page.locator("#mode_img2img").get_by_role("tab", name=name).click()

    def upload(self, path: Path) -> None:
        """Give the inpaint tab a picture; returns when the canvas shows it."""
        self.page.locator("#img_inpaint_base input[type=file]").set_input_files(path)
        expect(self.page.locator("#img2maskimg_caption .pm-size")).to_be_visible()
        expect(self.page.locator("#img2maskimg canvas").first).to_be_visible()
        self.wait_canvas()

    def wait_canvas(self) -> None:
        """Until the canvas has come to rest: it glides to its zoom, and a stroke begun before that would land elsewhere."""
        canvas = self.page.locator("#img2maskimg canvas").first
        expect(self.page.locator("#img2maskimg").get_by_text(ZOOM)).to_be_visible()
        seen = [b"", canvas.screenshot()]
        while seen[-1] != seen[-2]:
            self.page.wait_for_timeout(500)
            seen.append(canvas.screenshot())

    def upload_img2img(self, path: Path) -> None:
        self.page.locator("#img2img_image input[type=file]").set_input_files(path)
        expect(self.page.locator("#img2img_caption .pm-size")).to_be_visible()

    def zoom(self) -> float:
        """CSS pixels a picture pixel takes on the canvas."""
        text = self.page.locator("#img2maskimg").get_by_text(ZOOM).inner_text()
        return int(text.rstrip("%")) / 100

    def paint(self, *points: tuple[float, float]) -> None:
        """Draw a stroke through `points`, in picture pixels from the picture's centre."""
        box = self.page.locator("#img2maskimg canvas").first.bounding_box()
        assert box
        middle, zoom = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2), self.zoom()
        spots = [(middle[0] + x * zoom, middle[1] + y * zoom) for x, y in points]
        self.page.mouse.move(*spots[0])
        self.page.mouse.down()
        for spot in spots[1:] or spots:
            self.page.mouse.move(*spot, steps=2)
        self.page.mouse.up()
        self.page.wait_for_timeout(300)

    def canvas_button(self, name: str) -> None:
        self.page.locator("#img2maskimg").get_by_role("button", name=name).first.click()
        self.page.wait_for_timeout(300)

    def choose(self, element_id: str, label: str) -> None:
        """Pick from a drop-down list."""
        self.page.locator(f"#{element_id} input").click()
        self.page.get_by_role("option", name=label, exact=True).click()

    def set_number(self, element_id: str, value: object) -> None:
        box = self.page.locator(f"#{element_id} input[type=number]")
        box.fill(str(value))
        box.press("Enter")

    def number(self, element_id: str) -> str:
        return self.page.locator(f"#{element_id} input[type=number]").input_value()

    def generate(self) -> None:
        self.by_id("img2img_generate").click()

    def status(self) -> Locator:
        return self.page.locator(STATUS)

    def expect_status(self, text: str | re.Pattern[str]) -> None:
        expect(self.status()).to_contain_text(text)

    def result(self) -> Image.Image:
        """The picture that the gallery shows, as a file of full size."""
        shown = self.page.locator("#img2img_gallery button.media-button img, #img2img_gallery .preview img").first
        expect(shown).to_be_visible()
        address = shown.get_attribute("src")
        assert address
        return Image.open(io.BytesIO(self.page.request.get(address).body())).convert("RGB")

    def toast(self) -> Locator:
        return self.page.locator(".toast-body")
