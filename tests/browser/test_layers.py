"""Layers on the page: a picture comes apart, one part is changed by mouse, keyboard or finger, nothing else moves."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Route, expect

from tests.browser.conftest import NewPage, open_profile, serve
from tests.browser.layers_page import LayersPage
from tests.browser.layers_server import DISC, HEIGHT, WIDTH, poster
from tests.browser.test_accessibility import AUDIT, nameless

PRESS = """presses => presses.forEach(([key, ...held]) => document.querySelector("#layers_stage").dispatchEvent(
  new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...Object.fromEntries(held.map((name) => [name, true])) })))"""
"""Presses keys one right after another: what comes close together is one step."""
CENTRE = (DISC.x + DISC.width / 2, DISC.y + DISC.height / 2)


@pytest.fixture(scope="module")
def layers_url(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Iterator[str]:
    """Address of a studio that takes one poster apart."""
    data = tmp_path_factory.mktemp("layers")
    yield from serve(project_root, data, ["-m", "tests.browser.layers_server", "{port}", str(data)])


@pytest.fixture(scope="module")
def layers(browser: Browser, layers_url: str) -> Iterator[LayersPage]:
    """The tab; one page for all tests, each with a document of its own."""
    context = open_profile(browser, viewport={"width": 1280, "height": 800})
    yield LayersPage(context.new_page(), layers_url).open()
    context.close()


@pytest.fixture
def opened(layers: LayersPage) -> LayersPage:
    """The poster, taken apart and opened."""
    return layers.show().open_document(layers.take_apart())


def changed(before: Any, after: Any) -> list[int]:
    """Left, top, right and bottom of what differs."""
    y, x = np.nonzero((before != after).any(axis=2))
    return [int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1]


def test_a_picture_is_taken_apart_with_progress_and_can_be_stopped(layers: LayersPage, tmp_path: Path) -> None:
    page, path = layers.page, tmp_path / "sale.png"
    Image.fromarray(poster()).save(path)
    with page.expect_file_chooser() as chooser:
        layers.by_id("layers_pick").click()
    chooser.value.set_files(path)
    page.get_by_label("slow").check()
    layers.by_id("layers_apart_go").click()
    expect(page.locator("#layers_progress .pm-l-doing")).to_contain_text("Cutting out the subject")
    expect(page.locator("#layers_progress [role=progressbar]")).to_have_attribute("aria-valuenow", re.compile("[1-9]"))
    layers.by_id("layers_progress_stop").click()
    expect(layers.by_id("layers_apart_go")).to_be_enabled()
    page.get_by_label("slow").uncheck()
    layers.by_id("layers_apart_go").click()
    layers.page.locator("#layers_stage[data-revision]").wait_for()
    assert layers.names() == ["text: SALE", "subject", "background"]
    expect(layers.by_id("layers_name")).to_have_value("sale")
    assert (layers.picture() == poster()).all()
    layers.by_id("layers_back").click()
    expect(page.locator(".pm-l-card").first).to_contain_text("sale")


def test_a_layer_is_moved_scaled_and_turned_and_nothing_else_changes(opened: LayersPage) -> None:
    page = opened.page
    opened.drag(CENTRE, (CENTRE[0] + 30, CENTRE[1] + 17))
    expect(page.locator(".pm-l-preview")).to_be_visible()  # drawn by the browser while it is dragged
    assert opened.placement("subject")["left"] == DISC.x
    page.mouse.up()
    page.wait_for_function("pentimento.layers.revision === 1")
    opened.rest()
    placement = opened.placement("subject")
    assert (placement["left"], placement["top"]) == (DISC.x + 30, DISC.y + 17)
    assert changed(poster(), opened.picture()) == [DISC.x, DISC.y, DISC.x + 130, DISC.y + 117]
    page.mouse.move(*opened.handle(1, 1))
    page.mouse.down()
    page.mouse.move(*opened.spot(DISC.x + 30 + 150, DISC.y + 17 + 150), steps=4)
    page.mouse.up()
    page.wait_for_function("pentimento.layers.revision === 2")
    opened.rest()
    grown = opened.placement("subject")
    assert grown["scale_x"] == grown["scale_y"] == pytest.approx(1.5, abs=0.02)
    page.mouse.move(*opened.handle(0, -2))
    page.mouse.down()
    page.mouse.move(*opened.spot(300, 120), steps=4)
    page.keyboard.press("Escape")
    page.mouse.up()
    assert opened.placement("subject")["rotation_deg"] == 0
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    page.wait_for_function("pentimento.layers.revision === 4")
    opened.rest()
    assert (opened.picture() == poster()).all()
    page.keyboard.press("Control+Shift+z")
    page.wait_for_function("pentimento.layers.revision === 5")
    assert opened.placement("subject") == placement


def test_the_keyboard_alone_moves_orders_names_and_hides(opened: LayersPage) -> None:
    page = opened.page
    opened.row("subject").locator("[data-part=name]").focus()
    page.keyboard.press("Enter")
    opened.by_id("layers_stage").focus()
    page.evaluate(PRESS, [["ArrowRight"], ["ArrowRight"], ["ArrowDown", "shiftKey"], ["ArrowRight", "altKey", "shiftKey"]])
    page.wait_for_function("pentimento.layers.revision === 1")  # one step for all four
    moved = opened.placement("subject")
    assert (moved["left"], moved["top"], moved["rotation_deg"]) == (DISC.x + 2, DISC.y + 10, 15)
    opened.row("subject").locator("[data-part=name]").focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator(".pm-l-words b").first).to_have_text("subject")
    expect(page.locator(".pm-l-list [role=status]")).to_contain_text("subject is now layer 1 of 3")
    page.keyboard.press("F2")
    page.keyboard.type("disc")
    page.keyboard.press("Enter")
    expect(page.locator(".pm-l-words b").first).to_have_text("disc")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Space")
    page.wait_for_function("pentimento.layers.layers.at(-1).is_visible === false")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.closest('.pm-l-row').textContent").startswith("text: SALE")
    page.keyboard.press("Delete")
    page.wait_for_function("pentimento.layers.layers.length === 2")
    opened.rest()
    kept = opened.picture()[..., :3].astype(int)
    assert np.abs(kept[int(CENTRE[1]), int(CENTRE[0])] - (200, 30, 40)).max() > 50  # neither disc nor word is seen


def test_rows_are_dragged_and_what_a_layer_is_is_set(opened: LayersPage) -> None:
    page = opened.page
    start, end = opened.row("text: SALE").locator(".pm-l-grip").bounding_box(), opened.row("background").bounding_box()
    assert start and end
    page.mouse.move(start["x"] + 5, start["y"] + 12)
    page.mouse.down()
    page.mouse.move(end["x"] + 40, end["y"] + end["height"] - 2, steps=6)
    page.mouse.up()
    page.wait_for_function("pentimento.layers.layers[0].name === 'text: SALE'")
    assert opened.names() == ["subject", "background", "text: SALE"]
    opened.choose("subject")
    opened.by_id("layers_left").fill("44")
    opened.by_id("layers_left").press("Enter")
    page.wait_for_function("pentimento.layers.current.placement.left === 44")
    opened.by_id("layers_blend").select_option("multiply")
    page.wait_for_function("pentimento.layers.current.blend === 'multiply'")
    opened.by_id("layers_opacity").focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("pentimento.layers.current.opacity === 0.99")
    page.locator("[data-section=colors] summary").click()
    opened.by_id("layers_tint").check()
    page.wait_for_function("pentimento.layers.current.adjustments.tint === '#ae5029'")
    page.locator("[data-section=effects] summary").click()
    opened.by_id("layers_drop_shadow").check()
    page.wait_for_function("pentimento.layers.current.effects.drop_shadow?.dx === 8")
    opened.row("subject").locator("[data-part=lock]").click()
    page.wait_for_function("pentimento.layers.current.is_locked")
    expect(page.locator(".pm-l-head .pm-l-note")).to_contain_text("Locked")
    expect(opened.by_id("layers_delete")).to_be_disabled()
    opened.row("background").locator("[data-part=name]").dblclick()
    page.keyboard.type("ground")
    page.keyboard.press("Enter")
    page.wait_for_function("pentimento.layers.layers[1].name === 'ground'")
    opened.row("subject").locator("[data-part=solo]").click()
    expect(opened.row("subject")).to_have_class(re.compile("pm-l-alone"))
    with page.expect_download() as download:
        opened.by_id("layers_export").click()
        page.get_by_role("menuitem", name="ZIP of PNGs").click()
    with zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())) as archive:
        assert {"subject.png", "ground.png", "layers.json"} <= set(archive.namelist())
    expect(opened.by_id("layers_notes")).to_contain_text("Exported: poster.zip")


def test_words_are_rewritten_and_layers_merged_and_parted(opened: LayersPage) -> None:
    page = opened.page
    opened.choose("text: SALE")
    opened.by_id("layers_string").fill("新年 NEW")
    opened.by_id("layers_string").blur()
    page.wait_for_function("pentimento.layers.layers[2].text.is_typeset")
    text = page.evaluate("pentimento.layers.layers[2].text")
    assert text["string"] == "新年 NEW" and text["font"]
    assert opened.names()[0] == "text: 新年 NEW"
    opened.by_id("layers_text_color").fill("#00ff00")
    page.wait_for_function("pentimento.layers.layers[2].text.color === '#00ff00'")
    opened.row("subject").locator("[data-part=name]").click(modifiers=["Control"])
    opened.rest()
    before = opened.picture()
    opened.by_id("layers_merge").click()
    page.wait_for_function("pentimento.layers.layers.length === 2")
    opened.rest()
    assert np.abs(opened.picture().astype(int) - before).max() <= 1
    opened.by_id("layers_part").click()
    page.wait_for_function("pentimento.layers.layers.length === 3")
    opened.rest()
    assert (opened.picture() == before).all()
    opened.by_id("layers_add").click()
    opened.by_id("layers_add_text").click()
    expect(opened.by_id("layers_string")).to_be_focused()
    page.keyboard.type("Mine")  # over the words that it begins with
    page.wait_for_function("pentimento.layers.layers.at(-1).name === 'text: Mine'")
    page.keyboard.press("Tab")
    opened.row("text: Mine").locator("[data-part=name]").click(modifiers=["Control"])  # nothing is chosen: the document's own fields
    page.locator("[data-section=canvas] summary").click()
    opened.by_id("layers_canvas_width").fill(str(WIDTH + 20))
    page.get_by_label("Middle, left").check()
    opened.by_id("layers_canvas_resize").click()
    page.wait_for_function(f"pentimento.layers.document.extent.width === {WIDTH + 20}")
    assert opened.placement("background")["left"] == 0
    assert page.evaluate("document.querySelector('.pm-l-world').style.width") == f"{WIDTH + 20}px"  # and is shown in its new shape


def test_a_layer_goes_on_being_moved_while_the_server_is_slow(opened: LayersPage) -> None:
    page = opened.page

    def late(route: Route) -> None:
        page.wait_for_timeout(700)
        route.continue_()

    page.route("**/edits", late)
    for start, way in (((0, 0), (30, 12)), ((30, 12), (20, 8))):
        opened.drag((CENTRE[0] + start[0], CENTRE[1] + start[1]), (CENTRE[0] + start[0] + way[0], CENTRE[1] + start[1] + way[1]))
        page.mouse.up()
    assert opened.placement("subject")["left"] == DISC.x + 50
    page.keyboard.press("Control+z")
    page.wait_for_function("pentimento.layers.revision === 3")
    page.unroute("**/edits")
    opened.rest()
    assert (opened.placement("subject")["left"], opened.placement("subject")["top"]) == (DISC.x + 30, DISC.y + 12)


def test_a_folder_is_taken_apart_and_a_table_rendered_with_a_report(opened: LayersPage, tmp_path: Path) -> None:
    page, report = opened.page, opened.by_id("layers_many_report")
    Image.fromarray(poster()).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no picture")
    opened.by_id("layers_back").click()
    opened.by_id("layers_many_batch").click()
    opened.by_id("layers_many_go").click()
    expect(page.locator(".pm-l-trouble")).to_have_text("Name a folder first.")
    opened.by_id("layers_many_folder").fill(str(tmp_path))
    opened.by_id("layers_many_output").fill(str(tmp_path / "made"))
    opened.by_id("layers_many_go").click()
    expect(report).to_contain_text("1 of 2 are made, 1 failed.")
    expect(report).to_contain_text("b.png")
    assert (tmp_path / "made" / "a" / "subject.png").is_file()
    opened.by_id("layers_many_cancel").click()
    opened.by_id("layers_many_table").click()
    with page.expect_download() as sample:
        opened.by_id("layers_many_sample").click()
    with page.expect_file_chooser() as chooser:
        opened.by_id("layers_many_rows").click()
    chooser.value.set_files({"name": "rows.csv", "mimeType": "text/csv", "buffer": sample.value.path().read_bytes()})
    opened.by_id("layers_many_output").fill(str(tmp_path / "rows"))
    opened.by_id("layers_many_go").click()
    expect(report).to_contain_text("All 1 are made.")
    with Image.open(tmp_path / "rows" / "1.png") as made:
        assert (np.asarray(made.convert("RGB"))[int(CENTRE[1]), int(CENTRE[0])] == poster()[int(CENTRE[1]), int(CENTRE[0]), :3]).all()
    opened.by_id("layers_many_cancel").click()


@pytest.mark.parametrize("choice", ["layers_load_newer", "layers_keep_copy"])
def test_the_second_tab_is_told_and_loses_nothing(opened: LayersPage, choice: str) -> None:
    page = opened.page
    document_id = page.evaluate("pentimento.layers.id")
    edit = {"revision": 0, "edits": [{"op": "set", "layer": opened.layer("subject")["id"], "values": {"opacity": 0.5}}]}
    assert page.request.post(f"{opened.url}api/layers/{document_id}/edits", data=edit).ok
    opened.choose("text: SALE")
    opened.by_id("layers_delete").click()
    expect(opened.by_id("layers_stale")).to_contain_text("changed in another window")
    assert len(opened.names()) == 3
    opened.by_id(choice).click()
    expect(opened.by_id("layers_stale")).to_be_hidden()
    now = page.evaluate("[pentimento.layers.id, pentimento.layers.layers.length, pentimento.layers.layers[1].opacity]")
    assert now == [document_id, 3, 0.5] if choice == "layers_load_newer" else now[0] != document_id and now[1:] == [2, 1]
    there = page.request.get(f"{opened.url}api/layers/{document_id}").json()["document"]["layers"]
    assert [layer["opacity"] for layer in there] == [1, 0.5, 1]


def test_a_layer_goes_to_inpaint_and_comes_back(opened: LayersPage) -> None:
    page = opened.page
    opened.choose("subject")
    opened.by_id("layers_repaint").click()
    expect(page.locator("#mode_img2img .pm-view.pm-has-picture:visible")).to_be_visible()
    page.locator("#img2img_generate").click()
    expect(page.locator("#img2img_gallery button.media-button img, #img2img_gallery .preview img").first).to_be_visible()
    expect(page.locator("#img2img_generate")).to_be_enabled()
    page.locator("#img2img_send_to_layers").click()
    opened.by_id("layers_arrived_back").click()
    page.wait_for_function("pentimento.layers.revision === 1")
    opened.rest()
    expect(opened.by_id("layers_away")).to_be_hidden()
    after = opened.picture()
    x, y = int(CENTRE[0]), int(CENTRE[1])
    assert np.abs(after[y, x, :3].astype(int) - (32, 160, 96)).max() <= 2, after[y, x]  # the stand-in paints green
    left, top, right, bottom = changed(poster(), after)
    assert left >= DISC.x and top >= DISC.y and right <= DISC.x + DISC.width and bottom <= DISC.y + DISC.height
    page.locator("#tab_img2img-button").click()
    page.locator("#img2img_send_to_layers").click()  # none is away any more: it is to be taken apart
    expect(opened.by_id("layers_setup")).to_be_visible()


@pytest.mark.parametrize(("locale", "scheme"), [("en-US", "light"), ("zh-CN", "dark")])
def test_fingers_narrow_screens_names_and_contrast(new_page: NewPage, layers_url: str, locale: str, scheme: str) -> None:
    page = new_page(viewport={"width": 360, "height": 740}, locale=locale, color_scheme=scheme, has_touch=True)
    layers = LayersPage(page, layers_url).open()
    layers.open_document(layers.take_apart())
    page.add_style_tag(content="* { transition: none !important; animation: none !important; }")
    layers.by_id("layers_stage").scroll_into_view_if_needed()
    touch: Any = page.context.new_cdp_session(page)

    def send(kind: str, *points: tuple[float, float]) -> None:
        spots = [{"x": x, "y": y, "id": place} for place, (x, y) in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": spots})

    send("touchStart", layers.spot(*CENTRE))
    for step in (10, 20, 41):
        send("touchMove", layers.spot(CENTRE[0] + step, CENTRE[1] + step / 2))
    send("touchEnd")
    page.wait_for_function("pentimento.layers.revision === 1")
    assert layers.placement("subject")["left"] == pytest.approx(DISC.x + 41, abs=1)
    layers.rest()
    zoom = page.evaluate("parseInt(document.querySelector('#layers_zoom').textContent)")
    one, two = layers.spot(WIDTH * 0.4, HEIGHT / 2), layers.spot(WIDTH * 0.6, HEIGHT / 2)
    send("touchStart", one, two)
    send("touchMove", (one[0] - 40, one[1]), (two[0] + 40, two[1]))
    send("touchEnd")
    assert page.evaluate("parseInt(document.querySelector('#layers_zoom').textContent)") > 1.5 * zoom
    layers.choose("text: SALE")
    page.evaluate("document.querySelectorAll('.pm-l-section').forEach((section) => (section.open = true))")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    found = page.evaluate(AUDIT)
    assert found["texts"] > 30
    assert (found["contrast"], found["duplicates"], found["tabindex"], found["images"]) == ([], [], [], [])
    assert nameless(page) == []
