"""Workflows on the page: dropped, shown, filled into the form, run as graphs."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect

from modules.imaging.metadata import write_png
from tests.browser.studio import StudioPage
from tests.browser.workflow_files import broken, drop, many

DATA = Path(__file__).parents[1] / "golden" / "data"
PICTURE = "vaeinpaint_alpha_mask.0.png"
COMFYUI = DATA / "comfyui" / "pictures" / PICTURE
CAT = DATA / "inputs" / "cat_rgba_128.png"
MAX_DIFF, MEAN_DIFF = 2, 0.1
WATCH_GENERATE = """() => new MutationObserver((changes) => {
  if (changes.some(({ target }) => target.id === "img2img_generate" && target.disabled)) window.wasOff = true;
}).observe(document.body, { subtree: true, attributes: true, attributeFilter: ["disabled"] })"""
"""Generate is off while the controls of scripts are made anew."""
PAINT_AGAIN = """async () => {
  const times = [];
  for (let n = 0; n < 5; n++) {
    pentimento.workflows.tab.stage.draw();
    for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
    times.push(Number(document.querySelector("#workflow_canvas").dataset.ms));
  }
  return times;
}"""
MANY = 1000
MOST_MS = 400
"""For painting a thousand nodes once, on a busy machine; 16 ms on a quiet one."""


def expect_comfyuis(data: bytes, said: str) -> None:
    made, wanted = (np.asarray(Image.open(io.BytesIO(each)).convert("RGB"), np.float64) for each in (data, COMFYUI.read_bytes()))
    assert made.shape == wanted.shape
    off = np.abs(made - wanted)
    print(f"\n{said}: max {off.max():.0f} (limit {MAX_DIFF}), mean {off.mean():.4f} (limit {MEAN_DIFF})")
    assert off.max() <= MAX_DIFF and off.mean() <= MEAN_DIFF


def test_comfyuis_picture_opens_as_a_form_and_as_a_graph_and_gives_itself(page: Page, tiny_url: str) -> None:
    page.goto(tiny_url)
    expect(page.locator("#img2img_generate:not([disabled])")).to_be_visible()
    studio = StudioPage(page, tiny_url)
    expect(page.locator("#setting_sd_model_checkpoint input")).not_to_have_value("")
    studio.wait_filled()
    drop(page, "#pm_form", COMFYUI.read_bytes(), PICTURE)
    wanted = page.locator("#workflow_pictures .pm-w-card")
    expect(wanted).to_contain_text(CAT.name)
    expect(studio.by_id("workflow_run")).to_be_disabled()
    page.evaluate(WATCH_GENERATE)
    drop(page, "#workflow_pictures .pm-w-card", CAT.read_bytes(), CAT.name)
    expect(studio.by_id("workflow_said")).to_contain_text("mask grown by 6 px")
    expect(page.locator("#img2img_prompt textarea")).to_have_value("a photo of a red cat, sharp focus")
    expect(page.locator("#img2img_sampling input")).to_have_value("euler")
    expect(page.locator("#img2img_compat input[value=comfyui]")).to_be_checked()
    expect(page.locator("#img2img_grow_mask_by input[type=number]")).to_have_value("6")
    expect(page.locator("#img2img_mask_blur input[type=number]")).to_have_value("0")
    studio.wait_canvas()
    page.wait_for_function("window.wasOff && !document.querySelector('#img2img_generate').disabled")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#html_info_img2img textarea")).to_have_value(re.compile("Compat: comfyui"))
    address = page.locator("#img2img_gallery button.media-button img, #img2img_gallery .preview img").first.get_attribute("src")
    assert address
    expect_comfyuis(page.request.get(address).body(), "as a form")

    studio.by_id("workflow_said_look").click()
    expect(studio.by_id("workflow_run")).to_be_visible()
    page.keyboard.press("Control+Enter")
    expect(studio.by_id("workflow_result")).to_be_visible()
    expect_comfyuis(page.request.get(page.evaluate("document.querySelector('#workflow_save').href")).body(), "as a graph")
    page.reload()
    expect(page.locator("#img2img_generate:not([disabled])")).to_be_visible()
    studio.open_top_tab("Workflow")
    expect(studio.by_id("workflow_canvas")).to_be_visible()
    expect(studio.by_id("workflow_name")).to_have_text(PICTURE)


def test_what_is_wrong_is_said_and_what_is_not_runs(page: Page, tiny_url: str) -> None:
    page.goto(tiny_url)
    expect(page.locator("#img2img_generate:not([disabled])")).to_be_visible()
    studio = StudioPage(page, tiny_url)
    expect(page.locator("#setting_sd_model_checkpoint input")).not_to_have_value("")
    studio.wait_filled()
    drop(page, "#mode_img2img .pm-view", broken(), "broken.json")
    problems = studio.by_id("workflow_problems")
    expect(problems).to_contain_text("nodes of the type ChromaDreamer are not known here")
    expect(problems).to_contain_text("Save Image (3)")
    expect(studio.by_id("workflow_verdict")).to_contain_text("does not fit the form")
    expect(page.locator("#workflow_pictures .pm-w-card b")).to_have_text("no such <b>picture</b>.png")
    problems.get_by_role("button", name="ChromaDreamer").click()
    expect(studio.by_id("workflow_node")).to_contain_text("Load Image (1)")
    drop(page, "#workflow_pictures .pm-w-card", CAT.read_bytes(), CAT.name)
    studio.by_id("workflow_run").click()
    expect(studio.by_id("workflow_result")).to_be_visible()
    made = page.request.get(page.evaluate("document.querySelector('#workflow_save').href")).body()
    wanted = 255 - np.asarray(Image.open(CAT).convert("RGB"), np.int16)
    assert np.abs(np.asarray(Image.open(io.BytesIO(made)).convert("RGB"), np.int16) - wanted).max() <= 1  # saving truncates
    studio.by_id("workflow_send_inpaint").click()
    studio.wait_canvas()

    drop(page, "#pm_form", many(MANY), "many.json")
    canvas = studio.by_id("workflow_canvas")
    expect(canvas).to_have_attribute("data-seen", str(MANY))
    painted_ms = min(page.evaluate(PAINT_AGAIN))
    print(f"\n{MANY} nodes painted in {painted_ms} ms")
    assert painted_ms < MOST_MS
    canvas.focus()
    page.keyboard.press("n")
    expect(studio.by_id("workflow_node")).to_contain_text("Load Image (1)")
    page.keyboard.press("0")
    expect(canvas).to_have_attribute("data-seen", str(MANY))
    page.get_by_role("button", name="简体中文").click()
    expect(page.locator("#workflow_name + p")).to_have_text(re.compile("1000 个节点"))
    page.get_by_role("button", name="English").click()
    drop(page, "#pm_workflows", b"{}", "empty.json")
    expect(studio.toast().last).to_contain_text("empty.json cannot be opened as a workflow")


def test_ways_in(studio: StudioPage, photo: Path, tmp_path: Path) -> None:
    page = studio.page
    with page.expect_file_chooser() as asked:
        page.wait_for_function("pentimento.workflowDesk")  # a key overtakes Playwright's own word that choosers are its to show
        page.keyboard.press("Control+o")
    graph = tmp_path / "graph.json"
    graph.write_bytes(broken())
    asked.value.set_files(graph)
    expect(studio.by_id("workflow_name")).to_have_text("graph.json")
    studio.by_id("workflow_close").click()
    page.wait_for_function("pentimento.workflowDesk.bundled.length")
    studio.by_id("workflow_menu").click()
    page.get_by_role("menuitem", name="Layers").click()
    expect(studio.by_id("workflow_name")).to_have_text("layers.json")
    drop(page, "#pm_workflows", photo.read_bytes(), "photo.png")
    expect(studio.toast().last).to_contain_text("photo.png holds no workflow")
    expect(page.locator("#img2img_caption .pm-size")).to_be_visible()
    drop(page, "#mode_img2img .pm-view", write_png(Image.open(photo), None, {"workflow": broken().decode()}), "both.png")
    page.locator(".pm-toast button", has_text="Open the workflow").click()
    expect(studio.by_id("workflow_name")).to_have_text("both.png")
    studio.open_top_tab("Studio")
    studio.choose("img2img_sampling", "DPM++ 2M")
    page.locator("#img2img_compat label", has_text="ComfyUI").click()
    expect(page.locator("#img2img_sampling input")).to_have_value("dpmpp_2m")
    studio.choose("img2img_sampling", "uni_pc_bh2")
    page.locator("#img2img_compat label", has_text="A1111").click()
    expect(page.locator("#img2img_sampling input")).not_to_have_value("uni_pc_bh2")
