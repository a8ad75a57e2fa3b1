"""The clipspace and the mask editor: the moves of ComfyUI's inpainting tutorial, from the picture dropped in to the second run."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.studio import StudioPage
from tests.browser.workflow_files import drop

DATA = Path(__file__).parents[1] / "golden" / "data"
PICTURE = "vaeinpaint_alpha_mask.0.png"
OTHER = "tiny_sd15_inpaint.safetensors"
CAT = DATA / "inputs" / "cat_rgba_128.png"


def open_editor(page: Page) -> None:
    """Wait until the mask editor shows its picture."""
    expect(page.locator("#mask_editor .pm-view.pm-has-picture")).to_be_visible()
    page.locator("#mask_editor .konvajs-content").hover()
    page.wait_for_function("pentimento.maskEditor().view.painter.pyramid")
    expect(page.locator("#mask_editor[data-ready]")).to_be_visible()


def paint(page: Page) -> None:
    """A stroke through the middle of the mask editor's stage."""
    box = page.locator("#mask_editor .pm-stage").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 60, y - 20)
    page.mouse.down()
    page.mouse.move(x + 60, y + 30, steps=4)
    page.mouse.up()


def pixels(image: Image.Image, mode: str) -> np.ndarray:
    return np.asarray(image.convert(mode)).astype(int)


def fetch(page: Page, address: str) -> Image.Image:
    return Image.open(io.BytesIO(page.request.get(address).body()))


def compare_as_graph(page: Page) -> None:
    """The same input on another checkpoint, as the tutorial ends, and both under the slider."""
    page.locator("#workflow_versus summary").click()
    page.locator("#workflow_versus_other").select_option(OTHER)
    page.locator("#workflow_versus_start").click()
    slider = page.locator("#workflow_versus_scene").get_by_role("slider", name="Between the two checkpoints")
    expect(slider).to_have_count(1)
    names = page.locator("#workflow_versus_scene .pm-tag")
    expect(names.first).to_have_text("tiny_sd15.safetensors")
    expect(names.last).to_have_text(OTHER)
    slider.focus()
    page.keyboard.press("Home")
    expect(slider).to_have_attribute("aria-valuetext", "0 %")
    sources = page.locator("#workflow_versus_scene img").evaluate_all("images => images.map((image) => image.src)")
    left, right = (pixels(fetch(page, address), "RGB") for address in sources)
    assert np.abs(left - right).max() > 8


def compare_as_form(studio: StudioPage) -> None:
    """The form's request on two checkpoints: one seed, both in the gallery and in the history."""
    page = studio.page
    studio.by_id("workflow_fill").click()
    expect(studio.by_id("workflow_said")).to_be_visible()
    studio.wait_canvas()
    studio.set_number("img2img_seed", -1)
    page.locator("#img2img_versus > button").click()
    expect(page.locator("#img2img_versus_other input")).not_to_have_value("")
    page.locator("#img2img_versus_other input").click()
    page.get_by_role("option", name=re.compile("tiny_sd15_inpaint")).click()
    expect(studio.by_id("img2img_generate")).to_be_enabled()
    studio.by_id("img2img_versus_start").click()
    slider = page.locator("#img2img_compare").get_by_role("slider", name="Between the two checkpoints")
    expect(slider).to_be_visible()
    assert slider.input_value() == "50"
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box
    slider.click(position={"x": 0.75 * box["width"], "y": 0.5 * box["height"]})
    assert abs(float(slider.input_value()) - 75) < 5
    expect(page.locator("#img2img_compare .pm-tag").first).to_contain_text("tiny_sd15")
    expect(page.locator("#img2img_compare .pm-tag").last).to_contain_text("tiny_sd15_inpaint")
    entries = page.request.get(f"{studio.url}api/history?limit=2").json()["entries"]
    assert len({entry["model"] for entry in entries}) == 2 and len({entry["seed"] for entry in entries}) == 1


