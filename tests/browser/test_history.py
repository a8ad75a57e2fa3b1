"""The history: fifty thousand results, searched, looked at, restored, deleted."""

from __future__ import annotations

import base64
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import NewPage, serve
from tests.browser.history_data import fill_history
from tests.browser.studio import StudioPage

MANY = 50_000
MOST_TILES = 200
LOOK_MULTIPLE = 100
LOOK_FLOOR_MS = 1000
CALIBRATION = """() => {
  const begun = performance.now();
  let sum = 0;
  for (let n = 0; n < 2e7; n++) sum += n % 7;
  return performance.now() - begun + 0 * sum;
}"""
LAST_SHOWN = "() => Math.max(...[...document.querySelectorAll('.pm-h-tile')].map((tile) => Number(tile.ariaPosInSet)))"


@pytest.fixture(scope="module")
def history_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("history")
    fill_history(data, MANY)
    return data


@pytest.fixture(scope="module")
def history_url(history_data: Path, project_root: Path) -> Iterator[str]:
    """Address of a studio whose history is long."""
    yield from serve(project_root, history_data, ["-m", "tests.browser.fake_server", "{port}", str(history_data), "0.01"])


@pytest.fixture
def tab(page: Page, history_url: str) -> StudioPage:
    return open_history(StudioPage(page, history_url).open())


def open_history(studio: StudioPage, name: str = "History") -> StudioPage:
    studio.open_top_tab(name)
    expect(tiles(studio).first).to_be_visible()
    return studio


def tiles(studio: StudioPage) -> Locator:
    return studio.page.locator(".pm-h-tile")


def viewer(studio: StudioPage) -> Locator:
    return studio.page.locator("#history_viewer[open]")


def count(studio: StudioPage) -> int:
    return int(re.sub(r"\D", "", studio.by_id("history_count").inner_text()))


def search(studio: StudioPage, words: str) -> None:
    studio.by_id("history_words").fill(words)
    expect(studio.by_id("history_count")).to_contain_text("found")


def open_first(studio: StudioPage) -> Locator:
    tiles(studio).first.click()
    expect(viewer(studio)).to_be_visible()
    return viewer(studio)


@pytest.mark.slow
def test_fifty_thousand_are_scrolled_with_few_in_the_page(page: Page, history_url: str) -> None:
    studio = StudioPage(page, history_url).open()
    calibration_ms = min(page.evaluate(CALIBRATION) for _ in range(3))
    begun_s = time.monotonic()
    open_history(studio)
    expect(studio.by_id("history_count")).to_have_text("50,000 pictures")
    expect(tiles(studio).first.locator("img")).to_be_visible()
    opened_ms = (time.monotonic() - begun_s) * 1000
    print(f"\n{MANY} entries: shown after {opened_ms:.0f} ms, calibration loop {calibration_ms:.0f} ms")
    assert opened_ms < LOOK_MULTIPLE * calibration_ms + LOOK_FLOOR_MS
    for _ in range(12):
        page.mouse.move(500, 500)
        page.mouse.wheel(0, 6000)
        page.wait_for_timeout(150)
    page.wait_for_function(f"() => ({LAST_SHOWN})() > 240")
    assert tiles(studio).count() < MOST_TILES
    page.evaluate("scrollTo(0, 0)")
    expect(page.get_by_role("option", name=re.compile(f"no {MANY - 1},"))).to_be_visible()


def test_searching_and_what_stays_after_a_reload(tab: StudioPage) -> None:
    search(tab, "teapot")
    expect(tab.by_id("history_count")).to_contain_text(re.compile(r"7,14\d found"))
    tab.by_id("history_model").select_option("pentimento-small-inpaint")
    tab.by_id("history_mode").select_option("inpaint")
    expect(tab.by_id("history_count")).to_contain_text(re.compile(r"1,19\d found"))
    tab.page.reload()
    tab.wait_ready()
    open_history(tab)
    expect(tab.by_id("history_count")).to_contain_text(re.compile(r"1,19\d found"))
    expect(tab.by_id("history_words")).to_have_value("teapot")
    search(tab, "no such picture")
    expect(tab.by_id("history_empty")).to_have_text("Nothing fits this search.")
    tab.by_id("history_since").fill("2001-01-01")
    tab.by_id("history_clear").click()
    expect(tab.by_id("history_count")).to_contain_text("pictures")
    tab.by_id("history_until").fill("2001-01-01")
    expect(tab.by_id("history_count")).to_have_text("0 found")


