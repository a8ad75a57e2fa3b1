"""For everybody: names for screen readers, the keyboard alone, contrast, narrow screens; and soon."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.studio import StudioPage
from tests.browser.workflow_files import broken, drop

NewPage = Callable[..., Page]
TABS = ("tab_img2img-button", "tab_layers-button", "tab_workflow-button", "tab_history-button", "tab_pnginfo-button", "settings-button")
TEXTS = dict(zip(TABS, ("page.studio", "layers.tab", "workflows.tab", "history.tab", "pnginfo.tab", "settings.tab"), strict=True))
AUDIT = (Path(__file__).parent / "audit.js").read_text(encoding="utf-8")
NAMED_ROLES = set("button link textbox combobox checkbox radio switch slider spinbutton tab menuitem searchbox listbox option".split())
INTERACTIVE_S = 3.0
LOOP = 3_000_000
LOOP_S = 0.14
"""What `calibrate` takes on the machine that the three seconds were set for, with nothing beside it."""
FOCUS = """() => {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const numbers = (window.focusNumbers ??= new WeakMap());
  if (!numbers.has(element)) numbers.set(element, (window.focusCount = (window.focusCount ?? 0) + 1));
  const look = (one) => {
    const style = getComputedStyle(one);
    return [style.outlineStyle === "none" ? "" : style.outline, style.boxShadow, style.borderColor, style.backgroundColor].join();
  };
  const around = [...(element.parentElement?.children ?? [])];
  for (let one = element, depth = 0; one && depth < 4; depth += 1, one = one.parentElement) around.push(one);
  const focused = around.map(look);
  element.blur();
  const plain = around.map(look);
  element.focus({ focusVisible: true });
  const name = element.getAttribute("aria-label") || element.textContent.trim();
  return {
    place: `${element.tagName} in #${element.closest("[id]")?.id}: ${name.slice(0, 40)}`,
    key: numbers.get(element),
    isMarked: focused.some((one, place) => one !== plain[place]),
  };
}"""


def open_tab(page: Page, tab: str) -> None:
    page.locator(f"#{tab}").first.click()
    if tab.startswith("settings"):
        expect(page.locator(".pm-setting").first).to_be_visible()
    page.mouse.move(2, 2)
    page.wait_for_timeout(500)


def nameless(page: Page) -> list[str]:
    """Controls in the browser's own accessibility tree that have no name."""
    session: Any = page.context.new_cdp_session(page)
    session.send("Accessibility.enable")
    session.send("DOM.enable")
    found = []
    for node in session.send("Accessibility.getFullAXTree")["nodes"]:
        role, name = node.get("role", {}).get("value"), str(node.get("name", {}).get("value") or "").strip()
        if not node.get("ignored") and role in NAMED_ROLES and not name:
            about = session.send("DOM.describeNode", {"backendNodeId": node["backendDOMNodeId"]})["node"]
            found.append(f"{role}: {about['nodeName']} {about.get('attributes')}")
    return found


def audit(page: Page, said: str) -> None:
    """What is shown now can be read, and what can be used has a name."""
    found = page.evaluate(AUDIT)
    print(f"\n{said}: {found['texts']} texts looked at")
    assert found["texts"] > 5
    assert (found["contrast"], found["duplicates"], found["tabindex"], found["images"]) == ([], [], [], []), said
    assert nameless(page) == [], said


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast_and_controls_have_names(new_page: NewPage, studio_url: str, photo: Path, scheme: str) -> None:
    page = new_page(color_scheme=scheme)
    studio = StudioPage(page, studio_url).open()
    page.add_style_tag(content="* { transition: none !important; animation: none !important; }")  # colours half-way are nobody's choice
    studio.view().locator("input[type=file]").first.set_input_files(photo)
    expect(page.locator("#img2img_caption .pm-size")).to_be_visible()
    for tab in TABS:
        open_tab(page, tab)
        audit(page, f"{scheme}, {tab}")
        if tab == "tab_workflow-button":
            drop(page, "#pm_workflows", broken(), "broken.json")
            page.locator("#workflow_problems button").click()
            page.locator(".pm-w-all summary").click()
            audit(page, f"{scheme}, an open workflow")


def test_the_audit_finds_what_is_wrong(page: Page) -> None:
    page.set_content(
        '<p style="color:#999;background:#fff">grey</p><p style="color:#000">black</p><i id="a">x</i><i id="a">y</i>'
        '<b tabindex="3">z</b><img src="data:," width="9" height="9"><input type="checkbox">'
    )
    found = page.evaluate(AUDIT)
    assert [entry.split()[0] for entry in found["contrast"]] == ["2.85"]
    assert found["duplicates"] == ["a"] and len(found["tabindex"]) == len(found["images"]) == 1
    assert len(nameless(page)) == 1