def test_the_tutorials_moves(page: Page, tiny_url: str) -> None:
    page.goto(tiny_url)
    expect(page.locator("#img2img_generate:not([disabled])")).to_be_visible()
    studio = StudioPage(page, tiny_url)
    expect(page.locator("#setting_sd_model_checkpoint input")).not_to_have_value("")
    studio.wait_filled()
    result, card = studio.by_id("workflow_result"), page.locator("#workflow_pictures .pm-w-card")
    drop(page, "#pm_form", (DATA / "comfyui" / "pictures" / PICTURE).read_bytes(), PICTURE)
    expect(card).to_contain_text(CAT.name)
    studio.by_id("workflow_way_graph").check()
    expect(card.get_by_role("button", name="Paste", exact=True)).to_be_disabled()
    drop(page, "#workflow_pictures .pm-w-card", CAT.read_bytes(), CAT.name)
    studio.by_id("workflow_run").click()
    expect(result).to_be_visible()
    first = fetch(page, str(result.evaluate("image => image.src")))

    studio.by_id("workflow_copy").click()
    expect(studio.by_id("clipspace")).to_have_accessible_name("Clipspace: golden_00001_.png, 128 × 128, without a mask")
    card.get_by_role("button", name="Paste", exact=True).click()
    expect(studio.toast().last).to_contain_text(f"Pasted as {CAT.name}")
    card.get_by_role("button", name="Open in mask editor").click()
    open_editor(page)
    expect(studio.by_id("mask_editor")).to_have_accessible_name("Mask editor")
    expect(studio.by_id("mask_editor_what")).to_contain_text(f"the picture {CAT.name} of the workflow {PICTURE}")
    paint(page)
    painted = pixels(studio.asset(page.evaluate("pentimento.maskEditor().canvas.commit().then((value) => value.mask)")), "L")
    assert painted.max() == 255 and 0 < (painted > 0).mean() < 0.5
    page.keyboard.press("Control+Enter")
    expect(studio.by_id("mask_editor")).to_be_hidden()
    expect(studio.toast().last).to_contain_text(f"{CAT.name} has the new mask")

    before = str(result.evaluate("image => image.src"))
    with page.expect_request("**/api/workflows/*/run") as asked:
        page.keyboard.press("Control+Enter")
    sent = asked.value.post_data_json
    assert sent
    used = fetch(page, f"{tiny_url}api/assets/{sent['pictures'][CAT.name]}")
    assert used.mode == "RGBA"
    assert np.array_equal(pixels(used, "RGBA")[..., 3], 255 - painted)
    assert np.array_equal(pixels(used, "RGB"), pixels(first, "RGB"))
    expect(result).not_to_have_attribute("src", before)
    second = fetch(page, str(result.evaluate("image => image.src")))
    off = np.abs(pixels(second, "RGB") - pixels(first, "RGB")).max(axis=-1)
    inside, outside = off[painted > 0].mean(), off[painted == 0].mean()
    print(f"\nmean change inside the painted mask {inside:.1f}, outside, by the tiny VAE, {outside:.1f}")
    assert inside > 2 * outside
    compare_as_graph(page)
    compare_as_form(studio)


def test_copy_paste_edit_save_back_and_give_up(studio: StudioPage, photo: Path) -> None:
    page = studio.page
    studio.upload(photo)
    studio.paint((-40, 0), (40, 20))
    mask = pixels(studio.asset(studio.committed()["mask"]), "L")
    studio.canvas_button("Copy")
    expect(studio.toast().last).to_contain_text("Copied: photo.png, 320 × 240, with its mask")
    page.evaluate("pentimento.document.clear()")
    page.evaluate("pentimento.document.undo()")
    page.evaluate("pentimento.document.clearChannel('mask')")
    studio.canvas_button("Paste")
    expect(studio.toast().last).to_contain_text("Pasted: photo.png")
    assert np.array_equal(pixels(studio.asset(studio.committed()["mask"]), "L"), mask)

    studio.set_number("img2img_steps", 2)
    studio.generate()
    expect(studio.by_id("img2img_edit_mask")).to_be_visible()
    before = studio.committed()
    studio.by_id("img2img_edit_mask").click()
    open_editor(page)
    expect(page.locator("#mask_editor [data-act=replace], #mask_editor [data-tool=frame]")).to_have_count(0)
    paint(page)
    studio.by_id("mask_editor_cancel").click()
    expect(studio.by_id("mask_editor")).to_be_hidden()
    page.locator(".pm-toast button", has_text="Back to it").click()
    open_editor(page)
    page.reload()
    open_editor(page)
    studio.by_id("mask_editor_save").click()
    expect(studio.by_id("clipspace")).to_have_accessible_name("Clipspace: picture.png, 320 × 240, its transparency is the mask")
    studio.wait_ready()
    studio.wait_canvas()
    after = studio.committed()
    assert (after["picture"], after["mask"]) == (before["picture"], before["mask"])

    studio.by_id("clipspace").click()
    studio.by_id("clipspace_paste").click()
    expect(studio.toast().last).to_contain_text("its transparency is the mask")
    joined = pixels(studio.asset(studio.committed()["mask"]), "L")
    assert (joined >= mask).all() and joined.sum() > mask.sum()
    studio.open_top_tab("Extras")
    studio.by_id("extras_paste").click()
    expect(page.locator("#extras_image img")).to_be_visible()
    studio.open_top_tab("History")
    page.locator("#pm_history .pm-h-tile").first.click()
    studio.by_id("history_clip").click()
    expect(studio.by_id("history_clip")).to_have_text("Copied")
    assert page.evaluate("pentimento.clipspace.value.mask") is None
