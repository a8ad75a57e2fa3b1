"""One document in many views: transparency, crop, sketch, files, reload, pen and fingers."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.canvas_page import CanvasPage, write_picture

NewPage = Callable[..., Page]
SIZE = (900, 600)
PEN = """
async ([points, kind]) => {
  const stage = document.querySelector("#mask .pm-stage");
  stage.setPointerCapture = () => {};
  const send = (type, [x, y, pressure]) => stage.dispatchEvent(new PointerEvent(type, {
    pointerId: 9, pointerType: kind, button: 0, buttons: 1, pressure, clientX: x, clientY: y, bubbles: true, cancelable: true }));
  send("pointerdown", points[0]);
  for (const point of points.slice(1)) send("pointermove", point);
  send("pointerup", points.at(-1));
}
"""
GIVE = """
async ([type, base64]) => {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], "given.png", { type: "image/png" }));
  const target = document.querySelector("#mask .pm-view");
  if (type === "drop") target.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
  else target.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true }));
}
"""


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return write_picture(tmp_path / "plain.png", SIZE)


@pytest.fixture
def canvas(new_page: NewPage, canvas_url: str, plain: Path) -> Iterator[CanvasPage]:
    """The mask view with a picture of 900 x 600 px."""
    driver = CanvasPage(new_page(), canvas_url).open(plain)
    yield driver
    assert driver.troubles == []


@pytest.fixture
def hole(tmp_path: Path) -> Path:
    """A picture with a transparent box from (100, 150) to (300, 400)."""
    path = write_picture(tmp_path / "hole.png", SIZE, "RGBA")
    image = Image.open(path)
    alpha = Image.new("L", SIZE, 255)
    alpha.paste(0, (100, 150, 300, 400))
    image.putalpha(alpha)
    image.save(path)
    return path


def test_transparency_becomes_the_mask_and_may_be_kept_or_flattened(canvas: CanvasPage, hole: Path) -> None:
    canvas.load(hole)
    bar = canvas.root.locator(".pm-alpha")
    expect(bar).to_contain_text("transparent parts")
    mask = canvas.mask()
    assert mask is not None and Image.fromarray(mask).getbbox() == (100, 150, 300, 400) and canvas.commit()["alpha"] == "mask"
    canvas.set(size=40)
    canvas.stroke((500, 300), (600, 300))
    bar.get_by_role("button", name="Keep transparent").click()
    mask = canvas.mask()
    assert mask is not None and mask[200, 200] == 0 and mask[300, 550] == 255 and canvas.commit()["alpha"] == "keep"
    bar.get_by_role("button", name="Flatten").click()
    assert canvas.commit()["alpha"] == "flatten"
    bar.get_by_role("button", name="Use as mask").click()
    mask = canvas.mask()
    assert mask is not None and mask[200, 200] == 255 and mask[300, 550] == 255 and canvas.commit()["alpha"] == "mask"
    canvas.button("Close this question").click()
    expect(bar).to_be_hidden()
    assert canvas.mask() is not None
    canvas.button("Undo").click()
    assert canvas.commit()["alpha"] == "flatten"


def test_the_crop_is_dragged_resized_and_made_automatic_again(canvas: CanvasPage) -> None:
    page = canvas.page
    page.evaluate("() => { window.crops = []; pentimento.document.onCrop((box) => crops.push(box)); }")
    page.evaluate("pentimento.document.setCrop({ x: 250, y: 150, width: 400, height: 300, label: '512 × 384' })")
    canvas.settle()
    x, y = canvas.spot((350, 150))
    zoom = canvas.camera()["zoom"]
    canvas.stroke_spots((x, y), (x + 60 * zoom, y + 40 * zoom))
    moved = page.evaluate("crops.at(-1)")
    assert (moved["x"], moved["y"], moved["width"], moved["height"]) == pytest.approx((310, 190, 400, 300), abs=2)
    corner = canvas.spot((moved["x"] + 400, moved["y"] + 300))
    canvas.stroke_spots(corner, (corner[0] - 100 * zoom, corner[1] - 50 * zoom))
    sized = page.evaluate("crops.at(-1)")
    assert (sized["x"], sized["y"], sized["width"], sized["height"]) == pytest.approx((310, 190, 300, 250), abs=2)
    left = canvas.spot((310, 220))
    canvas.stroke_spots(left, (left[0] - 600, left[1]))
    assert page.evaluate("crops.at(-1)")["x"] == 0, "it stays within the picture"
    assert canvas.mask() is None, "dragging the crop paints nothing"
    canvas.set(size=20)
    canvas.stroke((120, 300), (220, 300))
    assert canvas.mask() is not None, "within the crop one paints as ever"
    count = page.evaluate("crops.length")
    page.evaluate("Konva.dblClickWindow = 10000")
    page.mouse.dblclick(*canvas.spot((60, 190)))
    assert page.evaluate("crops.slice(-1)") == [None] and page.evaluate("crops.length") > count
    page.evaluate("pentimento.document.setCrop(null)")
    canvas.settle()
    assert canvas.root.evaluate("(root) => root.view.crop.layer.visible()") is False


def test_a_sketch_has_colours_of_its_own_and_leaves_the_mask_alone(canvas: CanvasPage) -> None:
    page = canvas.page
    canvas.set(size=40)
    canvas.stroke((100, 100), (300, 100))
    mask = canvas.mask()
    canvas.show("paint")
    canvas.set(size=60, colour="#20a060", opacity=1, hardness=1)
    canvas.stroke((450, 300), (600, 300))
    sketch = canvas.sketch()
    assert sketch is not None and sketch.shape == (600, 900, 4)
    assert sketch[300, 500].tolist() == [32, 160, 96, 255] and sketch[100, 200, 3] == 0
    assert np.array_equal(canvas.mask(), mask)
    canvas.set(opacity=0.5, colour="#ff0000")
    canvas.stroke((450, 300), (600, 300))
    sketch = canvas.sketch()
    assert sketch is not None and np.abs(sketch[300, 500].astype(int) - [144, 80, 48, 255]).max() <= 2
    page.keyboard.press("i")
    canvas.stroke((850, 50), (850, 50))
    picked = page.evaluate("localStorage.pentimento_canvas")
    colour = re.search(r'"colour":"#(..)(..)(..)"', picked)
    assert colour
    with Image.open(io.BytesIO(page.request.get(f"{canvas.url}api/assets/{canvas.commit()['picture']['id']}").body())) as image:
        wanted = image.convert("RGB").getpixel((850, 50))
    assert np.abs(np.subtract([int(part, 16) for part in colour.groups()], wanted)).max() <= 2
    expect(canvas.button("Brush")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("e")
    canvas.set(opacity=1, size=60)
    canvas.stroke((450, 300), (600, 300))
    assert canvas.sketch() is None
    canvas.show("mask")
    assert np.array_equal(canvas.mask(), mask)


def test_two_fingers_zoom_and_leave_no_stroke(new_page: NewPage, canvas_url: str, plain: Path) -> None:
    page = new_page(has_touch=True, viewport={"width": 500, "height": 800})
    canvas = CanvasPage(page, canvas_url).open(plain)
    session = page.context.new_cdp_session(page)
    box = canvas.box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    def touch(kind: str, *offsets: tuple[float, float]) -> None:
        points = [{"x": middle[0] + dx, "y": middle[1] + dy, "id": number} for number, (dx, dy) in enumerate(offsets)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    before = canvas.camera()
    touch("touchStart", (-40, 0))
    touch("touchMove", (-42, 0))
    touch("touchStart", (-42, 0), (40, 0))
    for step in range(1, 6):
        touch("touchMove", (-42 - 12 * step, 0), (40 + 12 * step, 0))
    touch("touchEnd")
    after = canvas.camera()
    assert after["zoom"] / before["zoom"] == pytest.approx(202 / 82, rel=0.05)
    assert canvas.mask() is None
    touch("touchStart", (0, 0))
    touch("touchMove", (30, 20))
    touch("touchEnd")
    assert canvas.mask() is not None and canvas.troubles == []


def test_masks_are_loaded_and_saved(canvas: CanvasPage, tmp_path: Path) -> None:
    small = Image.new("L", (450, 300))
    small.paste(255, (100, 50, 200, 150))
    small.save(tmp_path / "m.png")
    canvas.root.locator("input[data-role=mask]").set_input_files(tmp_path / "m.png")
    expect(canvas.button("Save mask as PNG")).to_be_enabled()
    mask = canvas.mask()
    assert mask is not None and mask.shape == (600, 900) and mask[200, 300] == 255 and mask[60, 300] == 0
    assert set(np.unique(mask)) == {0, 255}, "a hard mask stays hard when it is scaled"
    canvas.button("Clear mask").click()
    canvas.set(size=50)
    canvas.stroke((450, 300), (500, 300))
    painted = canvas.mask()
    with canvas.page.expect_download() as download:
        canvas.button("Save mask as PNG").click()
    assert download.value.suggested_filename == "plain-mask.png"
    assert np.array_equal(np.asarray(Image.open(download.value.path())), painted)
    canvas.show("both")
    canvas.page.locator("#both .pm-mask-drop input[type=file]").set_input_files(tmp_path / "m.png")
    canvas.page.wait_for_function("pentimento.document.now.mask[0]?.kind === 'raster'")
    assert np.array_equal(canvas.mask(), mask)
    grey = Image.new("L", SIZE, 90)
    grey.save(tmp_path / "grey.png")
    canvas.page.locator("#both .pm-mask-drop input[type=file]").set_input_files(tmp_path / "grey.png")
    canvas.page.wait_for_function("pentimento.document.state().is_soft_mask")
    assert np.unique(canvas.mask()).tolist() == [90]


def test_a_mask_of_another_size_is_not_scaled_without_a_word(canvas: CanvasPage, tmp_path: Path) -> None:
    said = canvas.page.locator(".pm-toast")

    def load(size: tuple[int, int]) -> None:
        path = tmp_path / "m.png"
        Image.new("L", size, 255).save(path)
        before = canvas.page.evaluate("pentimento.document.now.mask[0]?.id")
        canvas.root.locator("input[data-role=mask]").set_input_files(path)
        canvas.page.wait_for_function("(id) => pentimento.document.now.mask[0]?.id !== id", arg=before)

    load(SIZE)
    canvas.settle()
    expect(said).to_have_count(0)
    load((451, 300))
    expect(said.last).to_contain_text("The mask was scaled from 451 × 300 to 900 × 600.")
    load((768, 768))
    expect(said.last).to_contain_text("The mask is 768 × 768, the picture 900 × 600: it was stretched.")
    canvas.page.evaluate("pentimento.setLanguage('zh-CN')")
    canvas.button("选区").click()
    combine = canvas.page.locator("#mask input[data-role=combine]")
    combine.set_input_files(tmp_path / "m.png")
    expect(said.last).to_contain_text("此蒙版的宽高比与图片不同")
    Image.new("L", (450, 300), 255).save(tmp_path / "m.png")
    combine.set_input_files(tmp_path / "m.png")
    expect(said.last).to_have_text("蒙版已从 450 × 300 缩放为 900 × 600。")


def test_everything_is_there_after_a_reload(canvas: CanvasPage) -> None:
    canvas.set(size=50, hardness=0.5)
    canvas.stroke((450, 300), (500, 300))
    canvas.show("paint")
    canvas.stroke((100, 300), (500, 100))
    before, mask, sketch = canvas.commit(), canvas.mask(), canvas.sketch()
    canvas.page.evaluate("sessionStorage.clear(), localStorage.removeItem('pentimento_document')")
    canvas.page.reload()  # it is written when the page goes
    canvas.page.wait_for_function("window.ready && pentimento.document.now.picture")
    canvas.view = "mask"
    canvas.settle()
    after = canvas.commit()
    assert {**after, "revision": 0} == {**before, "revision": 0}
    assert np.array_equal(canvas.mask(), mask) and np.array_equal(canvas.sketch(), sketch)
    canvas.stroke((450, 500), (500, 500))
    assert np.count_nonzero(canvas.mask()) > np.count_nonzero(mask)
    page = canvas.page.context.new_page()
    page.goto(canvas.url)
    page.wait_for_function("window.ready && pentimento.document.now.picture")
    other = CanvasPage(page, canvas.url)
    other.settle()
    assert np.array_equal(other.mask(), canvas.mask()), "and in another tab"


def test_python_opens_pictures_and_hears_of_commits(canvas: CanvasPage, tmp_path: Path) -> None:
    page = canvas.page
    data = write_picture(tmp_path / "sent.png", (300, 200)).read_bytes()
    asset: dict[str, Any] = page.request.post(f"{canvas.url}api/assets", data=data, headers={"X-File-Name": "sent.png"}).json()
    mask = io.BytesIO()
    Image.new("L", (300, 200), 255).save(mask, "PNG")
    made = page.request.post(f"{canvas.url}api/assets", data=mask.getvalue()).json()
    canvas.stroke((450, 300), (500, 300))
    page.evaluate(
        "(value) => { parts.props.value = value; for (const work of watchers) work(); }", {"set": {"picture": asset, "mask": made["id"]}}
    )
    expect(canvas.root.locator(".pm-size")).to_have_text("300 × 200")
    page.wait_for_function("parts.props.value.mask !== undefined && parts.props.value.mask !== null")
    value = page.evaluate("parts.props.value")
    assert value["picture"]["id"] == asset["id"] and value["mask"] == made["id"] and value["is_soft_mask"] is False
    canvas.settle()
    canvas.button("Undo").click()
    expect(canvas.root.locator(".pm-size")).to_have_text("900 × 600")
    assert canvas.mask() is not None


def test_a_flattened_picture_lies_on_white_and_the_question_beside_it(canvas: CanvasPage, hole: Path) -> None:
    canvas.load(hole)
    bar = canvas.root.locator(".pm-alpha")
    canvas.set(overlayOpacity=0)

    def shown(choice: str) -> np.ndarray:
        bar.get_by_role("button", name=choice).click()
        canvas.settle()
        box = canvas.box()
        left, top = (round(spot - start) for spot, start in zip(canvas.spot((120, 170)), (box["x"], box["y"]), strict=True))
        return np.asarray(canvas.picture().crop((left, top, left + 80, top + 80)))

    assert len(np.unique(shown("Keep transparent"))) > 1, "chequered"
    assert np.unique(shown("Flatten")).tolist() == [255]
    canvas.button("Undo").click()
    canvas.settle()
    assert len(np.unique(shown("Keep transparent"))) > 1
    question, close, stage = bar.bounding_box(), canvas.button("Close this question").bounding_box(), canvas.box()
    assert question and close
    assert question["y"] + question["height"] <= stage["y"] + 0.5, "it covers nothing of the picture"
    assert close["y"] - question["y"] < 12 and question["x"] + question["width"] - close["x"] - close["width"] < 12


def test_beside_the_crops_edge_the_tool_works(canvas: CanvasPage) -> None:
    page = canvas.page
    page.evaluate("() => { window.crops = []; pentimento.document.onCrop((box) => crops.push(box)); }")
    page.evaluate("pentimento.document.setCrop({ x: 250, y: 150, width: 400, height: 300 })")
    canvas.set(size=4)
    canvas.settle()
    x, y = canvas.spot((350, 150))
    for count, offset in enumerate((-6, 6), start=1):
        canvas.stroke_spots((x, y + offset), (x + 40, y + offset))
        assert page.evaluate("[pentimento.document.now.mask.length, crops.length]") == [count, 0]
    for count, offset in enumerate((-3, 3), start=1):
        canvas.stroke_spots((x, y + offset), (x + 10, y + offset))
        assert page.evaluate("[pentimento.document.now.mask.length, crops.length]") == [2, count]
    box = page.evaluate("crops.at(-1)")
    corner = canvas.spot((box["x"], box["y"]))
    canvas.stroke_spots((corner[0] - 3, corner[1] - 3), (corner[0] - 30, corner[1] - 20))
    assert page.evaluate("[pentimento.document.now.mask.length, crops.length]") == [2, 3], "a handle is taken, and nothing painted"


def test_what_is_painted_in_one_view_is_there_in_the_next(canvas: CanvasPage) -> None:
    canvas.set(size=120, overlay="#ff0000", overlayOpacity=1)
    canvas.show("both")
    before = np.asarray(canvas.picture()).astype(int)
    canvas.show("mask")
    canvas.stroke((450, 300), (451, 300))
    canvas.show("both")
    after = np.asarray(canvas.picture()).astype(int)
    changed = np.abs(after - before).max(axis=-1) > 8
    rows, columns = np.nonzero(changed)
    assert abs(columns.mean() - before.shape[1] / 2) < 3 and abs(rows.mean() - before.shape[0] / 2) < 3
    canvas.stroke((100, 100), (300, 300))
    assert canvas.camera()["x"] != 0 and np.count_nonzero(canvas.mask()) < 130 * 130, "a view to look at is dragged, not painted on"
    canvas.show("view")
    assert np.asarray(canvas.picture())[..., 0].max() < 255


def test_pressure_makes_strokes_wide_and_fingers_stop_painting_once_a_pen_is_seen(canvas: CanvasPage) -> None:
    page = canvas.page
    canvas.set(size=60)

    def draw(y: float, pressures: list[float], kind: str) -> None:
        spots = [[*canvas.spot((200 + 40 * i, y)), pressure] for i, pressure in enumerate(pressures)]
        page.evaluate(PEN, [spots, kind])

    draw(100, [0.5] * 8, "touch")
    finger = canvas.mask()
    assert finger is not None and np.count_nonzero(finger[:, 300]) == pytest.approx(60, abs=2)
    draw(300, [0.05] * 4 + [1.0] * 4, "pen")
    mask = canvas.mask()
    assert mask is not None
    thin, thick = np.count_nonzero(mask[200:400, 230]), np.count_nonzero(mask[200:400, 460])
    assert thick == pytest.approx(60, abs=2) and 8 <= thin <= 16
    draw(500, [0.5] * 8, "touch")
    assert np.array_equal(canvas.mask(), mask), "the hand's ball rests on the screen"


def test_pictures_come_by_drop_and_paste_and_what_is_none_is_refused_in_words(canvas: CanvasPage, tmp_path: Path) -> None:
    said = canvas.page.locator(".pm-toast-error")
    path = tmp_path / "words.png"
    path.write_text("not a picture")
    canvas.root.locator(":scope > input[type=file]").first.set_input_files(path)
    expect(said.last).to_have_text("“words.png” is not a picture that can be opened here.")
    whole = write_picture(tmp_path / "whole.png", SIZE).read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    canvas.root.locator("input[data-role=mask]").set_input_files(tmp_path / "half.png")
    expect(said.last).to_have_text("“half.png” is damaged or cut off and could not be opened.")
    canvas.page.evaluate("pentimento.setLanguage('zh-CN')")
    canvas.root.locator(":scope > input[type=file]").first.set_input_files(tmp_path / "half.png")
    expect(said.last).to_have_text("“half.png”已损坏或不完整，无法打开。")
    expect(canvas.root.locator(".pm-size")).to_have_text("900 × 600")

    canvas.page.evaluate("pentimento.setLanguage('en')")
    for number, way in enumerate(("drop", "paste")):
        data = write_picture(tmp_path / "given.png", (320, 240 + number)).read_bytes()
        canvas.hover()
        canvas.page.evaluate(GIVE, [way, base64.b64encode(data).decode()])
        expect(canvas.root.locator(".pm-size")).to_have_text(f"320 × {240 + number}")
        assert canvas.commit()["picture"]["name"] == "given.png"


def test_a_mask_that_is_gone_takes_only_itself_away(canvas: CanvasPage, tmp_path: Path) -> None:
    Image.new("L", SIZE, 255).save(tmp_path / "m.png")
    canvas.root.locator("input[data-role=mask]").set_input_files(tmp_path / "m.png")
    canvas.page.wait_for_function("pentimento.document.state().mask")
    asset = canvas.page.evaluate("pentimento.document.now.mask[0].asset")
    canvas.set(size=50)
    canvas.hover()
    canvas.page.keyboard.press("e")
    canvas.stroke((100, 100), (300, 100))
    canvas.page.keyboard.press("b")
    canvas.stroke((450, 300), (500, 300))
    canvas.page.context.route(f"**/{asset}/view", lambda route: route.fulfill(status=404, json={"error": "UnknownAsset"}))
    canvas.page.reload()
    expect(canvas.page.locator(".pm-toast-error").first).to_contain_text("no longer stored; the rest is kept")
    canvas.page.wait_for_function("pentimento.document.state().mask")
    mask = canvas.mask()
    assert mask is not None and mask[300, 480] == 255 and mask[550, 50] == 0


def test_while_the_server_is_away_or_forgets_nothing_is_lost(canvas: CanvasPage) -> None:
    page = canvas.page
    page.route("**/api/assets", lambda route: route.abort())
    canvas.set(size=50)
    canvas.stroke((450, 300), (500, 300))
    expect(page.locator(".pm-toast-error").first).to_contain_text("could not be stored yet")
    page.unroute("**/api/assets")
    page.wait_for_function("pentimento.document.state().mask !== null")
    assert canvas.mask() is not None

    canvas.button("Clear mask").click()
    canvas.set(size=50)
    canvas.stroke((450, 300), (500, 300))
    mask = canvas.mask()
    canvas.page.route("**/info", lambda route: route.abort())
    canvas.page.reload()
    canvas.page.wait_for_function("window.ready")
    canvas.page.reload()  # leaving before it came back must not forget it
    canvas.page.wait_for_function("window.ready")
    canvas.page.unroute("**/info")
    canvas.page.wait_for_function("pentimento.document.now.picture")
    canvas.settle()
    assert np.array_equal(canvas.mask(), mask)

    canvas.commit()
    canvas.page.route("**/info", lambda route: route.fulfill(status=404, json={"error": "UnknownAsset"}))
    canvas.page.reload()
    expect(canvas.page.locator(".pm-toast-error")).to_contain_text("no longer stored (plain.png)")
    expect(canvas.root.get_by_text("Choose a picture")).to_be_visible()


def test_words_follow_the_language_and_full_screen_fits_the_picture_anew(canvas: CanvasPage) -> None:
    page = canvas.page
    for language, name in (("zh-CN", "画笔"), ("en", "Brush")):
        page.evaluate("(tag) => pentimento.setLanguage(tag)", language)
        expect(canvas.button(name)).to_have_attribute("title", re.compile(r"\(B\)"))
    controls = "[...document.querySelectorAll('#mask button, #mask input:not([type=file])')]"
    assert page.evaluate(f"{controls}.filter((one) => !one.ariaLabel && !one.textContent).length") == 0
    page.locator("#text").focus()
    page.keyboard.press("Tab")
    expect(canvas.button("Brush")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(canvas.button("Eraser")).to_have_attribute("aria-pressed", "true")

    page.keyboard.press("b")
    canvas.hover()
    zoom = canvas.camera()["zoom"]
    canvas.page.keyboard.press("f")
    canvas.page.wait_for_function("document.fullscreenElement?.classList.contains('pm-view')")
    canvas.settle()
    assert canvas.camera()["zoom"] > zoom
    canvas.stroke((450, 300), (450, 300.5))
    rows, columns = np.nonzero(canvas.mask())
    assert (columns.mean() + 0.5, rows.mean() + 0.5) == pytest.approx((450, 300), abs=1)
    canvas.page.keyboard.press("f")
    canvas.page.wait_for_function("document.fullscreenElement === null")
