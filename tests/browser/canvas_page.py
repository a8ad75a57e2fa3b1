"""The bare page with canvases, as a person with mouse, pen and fingers uses it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, expect

Spot = tuple[float, float]


class CanvasPage:
    """Drives one view of one open page; points are in picture pixels unless they are called spots."""

    def __init__(self, page: Page, url: str, view: str = "mask") -> None:
        self.page, self.url, self.view = page, url, view
        self.troubles: list[str] = []
        page.on("pageerror", lambda error: self.troubles.append(str(error)))

    def open(self, path: Path | None = None) -> CanvasPage:
        self.page.goto(self.url)
        self.page.wait_for_function("window.ready")
        return self if path is None else self.load(path)

    def load(self, path: Path) -> CanvasPage:
        """Open a picture, and wait until it is drawn."""
        self.root.locator(":scope > input[type=file]").first.set_input_files(path)
        with Image.open(path) as image:
            size = f"{image.width} × {image.height}"
        expect(self.root.locator(".pm-size")).to_have_text(size)
        self.settle()
        return self

    @property
    def root(self) -> Locator:
        return self.page.locator(f"#{self.view} .pm-view")

    @property
    def stage(self) -> Locator:
        return self.root.locator(".pm-stage")

    def settle(self) -> None:
        """Until nothing is drawn any more."""
        self.page.wait_for_function(
            "[...document.querySelectorAll('.pm-view')].every(({ view }) => "
            "!view?.isVisible || !view.document.now.picture || view.painter.pyramid)"
        )
        seen = -1
        while seen != (now := self.page.evaluate("window.frames")):
            seen = now
            self.page.wait_for_timeout(150)
            self.page.evaluate("async () => { for (let n = 0; n < 3; n++) await nextFrame(); }")

    def show(self, view: str) -> None:
        """Show another view, as a tab does."""
        self.page.evaluate(
            "([old, now]) => { document.getElementById(old).classList.add('off'); document.getElementById(now).classList.remove('off'); }",
            [self.view, view],
        )
        self.view = view
        self.settle()

    def button(self, name: str) -> Locator:
        return self.root.get_by_role("button", name=name, exact=True)

    def camera(self) -> dict[str, float]:
        values: dict[str, float] = self.root.evaluate("({ view: { camera } }) => ({ x: camera.x, y: camera.y, zoom: camera.zoom })")
        return values

    def hover(self, spot: Spot | None = None) -> None:
        """Put the pointer on the stage; its middle unless told where."""
        box = self.box()
        x, y = spot or (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        self.page.mouse.move(x, y)

    def box(self) -> dict[str, float]:
        box = self.stage.bounding_box()
        assert box
        return dict(box)

    def spot(self, point: Spot) -> Spot:
        """Where a point of the picture is on the page, from what is shown: worked out apart from the canvas's own arithmetic."""
        box, shown = self.box(), self.camera()
        return box["x"] + shown["x"] + point[0] * shown["zoom"], box["y"] + shown["y"] + point[1] * shown["zoom"]

    def point(self, spot: Spot) -> Spot:
        """Which point of the picture lies below a spot of the page."""
        box, shown = self.box(), self.camera()
        return (spot[0] - box["x"] - shown["x"]) / shown["zoom"], (spot[1] - box["y"] - shown["y"]) / shown["zoom"]

    def stroke(self, *points: Spot, steps: int = 4) -> None:
        self.hover()
        self.stroke_spots(*[self.spot(point) for point in points], steps=steps)

    def stroke_spots(self, *spots: Spot, steps: int = 4) -> None:
        self.page.mouse.move(*spots[0])
        self.page.mouse.down()
        for spot in spots[1:]:
            self.page.mouse.move(*spot, steps=steps)
        self.page.mouse.up()

    def wheel(self, by: float) -> None:
        """Turn the wheel, and wait until the zoom has changed."""
        before = self.camera()["zoom"]
        self.page.mouse.wheel(0, by)
        self.page.wait_for_function(
            "([id, zoom]) => document.querySelector(id).view.camera.zoom !== zoom", arg=[f"#{self.view} .pm-view", before]
        )

    def set(self, **values: Any) -> None:
        """Brush settings: size in px, hardness and opacity 0 to 1, colour."""
        self.page.evaluate(
            "async (values) => (await import('./pentimento/js/canvas/settings.js')).change(values)", {"isOwnSize": True, **values}
        )

    def commit(self) -> dict[str, Any]:
        state: dict[str, Any] = self.page.evaluate("pentimento.document.commit()")
        return state

    def asset(self, asset_id: str) -> Image.Image:
        return Image.open(io.BytesIO(self.page.request.get(f"{self.url}api/assets/{asset_id}").body()))

    def mask(self) -> np.ndarray | None:
        """The committed mask, (h, w) uint8; None when there is none."""
        asset_id = self.commit()["mask"]
        if asset_id is None:
            return None
        image = self.asset(asset_id)
        assert image.mode == "L"
        return np.asarray(image)

    def sketch(self) -> np.ndarray | None:
        """The committed sketch, (h, w, 4) uint8; None when there is none."""
        asset_id = self.commit()["sketch"]
        return None if asset_id is None else np.asarray(self.asset(asset_id))

    def picture(self) -> Image.Image:
        """What the stage shows, in device pixels."""
        return Image.open(io.BytesIO(self.stage.screenshot())).convert("RGB")


def write_picture(path: Path, size: tuple[int, int], mode: str = "RGB") -> Path:
    """A smooth picture in which every pixel differs from its neighbours."""
    columns, rows = np.meshgrid(np.linspace(20, 220, size[0]), np.linspace(20, 220, size[1]))
    image = Image.fromarray(np.stack([columns, rows, 255 - columns], axis=-1).astype(np.uint8)).convert(mode)
    image.save(path)
    return path
