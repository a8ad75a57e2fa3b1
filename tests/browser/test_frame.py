"""Drawing the picture's frame outwards: by its handles, numbers and keys; undo, and what a reload keeps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.canvas_page import CanvasPage, Spot, write_picture

NewPage = Callable[..., Page]
SIZE = (900, 600)


def frame(canvas: CanvasPage) -> dict[str, int] | None:
    """The frame as Python gets it."""
    committed: Any = canvas.commit()["frame"]
    return committed


def sides(left: int, right: int, up: int, down: int, overlap: int = 32) -> dict[str, int]:
    return {"left": left, "right": right, "up": up, "down": down, "overlap": overlap}


def drag(canvas: CanvasPage, start: Spot, end: Spot) -> None:
    """From one point of the picture to another, as they lie at the start."""
    canvas.stroke_spots(canvas.spot(start), canvas.spot(end))
    canvas.settle()


def test_a_frame_is_drawn_by_hand_number_and_key(new_page: NewPage, canvas_url: str, tmp_path: Path) -> None:
    canvas = CanvasPage(new_page(), canvas_url).open(write_picture(tmp_path / "plain.png", SIZE))
    canvas.button("Extend: draw the frame outwards").click()
    assert frame(canvas) is None
    drag(canvas, (900, 300), (963, 300))
    assert frame(canvas) == sides(0, 64, 0, 0)
    drag(canvas, (0, 0), (-96, -41))
    assert frame(canvas) == sides(96, 64, 40, 0)
    drag(canvas, (700, -40), (700, 100))  # beside a handle the side itself is taken hold of, and never goes into the picture
    assert frame(canvas) == sides(96, 64, 0, 0)
    expect(canvas.root.locator(".pm-size")).to_have_text("900 × 600 → 1060 × 600")

    canvas.root.locator("[data-option=frame_down]").fill("33")
    canvas.root.locator("[data-option=frame_overlap]").fill("48")
    canvas.root.locator("[data-option=frame_overlap]").blur()
    assert frame(canvas) == sides(96, 64, 0, 33, 48)
    canvas.hover()
    canvas.stage.focus()
    canvas.page.keyboard.press("ArrowUp")
    canvas.page.keyboard.press("Shift+ArrowLeft")
    assert frame(canvas) == sides(88, 64, 8, 33, 48)

    canvas.page.keyboard.press("Control+z")
    canvas.page.keyboard.press("Control+z")
    assert frame(canvas) == sides(96, 64, 0, 33, 48)
    canvas.page.keyboard.press("Control+Shift+z")
    assert frame(canvas) == sides(96, 64, 8, 33, 48)
    canvas.button("Brush").click()
    canvas.stroke((300, 300), (400, 300))  # the frame stays, and the brush paints within
    assert canvas.mask() is not None and frame(canvas) == sides(96, 64, 8, 33, 48)

    canvas.page.reload()
    canvas.page.wait_for_function("window.pentimento?.document?.now.picture")
    assert frame(canvas) == sides(96, 64, 8, 33, 48)
    canvas.settle()
    canvas.button("Extend: draw the frame outwards").click()
    canvas.root.locator("[data-act=frame_reset]").click()
    assert frame(canvas) is None and canvas.troubles == []