def test_keys_less_room_and_the_language_of_the_page(tab: StudioPage) -> None:
    page = tab.page
    tab.by_id("history_grid").focus()
    active = page.locator(".pm-h-active")
    expect(active).to_have_attribute("aria-posinset", "1")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(active).not_to_have_attribute("aria-posinset", "2")
    place = int(active.get_attribute("aria-posinset") or 0)
    page.keyboard.press("Enter")
    expect(viewer(tab)).to_contain_text(f"no {MANY - place}")
    page.keyboard.press("ArrowRight")
    expect(viewer(tab)).to_contain_text(f"no {MANY - place - 1}")
    page.keyboard.press("Delete")
    expect(page.get_by_role("dialog", name="Delete this picture")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".pm-h-ask")).to_have_count(0)
    expect(viewer(tab)).to_be_visible()
    page.keyboard.press("Escape")
    expect(viewer(tab)).to_have_count(0)
    expect(active).to_have_attribute("aria-posinset", str(place + 1))

    expect(tab.by_id("history_usage")).to_contain_text(re.compile(r"^\d\d,\d{3} pictures · .* of 20 GiB$"))
    box = tab.by_id("history_budget")
    box.fill("0.00005")
    box.press("Enter")
    question = tab.page.get_by_role("dialog", name="Keep at most")
    expect(question).to_contain_text(re.compile(r"[\d,]+ pictures, which frees"))
    question.get_by_role("button", name="Cancel").click()
    expect(box).to_have_value("20")
    box.fill("30")
    box.press("Enter")
    expect(tab.by_id("history_usage")).to_contain_text("of 30 GiB")
    box.fill("20")
    box.press("Enter")
    expect(tab.by_id("history_usage")).to_contain_text("of 20 GiB")

    open_first(tab)
    tab.page.keyboard.press("Escape")
    tab.page.get_by_role("button", name="简体中文").click()
    expect(tab.by_id("history_count")).to_contain_text("张图片")
    expect(tab.by_id("history_words")).to_have_attribute("placeholder", "提示词、模型、种子或文件名中的文字")
    open_first(tab)
    expect(viewer(tab)).to_contain_text("全部恢复")


def test_the_picture_is_used_in_another_mode_and_everything_comes_back(tab: StudioPage) -> None:
    search(tab, '"no 47025"')
    shown = open_first(tab)
    entry = tab.page.request.get(f"{tab.url}api/history?words=%22no+47025%22").json()["entries"][0]
    shown.locator("#history_send").select_option("sketch")
    expect(tab.by_id("img2img_sketch")).to_be_visible()
    expect(tab.page.locator(".pm-toast").first).to_contain_text("No mask goes along")
    expect(tab.by_id("img2img_caption")).to_contain_text("240 × 180")
    document = tab.committed()
    assert document["picture"]["id"] == entry["result"] and document["mask"] is None  # type: ignore[index]

    open_history(tab)
    search(tab, '"lighthouse no 47024"')
    expect(tiles(tab).first).to_have_attribute("aria-label", re.compile("lighthouse no 47024"))
    shown = open_first(tab)
    expect(shown).to_contain_text("DDIM · Karras · 7")
    expect(shown).to_contain_text("0 px changed outside the mask")
    shown.get_by_role("radio", name="Mask").click()
    expect(shown.get_by_role("radio", name="Mask")).to_be_checked()
    entry = tab.page.request.get(f"{tab.url}api/history?words=%22no+47024%22").json()["entries"][0]
    shown.get_by_role("button", name="Restore everything").click()
    expect(tab.page.locator("#img2img_prompt textarea")).to_have_value("lighthouse no 47024")
    expect(tab.page.locator("#img2img_seed input")).to_have_value("47024")
    expect(tab.page.locator("#setting_sd_model_checkpoint input")).to_have_value("other")
    expect(tab.page.locator("#img2img_inpaint_tab, #mode_img2img button[aria-selected=true]").first).to_have_text("Inpaint")
    tab.page.wait_for_function("id => pentimento.document.state().picture?.id === id", arg=entry["recipe"]["picture"])
    tab.wait_canvas()
    document = tab.committed()
    assert document["mask"] == entry["recipe"]["mask"] and document["picture"]["id"] == entry["recipe"]["picture"]  # type: ignore[index]


