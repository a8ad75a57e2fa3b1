"""The Layers tab as a person uses it."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.layers_server import poster

WORLD = """() => {
  const stage = document.querySelector("#layers_stage").getBoundingClientRect();
  const [x, y, zoom] = document.querySelector(".pm-l-world").style.transform.match(/-?[\\d.]+/g).map(Number);
  return [stage.left + 1 + x, stage.top + 1 + y, zoom];
}"""
AT_REST = "!pentimento.layers.isBusy && document.querySelector('#layers_stage').dataset.revision === String(pentimento.layers.revision)"
Placement = dict[str, Any]


class LayersPage:
    """Drives the tab of one open page."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url

    def open(self) -> LayersPage:
        self.page.goto(self.url)
        expect(self.page.locator("#img2img_generate:not([disabled])")).to_be_visible()
        expect(self.page.locator("html[data-pm-filled]")).to_be_attached()
        return self.show()

    def show(self) -> LayersPage:
        """Open the tab, wherever its button is."""
        self.page.evaluate("document.querySelector('#tabs [role=tab][id^=tab_layers]').click()")
        expect(self.page.locator("#pm_layers")).to_be_visible()
        return self

    def by_id(self, element_id: str) -> Locator:
        return self.page.locator(f"#{element_id}")

    def take_apart(self, name: str = "poster") -> str:
        """Have the poster taken apart without the page; returns the document's id."""
        encoded = io.BytesIO()
        Image.fromarray(poster()).save(encoded, "PNG")
        body = {"image": base64.b64encode(encoded.getvalue()).decode(), "name": name, "wait": True}
        answer = self.page.request.post(f"{self.url}api/layers/decompose", data=body)
        assert answer.ok, answer.text()
        return str(answer.json()["document"])

    def open_document(self, document_id: str) -> LayersPage:
        self.page.evaluate("id => pentimento.layers.open(id)", document_id)
        self.rest()
        return self

    def rest(self) -> None:
        """Until everything is saved and the exact picture is shown."""
        self.page.wait_for_function(AT_REST)

    def spot(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the canvas lies in the window."""
        left, top, zoom = self.page.evaluate(WORLD)
        return left + x * zoom, top + y * zoom

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """From one point of the canvas to another, without letting go."""
        self.page.mouse.move(*self.spot(*start))
        self.page.mouse.down()
        self.page.mouse.move(*self.spot(*end), steps=4)

    def handle(self, hx: int, hy: int) -> tuple[float, float]:
        """The middle of a handle, in the window; (0, -2) is the one that turns."""
        selector = ".pm-l-turner" if hy == -2 else f'.pm-l-handle[data-hx="{hx}"][data-hy="{hy}"]'
        box = self.page.locator(selector).bounding_box()
        assert box
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def layer(self, name: str) -> dict[str, Any]:
        found = self.page.evaluate("name => pentimento.layers.layers.find((one) => one.name === name) ?? null", name)
        assert found, name
        return dict(found)

    def placement(self, name: str) -> Placement:
        return dict(self.layer(name)["placement"])

    def names(self) -> list[str]:
        """As the list shows them, the topmost first."""
        return self.page.locator(".pm-l-words b").all_text_contents()

    def row(self, name: str) -> Locator:
        return self.page.locator(".pm-l-row", has=self.page.get_by_text(name, exact=True))

    def choose(self, name: str) -> None:
        self.row(name).locator("[data-part=name]").click()
        expect(self.row(name)).to_have_class("pm-l-row pm-l-chosen")

    def picture(self) -> Any:
        """(H, W, 4) uint8, as the server composes it now."""
        document_id = self.page.evaluate("pentimento.layers.id")
        answer = self.page.request.get(f"{self.url}api/layers/{document_id}/picture.png")
        return np.asarray(Image.open(io.BytesIO(answer.body())).convert("RGBA"))
