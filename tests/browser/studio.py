"""The studio's page as a person sees it: open a picture, paint, press a button, read."""

from __future__ import annotations

import io
import re
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, expect

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
        self.wait_filled()
        return self

    def wait_filled(self) -> None:
        """Until the form has got what the browser kept of it: a late answer would overwrite what is typed."""
        expect(self.page.locator("html[data-pm-filled]")).to_be_attached()

    def by_id(self, element_id: str) -> Locator:
        return self.page.locator(f"#{element_id}")

    def open_tab(self, name: str) -> None:
        self.page.locator("#mode_img2img").get_by_role("tab", name=name, exact=True).click()

    def open_top_tab(self, name: str) -> None:
        """A tab of the page; those that have no room are in a menu."""
        tab = self.page.locator("#tabs > .tab-wrapper").get_by_role("tab", name=name)
        if tab.count() and tab.first.is_visible():
            tab.first.click()
            return
        self.page.locator("#tabs > .tab-wrapper .overflow-menu > button").click()
        self.page.locator("#tabs > .tab-wrapper .overflow-dropdown").get_by_text(name, exact=True).click()

    def view(self) -> Locator:
        """The canvas that is seen."""
        return self.page.locator("#mode_img2img .pm-view:visible").first

    def upload(self, path: Path) -> None:
        """Open a picture on the canvas that is seen; returns when it is shown."""
        shown = self.page.evaluate("pentimento.document.now.picture?.id")
        self.view().locator("input[type=file]").first.set_input_files(path)
        self.page.wait_for_function("shown => pentimento.document.now.picture && pentimento.document.now.picture.id !== shown", arg=shown)
        expect(self.page.locator("#img2img_caption .pm-size")).to_be_visible()
        self.wait_canvas()

    def wait_canvas(self) -> None:
        """Until the canvas shows a picture."""
        expect(self.page.locator("#mode_img2img .pm-view.pm-has-picture:visible")).to_be_visible()
        self.view().locator(".konvajs-content").hover()
        self.page.wait_for_function("pentimento.viewInUse()?.painter.pyramid")

    def _point_at_canvas(self) -> None:
        stage = self.view().locator(".pm-stage")
        stage.scroll_into_view_if_needed()
        box = stage.bounding_box()
        assert box
        self.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    def spot(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the picture, in its pixels from its centre, lies in the window."""
        stage = self.view().locator(".konvajs-content")
        stage.scroll_into_view_if_needed()
        stage.hover()
        found = self.page.evaluate(
            """([x, y]) => {
              const view = pentimento.viewInUse(), { picture } = view.document.now, bounds = view.box.getBoundingClientRect();
              const at = view.camera.toScreen(picture.width / 2 + x, picture.height / 2 + y);
              return [bounds.left + view.box.clientLeft + at.x, bounds.top + view.box.clientTop + at.y];
            }""",
            [x, y],
        )
        return found[0], found[1]

    def paint(self, *points: tuple[float, float]) -> None:
        """Draw a stroke through `points`, in picture pixels from the picture's centre."""
        spots = [self.spot(*point) for point in points]
        self.page.mouse.move(*spots[0])
        self.page.mouse.down()
        for spot in spots[1:] or spots:
            self.page.mouse.move(*spot, steps=4)
        self.page.mouse.up()

    def canvas_button(self, name: str) -> None:
        self.view().get_by_role("button", name=name).first.click()

    def committed(self) -> dict[str, object]:
        """The document, brought up to date: asset ids of picture, mask and sketch."""
        state = self.page.evaluate("pentimento.document.commit()")
        assert isinstance(state, dict)
        return state

    def asset(self, asset_id: object) -> Image.Image:
        """A picture of the studio's store."""
        return Image.open(io.BytesIO(self.page.request.get(f"{self.url}api/assets/{asset_id}").body()))

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
        return self.page.locator(".toast-body, .pm-toast")