def test_a_new_result_comes_to_the_top_and_several_are_deleted(tab: StudioPage, photo: Path) -> None:
    before = count(tab)
    picture = base64.b64encode(photo.read_bytes()).decode()
    made = tab.page.request.post(f"{tab.url}sdapi/v1/img2img", data={"init_images": [picture], "prompt": "a brand new one", "steps": 1})
    assert made.ok, made.text()
    expect(tab.page.get_by_role("option", name=re.compile("a brand new one"))).to_be_visible()
    expect(tab.page.locator(".pm-h-tile[aria-posinset='1']")).to_have_attribute("aria-label", re.compile("a brand new one"))
    assert count(tab) == before + 1

    search(tab, "violin")
    before = count(tab)
    tiles(tab).nth(1).click(position={"x": 12, "y": 12})
    tiles(tab).nth(3).click(modifiers=["Shift"])
    expect(tab.by_id("history_chosen")).to_contain_text("3 chosen")
    tab.by_id("history_delete_chosen").click()
    question = tab.page.get_by_role("dialog", name="Delete 3 pictures from the history?")
    expect(question.get_by_role("checkbox")).not_to_be_checked()
    question.get_by_role("button", name="Cancel").click()
    assert count(tab) == before
    tab.by_id("history_delete_chosen").click()
    question.get_by_role("button", name="Delete", exact=True).click()
    expect(tab.by_id("history_chosen")).to_be_hidden()
    assert count(tab) == before - 3
    tab.page.reload()
    tab.wait_ready()
    open_history(tab)
    assert count(tab) == before - 3


def test_a_missing_file_is_shown_as_such(tab: StudioPage, history_data: Path) -> None:
    search(tab, '"no 47011"')
    entry = tab.page.request.get(f"{tab.url}api/history?words=%22no+47011%22").json()["entries"][0]
    (file,) = (history_data / "outputs" / "store").glob(f"??/{entry['result']}.png")
    kept = file.read_bytes()
    file.unlink()
    try:
        tab.page.reload()
        tab.wait_ready()
        open_history(tab)
        expect(tiles(tab).first).to_contain_text("missing")
        expect(tiles(tab).first.locator("img")).to_have_js_property("complete", True)
        shown = open_first(tab)
        expect(shown).to_contain_text("The picture's file is gone")
        expect(shown.locator("#history_download")).to_have_count(0)
        expect(shown.get_by_role("button", name="Restore everything")).to_be_enabled()
    finally:
        file.write_bytes(kept)


def test_on_a_narrow_screen_nothing_hangs_over(new_page: NewPage, history_url: str) -> None:
    studio = StudioPage(new_page(viewport={"width": 390, "height": 780}, has_touch=True), history_url).open()
    open_history(studio)
    assert studio.page.evaluate("document.documentElement.scrollWidth") <= 390
    shown = open_first(studio)
    expect(shown.get_by_role("button", name="Restore everything")).to_be_visible()
    box = shown.bounding_box()
    assert box and box["x"] == 0 and box["width"] == 390


@pytest.mark.slow
def test_a_history_of_a_newer_program_is_told(tmp_path: Path, project_root: Path, page: Page) -> None:
    (tmp_path / "outputs").mkdir()
    with closing(sqlite3.connect(tmp_path / "outputs" / "history.sqlite")) as connection:
        connection.execute("CREATE TABLE entries (x)")
        connection.execute("PRAGMA user_version=999")
        connection.commit()
    for url in serve(project_root, tmp_path, ["-m", "tests.browser.fake_server", "{port}", str(tmp_path), "0.01"]):
        studio = StudioPage(page, url).open()
        studio.open_top_tab("History")
        expect(studio.page.locator(".pm-h-problem")).to_contain_text("newer Pentimento (version 999")
        assert studio.page.request.get(f"{url}api/history").json()["entries"] == []
