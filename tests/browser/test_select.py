"""Selecting on the canvas: bucket, objects by click and box, Shift and Alt, and everything that is done to the mask as a whole."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Page, Route, expect

from modules.imaging.mask_operations import fill_holes, grow, shrink
from tests.browser.canvas_page import CanvasPage, Spot
from tests.browser.studio import StudioPage

NewPage = Callable[..., Page]
SIZE = (600, 400)
BALL = (360, 140, 480, 260)
NETWORK = Path(__file__).resolve().parents[2] / "models" / "subject" / "u2netp.onnx"


@pytest.fixture(scope="module")
def ball() -> np.ndarray:
    """Where the ball is in `scene`."""
    mask = Image.new("L", SIZE)
    ImageDraw.Draw(mask).ellipse(BALL, fill=255)
    return np.asarray(mask) > 0


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """A red ball on noisy green ground, with an even blue strip at the left."""
    noise = np.random.default_rng(3).integers(0, 36, (*SIZE[::-1], 3), np.uint8)
    image = Image.fromarray((noise + np.array([24, 110, 34], np.uint8)).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    draw.ellipse(BALL, fill=(224, 32, 44))
    draw.rectangle((0, 0, 79, 399), fill=(30, 60, 200))
    path = tmp_path / "scene.png"
    image.save(path)
    return path


@pytest.fixture
def canvas(new_page: NewPage, canvas_url: str, scene: Path) -> Iterator[CanvasPage]:
    driver = CanvasPage(new_page(), canvas_url).open(scene)
    yield driver
    assert driver.troubles == []


@pytest.fixture
def network() -> None:
    if not NETWORK.is_file():
        reason = f"{NETWORK.name} is not in models/subject: run `python launch.py` once with a network connection"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


def click(canvas: CanvasPage, point: Spot, *keys: str) -> None:
    canvas.hover()
    for key in keys:
        canvas.page.keyboard.down(key)
    canvas.page.mouse.click(*canvas.spot(point))
    for key in keys:
        canvas.page.keyboard.up(key)


def pick(canvas: CanvasPage, key: str) -> None:
    canvas.hover()
    canvas.page.keyboard.press(key)


def rectangle(canvas: CanvasPage, left: float, top: float, right: float, bottom: float, *keys: str) -> None:
    """Drag from corner to corner with the tool in hand."""
    canvas.hover()
    for key in keys:
        canvas.page.keyboard.down(key)
    canvas.stroke((left, top), (right, bottom))
    for key in keys:
        canvas.page.keyboard.up(key)


def changed_mask(canvas: CanvasPage, act: Callable[[], Any]) -> np.ndarray:
    """The mask after `act`, once the server has worked on it."""
    before = canvas.page.evaluate("pentimento.document.now.mask.map((op) => op.id).join()")
    act()
    canvas.page.wait_for_function("(before) => pentimento.document.now.mask.map((op) => op.id).join() !== before", arg=before)
    mask = canvas.mask()
    return np.zeros(SIZE[::-1], np.uint8) if mask is None else mask


def open_sheet(canvas: CanvasPage) -> None:
    canvas.button("Selection").click()
    expect(canvas.root.locator(".pm-select")).to_be_visible()


def press(canvas: CanvasPage, name: str) -> Callable[[], None]:
    return lambda: canvas.root.locator(".pm-select").get_by_role("button", name=name, exact=True).click()


def overlap(mask: np.ndarray, truth: np.ndarray) -> float:
    found = mask > 127
    return float((found & truth).sum() / max((found | truth).sum(), 1))


def test_the_bucket_fills_a_painted_outline_and_one_undo_takes_it_back(canvas: CanvasPage) -> None:
    canvas.set(size=12)
    pick(canvas, "b")
    canvas.stroke((150, 100), (300, 100), (300, 300), (150, 300), (150, 100))
    outline = canvas.mask()
    assert outline is not None and outline[200, 225] == 0
    pick(canvas, "g")
    filled = changed_mask(canvas, lambda: click(canvas, (225, 200)))
    assert np.array_equal(filled, fill_holes(outline))
    canvas.page.keyboard.press("Control+z")
    canvas.settle()
    assert np.array_equal(canvas.mask(), outline)
    canvas.page.keyboard.press("Control+Shift+z")
    canvas.settle()
    assert np.array_equal(canvas.mask(), filled)


def test_the_bucket_goes_by_colour_within_its_tolerance(canvas: CanvasPage) -> None:
    pick(canvas, "g")
    strip = changed_mask(canvas, lambda: click(canvas, (40, 200)))
    assert (strip[:, :80] == 255).all() and not strip[:, 80:].any()
    canvas.root.locator("[data-option=tolerance]").fill("120")
    whole = changed_mask(canvas, lambda: click(canvas, (200, 50)))
    assert whole[:, :340].all() and not whole[170:230, 390:450].any()
    rest = changed_mask(canvas, lambda: click(canvas, (40, 200), "Alt"))
    assert not rest[:, :80].any() and rest[:, 80:340].all()


def test_an_object_by_a_click_then_more_less_and_both(canvas: CanvasPage, ball: np.ndarray, network: None) -> None:
    pick(canvas, "r")
    rectangle(canvas, 300, 100, 420, 300)
    pick(canvas, "o")
    expect(canvas.root.get_by_text("Click an object, or drag a box round it.")).to_be_visible()
    both = changed_mask(canvas, lambda: click(canvas, (420, 200), "Shift"))
    box = np.zeros_like(ball)
    box[100:300, 300:420] = True
    assert overlap(both, ball | box) > 0.97
    less = changed_mask(canvas, lambda: click(canvas, (420, 200), "Alt"))
    assert overlap(less, box & ~ball) > 0.95
    canvas.page.keyboard.press("Control+z")
    canvas.settle()
    only = changed_mask(canvas, lambda: click(canvas, (420, 200), "Shift", "Alt"))
    assert overlap(only, ball) > 0.97
    for _ in range(2):
        canvas.page.keyboard.press("Control+z")
        canvas.settle()
    mask = canvas.mask()
    assert mask is not None and overlap(mask, box) > 0.99


def test_an_object_by_a_box_drawn_round_it(canvas: CanvasPage, ball: np.ndarray) -> None:
    pick(canvas, "o")
    found = changed_mask(canvas, lambda: rectangle(canvas, 345, 125, 700, 280))
    assert overlap(found, ball) > 0.95
    rectangle(canvas, 100, 100, 140, 104)
    expect(canvas.page.locator(".pm-toast")).to_contain_text("This box is too small: at least 8 × 8 px")


def test_the_way_chosen_in_the_options_holds_where_no_key_is_held(canvas: CanvasPage) -> None:
    pick(canvas, "g")
    changed_mask(canvas, lambda: click(canvas, (40, 200)))
    canvas.root.locator(".pm-options [data-way=subtract]").click()
    gone = changed_mask(canvas, lambda: click(canvas, (40, 200)))
    assert not gone.any()
    back = changed_mask(canvas, lambda: click(canvas, (40, 200), "Shift"))
    assert back[:, :80].all()


def test_lasso_and_rectangle_intersect_with_shift_and_alt(canvas: CanvasPage) -> None:
    pick(canvas, "r")
    rectangle(canvas, 100, 100, 300, 300)
    rectangle(canvas, 200, 50, 500, 200, "Shift", "Alt")
    mask = canvas.mask()
    assert mask is not None
    truth = np.zeros(SIZE[::-1], bool)
    truth[100:200, 200:300] = True
    assert overlap(mask, truth) > 0.97
    pick(canvas, "l")
    canvas.hover()
    canvas.page.keyboard.down("Shift")
    canvas.page.keyboard.down("Alt")
    canvas.stroke((180, 150), (320, 150), (320, 260), (180, 260))
    canvas.page.keyboard.up("Alt")
    canvas.page.keyboard.up("Shift")
    truth[:150] = False
    assert overlap(canvas.mask(), truth) > 0.95
    canvas.page.keyboard.press("Control+z")
    canvas.settle()
    mask = canvas.mask()
    assert mask is not None and mask[120, 250] == 255


def test_the_sheet_grows_shrinks_feathers_inverts_and_fills(canvas: CanvasPage) -> None:
    pick(canvas, "r")
    rectangle(canvas, 200, 100, 400, 300)
    rectangle(canvas, 280, 180, 320, 220, "Alt")
    before = canvas.mask()
    assert before is not None
    open_sheet(canvas)
    number = canvas.root.locator("[data-option=edge_px]")
    number.fill("12.5")
    grown = changed_mask(canvas, press(canvas, "Grow"))
    assert np.array_equal(grown, grow(before, 12.5))
    number.fill("5")
    assert canvas.root.locator("[data-option=edge]").input_value() == "5"
    shrunk = changed_mask(canvas, press(canvas, "Shrink"))
    assert np.array_equal(shrunk, shrink(grown, 5))
    soft = changed_mask(canvas, press(canvas, "Feather"))
    assert len(np.unique(soft)) > 20
    assert canvas.commit()["is_soft_mask"]
    for _ in range(3):
        canvas.page.keyboard.press("Control+z")
        canvas.settle()
    assert np.array_equal(canvas.mask(), before)
    filled = changed_mask(canvas, press(canvas, "Fill holes"))
    assert filled[200, 300] == 255
    inverted = changed_mask(canvas, press(canvas, "Invert"))
    assert np.array_equal(inverted, 255 - filled)


def test_subject_and_background(canvas: CanvasPage, ball: np.ndarray, network: None) -> None:
    open_sheet(canvas)
    canvas.root.locator(".pm-select [data-way=replace]").click()
    subject = changed_mask(canvas, press(canvas, "Select subject"))
    rest = changed_mask(canvas, press(canvas, "Select background"))
    assert np.array_equal(rest, 255 - subject)
    assert subject[200, 420] == 255


def test_a_mask_from_a_file_in_every_way(canvas: CanvasPage, tmp_path: Path) -> None:
    pick(canvas, "r")
    rectangle(canvas, 100, 100, 300, 300)
    painted = canvas.mask()
    assert painted is not None
    other = Image.new("L", SIZE)
    ImageDraw.Draw(other).rectangle((200, 200, 399, 399), fill=255)
    other.save(tmp_path / "other.png")
    loaded = np.asarray(other)
    wanted = {
        "union": np.maximum(painted, loaded), "subtract": np.minimum(painted, 255 - loaded),
        "intersect": np.minimum(painted, loaded), "replace": loaded,
    }  # fmt: skip
    open_sheet(canvas)
    for way, mask in wanted.items():
        canvas.root.locator(f".pm-select [data-way={way}]").click()
        picker = canvas.root.locator(".pm-select input[type=file]")
        assert np.array_equal(changed_mask(canvas, lambda: picker.set_input_files(tmp_path / "other.png")), mask), way  # noqa: B023
        canvas.page.keyboard.press("Control+z")
        canvas.settle()


def test_a_mask_is_copied_to_another_picture(canvas: CanvasPage, tmp_path: Path) -> None:
    open_sheet(canvas)
    press(canvas, "Paste mask")()
    expect(canvas.page.locator(".pm-toast")).to_contain_text("No mask has been copied yet.")
    canvas.page.keyboard.press("Escape")
    expect(canvas.root.locator(".pm-select")).to_have_count(0)
    pick(canvas, "r")
    rectangle(canvas, 100, 100, 300, 300)
    open_sheet(canvas)
    press(canvas, "Copy mask")()
    expect(canvas.page.locator(".pm-toast").last).to_contain_text("The mask is copied.")
    Image.new("RGB", (300, 200), (90, 90, 90)).save(tmp_path / "half.png")
    canvas.load(tmp_path / "half.png")
    assert canvas.mask() is None
    if not canvas.root.locator(".pm-select").is_visible():
        open_sheet(canvas)
    pasted = changed_mask(canvas, press(canvas, "Paste mask"))
    assert pasted.shape == (200, 300) and pasted[60:140, 60:140].all() and not pasted[:40].any()
    expect(canvas.page.locator(".pm-toast").last).to_contain_text("was resized to fit the picture")


def answer(canvas: CanvasPage, status: int, error: str, detail: str) -> None:
    body = json.dumps({"error": error, "detail": detail, "body": "", "errors": ""})
    canvas.page.route("**/api/masks", lambda route: route.fulfill(status=status, content_type="application/json", body=body))


def test_what_is_missing_or_fails_is_said_in_the_persons_language(canvas: CanvasPage) -> None:
    answer(canvas, 503, "MissingModel", "u2netp.onnx, which finds objects, is missing")
    pick(canvas, "o")
    click(canvas, (420, 200))
    toast = canvas.page.locator(".pm-toast-error").last
    expect(toast).to_contain_text("The file that finds objects (u2netp.onnx) is missing. Start `python launch.py`")
    canvas.page.evaluate("pentimento.setLanguage('zh-CN')")
    click(canvas, (420, 200))
    expect(canvas.page.locator(".pm-toast-error").last).to_contain_text("缺少用于识别物体的文件")
    expect(canvas.root.get_by_text("点击物体，或拖动画框将其框住。")).to_be_visible()
    canvas.page.evaluate("pentimento.setLanguage('en')")
    answer(canvas, 507, "SaveFailed", "the disk is full")
    click(canvas, (420, 200))
    expect(canvas.page.locator(".pm-toast-error").last).to_contain_text("The mask could not be changed: the disk is full")
    assert canvas.mask() is None


def test_a_busy_sign_shows_and_a_second_click_waits_its_turn(canvas: CanvasPage) -> None:
    held: list[Route] = []
    canvas.page.route("**/api/masks", lambda route: held.append(route))
    pick(canvas, "g")
    click(canvas, (40, 200))
    canvas.page.wait_for_function("document.querySelector('#mask .pm-view.pm-busy')")
    click(canvas, (200, 50))
    expect(canvas.page.locator(".pm-toast")).to_contain_text("Still working on the mask.")
    assert len(held) == 1
    mask = changed_mask(canvas, held[0].continue_)
    assert mask[:, :80].all() and not mask[:, 80:].any()
    canvas.page.wait_for_function("!document.querySelector('#mask .pm-view.pm-busy')")


def test_in_the_studio_another_language_keeps_the_drawings_and_changes_the_words(studio: StudioPage, scene: Path) -> None:
    studio.view().locator("input[type=file]").first.set_input_files(scene)
    expect(studio.page.locator("#mode_img2img .pm-view.pm-has-picture:visible")).to_be_visible()
    view = studio.view()
    drawings = view.locator(".pm-bar svg").count()
    studio.page.get_by_role("button", name="简体中文").click()
    expect(view.get_by_role("button", name="选择物体", exact=True)).to_be_visible()
    view.get_by_role("button", name="选区", exact=True).click()
    expect(view.locator(".pm-select").get_by_role("button", name="羽化", exact=True)).to_be_visible()
    assert view.locator(".pm-bar svg").count() == drawings > 20
    assert view.locator("[data-tool]").all_inner_texts() == [""] * view.locator("[data-tool]").count()
