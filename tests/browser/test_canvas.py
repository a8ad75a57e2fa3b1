"""Strokes land where the pointer is; tools, keys and undo do what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.canvas_page import CanvasPage, write_picture

NewPage = Callable[..., Page]
SHAPES = {"wide": (1600, 200), "tall": (150, 1400), "plain": (900, 600)}


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return write_picture(tmp_path / "plain.png", SHAPES["plain"])


@pytest.fixture
def canvas(new_page: NewPage, canvas_url: str, plain: Path) -> Iterator[CanvasPage]:
    """The mask view with a picture of 900 x 600 px."""
    driver = CanvasPage(new_page(), canvas_url).open(plain)
    yield driver
    assert driver.troubles == []


def middle(mask: np.ndarray) -> tuple[float, float]:
    """Centre of what is painted, in picture pixels (a pixel's centre is at .5)."""
    rows, columns = np.nonzero(mask)
    return float(columns.mean()) + 0.5, float(rows.mean()) + 0.5


@pytest.mark.parametrize("ratio", [1, 2])
@pytest.mark.parametrize("shape", SHAPES)
def test_strokes_land_where_the_pointer_is(new_page: NewPage, canvas_url: str, tmp_path: Path, shape: str, ratio: int) -> None:
    width, height = SHAPES[shape]
    canvas = CanvasPage(new_page(device_scale_factor=ratio), canvas_url).open(write_picture(tmp_path / "p.png", (width, height)))
    canvas.set(size=8)
    box = canvas.box()
    fit = min((box["width"] - 20) / width, (box["height"] - 20) / height)
    for zoom in ("0", "1", None):
        canvas.hover()
        if zoom:
            canvas.page.keyboard.press(zoom)
        else:
            canvas.wheel(-900)
        shown = canvas.camera()["zoom"]
        assert shown == pytest.approx({"0": fit, "1": 1.0}.get(zoom or "", shown)) and (zoom or shown > 2)
        # By hand: where the picture's middle is after a fit, and which point lies below a spot, without asking the canvas.
        spots = [(box["x"] + box["width"] / 2 + dx, box["y"] + box["height"] / 2 + dy) for dx, dy in ((0, 0), (11, -7))]
        for number, spot in enumerate(spots):
            canvas.stroke_spots(spot)
            mask = canvas.mask()
            assert mask is not None and mask.shape == (height, width) and set(np.unique(mask)) == {0, 255}
            x, y = middle(mask)
            wanted = (width / 2 + (11, -7)[0] / shown * number, height / 2 + (11, -7)[1] / shown * number)
            error = max(abs(x - wanted[0]), abs(y - wanted[1]))
            print(f"{shape} at {shown:.2f}, ratio {ratio}: {error:.2f} px off")
            assert error <= 0.5
            canvas.page.keyboard.press("Control+z")
    assert canvas.troubles == []


@pytest.mark.parametrize("ratio", [1, 2])
def test_paint_is_shown_below_the_pointer(new_page: NewPage, canvas_url: str, tmp_path: Path, ratio: int) -> None:
    path = tmp_path / "grey.png"
    Image.new("RGB", (700, 500), (120, 120, 120)).save(path)
    canvas = CanvasPage(new_page(device_scale_factor=ratio), canvas_url).open(path)
    canvas.set(size=20, overlay="#ff0000", overlayOpacity=1)
    canvas.hover()
    canvas.page.mouse.wheel(0, -400)
    canvas.stroke((300, 200), (300, 201))
    x, y = canvas.spot((300, 200))
    canvas.page.mouse.move(0, 0)
    canvas.settle()
    seen = np.asarray(canvas.picture()).astype(int)
    red = (seen[..., 0] > 200) & (seen[..., 1] < 60)
    box = canvas.box()
    rows, columns = np.nonzero(red)
    assert abs(columns.mean() / ratio - (x - box["x"])) < 1 and abs(rows.mean() / ratio - (y - box["y"])) < 1.5
    side = np.sqrt(red.sum() * 4 / np.pi) / ratio
    assert side == pytest.approx(20 * zoom_of(canvas), rel=0.1)


def zoom_of(canvas: CanvasPage) -> float:
    canvas.hover()
    return canvas.camera()["zoom"]


def test_the_page_may_be_scrolled_resized_or_hidden_at_load(new_page: NewPage, canvas_url: str, plain: Path) -> None:
    page = new_page()
    canvas = CanvasPage(page, canvas_url).open()
    page.evaluate("document.getElementById('mask').classList.add('off')")
    page.evaluate("document.getElementById('space').style.setProperty('--space', '333px')")
    page.evaluate("pentimento.document.openFile(new File([], 'x')).catch(() => {})")
    canvas.root.locator(":scope > input[type=file]").first.set_input_files(plain)
    page.wait_for_function("pentimento.document.now.picture")
    page.evaluate("document.getElementById('mask').classList.remove('off')")
    canvas.settle()
    page.evaluate("scrollTo(0, 240)")
    page.set_viewport_size({"width": 820, "height": 700})
    canvas.settle()
    canvas.set(size=10)
    canvas.stroke((450, 300), (450, 300.5))
    mask = canvas.mask()
    assert mask is not None
    assert middle(mask) == pytest.approx((450, 300), abs=1)
    box = canvas.box()
    canvas.hover((box["x"] + box["width"] / 2, box["y"] + box["height"] / 2))
    assert canvas.camera()["zoom"] == pytest.approx(min((box["width"] - 22) / 900, (box["height"] - 20) / 600), rel=0.02)


def test_undo_goes_back_through_everything(canvas: CanvasPage, tmp_path: Path) -> None:
    page = canvas.page
    canvas.set(size=40)
    canvas.stroke((100, 100), (300, 100))
    one = canvas.mask()
    canvas.stroke((100, 300), (300, 300))
    two = canvas.mask()
    canvas.button("Invert mask").click()
    three = canvas.mask()
    canvas.button("Clear mask").click()
    assert canvas.mask() is None
    other = write_picture(tmp_path / "other.png", (300, 200))
    canvas.load(other)
    assert canvas.mask() is None and one is not None and two is not None and three is not None
    assert np.array_equal(three, 255 - two)
    canvas.hover()
    for expected in (None, three, two, one, None):
        page.keyboard.press("Control+z")
        mask = canvas.mask()
        assert (mask is None) == (expected is None) and (expected is None or np.array_equal(mask, expected))
    expect(canvas.root.locator(".pm-size")).to_have_text("900 × 600")
    for key, expected in (("Control+Shift+z", one), ("Control+y", two)):
        page.keyboard.press(key)
        assert np.array_equal(canvas.mask(), expected)


def test_undo_of_the_opened_picture_closes_it(canvas: CanvasPage) -> None:
    canvas.hover()
    canvas.page.keyboard.press("Control+z")
    expect(canvas.root.get_by_text("Choose a picture")).to_be_visible()
    assert canvas.commit()["picture"] is None
    canvas.page.evaluate("pentimento.document.redo()")
    expect(canvas.root.locator(".pm-size")).to_have_text("900 × 600")


def test_eraser_lasso_and_rectangle(canvas: CanvasPage) -> None:
    page = canvas.page
    canvas.hover()
    page.keyboard.press("r")
    canvas.stroke((100, 100), (400, 300))
    mask = canvas.mask()
    assert mask is not None and mask[101:299, 101:399].min() == 255 and mask.sum() == pytest.approx(255 * 300 * 200, rel=0.01)
    page.keyboard.press("e")
    canvas.set(size=30)
    canvas.stroke((100, 200), (400, 200))
    mask = canvas.mask()
    assert mask is not None and mask[200, 250] == 0 and mask[150, 250] == 255 and mask[250, 250] == 255
    page.keyboard.press("l")
    canvas.stroke((600, 100), (800, 100), (700, 300), (600, 100), steps=12)
    mask = canvas.mask()
    assert mask is not None and mask[150, 700] == 255 and mask[280, 620] == 0 and set(np.unique(mask)) == {0, 255}
    page.keyboard.press("r")
    page.keyboard.down("Alt")
    canvas.stroke((100, 100), (400, 190))
    page.keyboard.up("Alt")
    mask = canvas.mask()
    assert mask is not None and mask[150, 250] == 0


def test_hardness_and_opacity_make_a_soft_mask(canvas: CanvasPage) -> None:
    canvas.set(size=80, hardness=0.3, opacity=1)
    canvas.stroke((200, 200), (500, 200))
    state = canvas.commit()
    assert state["is_soft_mask"] is True
    mask = canvas.mask()
    assert mask is not None
    profile = mask[160:241, 350].astype(int)
    assert profile.max() == 255 and np.all(np.diff(profile[:40]) >= 0) and 0 < profile[8] < 200
    canvas.button("Clear mask").click()
    canvas.set(size=80, hardness=1, opacity=0.5)
    canvas.stroke((200, 200), (500, 200), (200, 200))
    mask = canvas.mask()
    assert mask is not None and set(np.unique(mask)) == {0, 128}  # crossing itself does not deepen a stroke
    canvas.stroke((200, 200), (500, 200))
    mask = canvas.mask()
    assert mask is not None and int(mask.max()) == pytest.approx(191, abs=1)
    canvas.button("Clear mask").click()
    canvas.set(opacity=1)
    canvas.stroke((200, 200), (500, 200))
    assert canvas.commit()["is_soft_mask"] is False


def test_shift_draws_straight_lines(canvas: CanvasPage) -> None:
    page = canvas.page
    canvas.set(size=10)
    canvas.stroke((100, 100), (101, 100))
    page.keyboard.down("Shift")
    canvas.stroke((500, 400), (500, 400))
    page.keyboard.up("Shift")
    mask = canvas.mask()
    assert mask is not None and all(mask[round(100 + 300 * t), round(100 + 400 * t)] == 255 for t in (0.2, 0.5, 0.9))
    canvas.button("Clear mask").click()
    page.keyboard.down("Shift")
    canvas.stroke((700, 100), (600, 400), (800, 500), steps=6)
    page.keyboard.up("Shift")
    mask = canvas.mask()
    assert mask is not None and mask[400, 600] == 0 and mask[499, 799] == 255


def test_keys_act_on_the_canvas_alone(canvas: CanvasPage) -> None:
    page = canvas.page
    canvas.stroke((100, 100), (300, 100))
    page.locator("#text").click()
    canvas.hover()
    page.keyboard.type("b[e]0?x")
    assert page.locator("#text").input_value() == "b[e]0?x"
    assert page.locator("dialog").count() == 0
    page.keyboard.press("Delete")
    assert canvas.mask() is not None
    page.evaluate("document.activeElement.blur()")
    page.mouse.move(5, 5)
    page.keyboard.press("Delete")
    assert canvas.mask() is not None
    canvas.hover()
    page.keyboard.press("e")
    expect(canvas.button("Eraser")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("x")
    expect(canvas.button("Brush")).to_have_attribute("aria-pressed", "true")
    size = canvas.root.locator("output").first.inner_text()
    page.keyboard.press("]")
    assert canvas.root.locator("output").first.inner_text() != size
    page.keyboard.press("Shift+{")
    expect(canvas.root.locator("output").nth(1)).to_have_text("90%")
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_contain_text("Generate")
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    page.keyboard.press("Delete")
    assert canvas.mask() is None


def test_solo_and_hide(canvas: CanvasPage) -> None:
    canvas.set(size=200)
    canvas.stroke((450, 300), (451, 300))
    page = canvas.page
    page.keyboard.press("m")
    page.mouse.move(0, 0)
    canvas.settle()
    seen = np.asarray(canvas.picture())
    height, width = seen.shape[:2]
    assert seen[height // 2, width // 2].tolist() == [255, 255, 255] and seen[height // 2, width // 2 - 200].tolist() == [0, 0, 0]
    expect(canvas.button("Show the mask alone")).to_have_attribute("aria-pressed", "true")
    canvas.hover()
    page.keyboard.press("Shift+M")
    page.mouse.move(0, 0)
    canvas.settle()
    bare = np.asarray(canvas.picture()).astype(int)
    assert np.abs(bare[height // 2, width // 2] - [120, 120, 135]).max() < 6


def test_wheel_and_space_move_the_picture(canvas: CanvasPage) -> None:
    page = canvas.page
    canvas.hover()
    x, y = (round(value) for value in canvas.spot((200, 150)))
    page.mouse.move(x, y)
    point = canvas.point((x, y))
    canvas.wheel(-500)
    assert canvas.spot(point) == pytest.approx((x, y), abs=0.01)
    shown = canvas.camera()
    page.keyboard.down("Space")
    canvas.stroke_spots((x, y), (x + 40, y + 25))
    page.keyboard.up("Space")
    moved = canvas.camera()
    assert (moved["x"] - shown["x"], moved["y"] - shown["y"]) == pytest.approx((40, 25), abs=0.5)
    page.mouse.down(button="middle")
    page.mouse.move(x, y, steps=3)
    page.mouse.up(button="middle")
    assert (canvas.camera()["x"], canvas.camera()["y"]) == pytest.approx((shown["x"], shown["y"]), abs=0.5)
    assert canvas.mask() is None
    expect(canvas.root.locator(".pm-zoom")).to_have_text(f"{round(shown['zoom'] * 100)}%")
    canvas.button("Fit to view").click()
    canvas.hover()
    assert canvas.camera()["zoom"] < shown["zoom"]