def test_the_keyboard_reaches_everything_and_shows_where_it_is(studio: StudioPage) -> None:
    page = studio.page
    expect(page.locator('.pm-sight-body[data-turn]:not([data-turn=""])')).to_be_attached()  # it is drawn anew with the first answer
    page.evaluate("document.activeElement.blur()")
    seen: dict[int, dict[str, Any]] = {}
    for _ in range(200):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUS)
        if stop is None or stop["key"] in seen:
            break
        seen[stop["key"]] = stop
    places = [stop["place"] for stop in seen.values()]
    for wanted in (
        "setting_sd_model_checkpoint",
        "pm_theme",
        "img2img_prompt",
        "img2img_generate",
        "img2img_inpainting_fill",
        "script_list",
    ):
        assert any(f"#{wanted}" in place for place in places), (wanted, places)
    assert [stop["place"] for stop in seen.values() if not stop["isMarked"]] == []
    order = [place for place in places if any(name in place for name in ("pm_theme", "img2img_prompt", "img2img_generate"))]
    assert [place.split("#")[1].split(":")[0] for place in order] == ["pm_theme", "img2img_prompt", "img2img_generate"]


def test_the_status_is_a_live_region(studio: StudioPage) -> None:
    expect(studio.page.locator("#img2img_progress [role=status]")).to_have_count(1)


@pytest.mark.parametrize("width", [360, pytest.param(768, marks=pytest.mark.slow)])
def test_nothing_is_cut_off_on_narrow_screens(new_page: NewPage, studio_url: str, photo: Path, width: int) -> None:
    page = new_page(viewport={"width": width, "height": 800}, locale="zh-CN")
    studio = StudioPage(page, studio_url).open()
    studio.view().locator("input[type=file]").first.set_input_files(photo)
    expect(page.locator("#img2img_caption .pm-size")).to_be_visible()
    for tab in TABS:
        button = page.locator(f"#{tab}").first
        if not button.is_visible():  # Gradio puts tabs that have no room into a menu
            page.locator("#tabs > .tab-wrapper .overflow-menu > button").click()
            name = page.evaluate("(id) => pentimento.t(id)", TEXTS[tab])
            page.locator("#tabs > .tab-wrapper .overflow-dropdown").get_by_text(name, exact=True).click()
        else:
            button.click()
        page.wait_for_timeout(700)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, tab
        beyond = page.evaluate(
            """(width) => [...document.querySelectorAll("button, input, select, textarea, [role]")]
                .filter((element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
                .filter((element) => !element.closest(".visually-hidden, .sr-only") && element.getBoundingClientRect().right > width + 1)
                .map((element) => `${element.tagName}#${element.id}.${element.className}`)""",
            width,
        )
        assert beyond == [], tab


def calibrate() -> float:
    """Seconds of processor time that a fixed loop takes here."""
    begun_s, total = time.process_time(), 0
    for number in range(LOOP):
        total += number * number
    return time.process_time() - begun_s


def test_the_page_can_be_used_within_three_seconds(new_page: NewPage, studio_url: str) -> None:
    """Counted is the processor time of the page's main thread: the time on the clock belongs to whatever else the machine does."""
    StudioPage(new_page(), studio_url).open()  # the server has read its scripts by then
    taken = []
    for _ in range(3):
        page, before_s = new_page(), calibrate()
        counters = page.context.new_cdp_session(page)
        counters.send("Performance.enable", {"timeDomain": "threadTicks"})
        begun_s = time.perf_counter()
        page.goto(studio_url, wait_until="commit")
        expect(page.locator("#img2img_generate:not([disabled])")).to_be_visible()
        ready_s = time.perf_counter() - begun_s
        metrics = {entry["name"]: entry["value"] for entry in counters.send("Performance.getMetrics")["metrics"]}
        worked_s, loop_s = metrics["TaskDuration"], max(before_s, calibrate())
        taken.append(worked_s / loop_s)
        print(f"\npage to interactive: {ready_s:.2f} s, {worked_s:.2f} s of work = {taken[-1]:.1f} loops of {loop_s * 1000:.0f} ms")
        page.close()
    assert 0 < min(taken) <= INTERACTIVE_S / LOOP_S
