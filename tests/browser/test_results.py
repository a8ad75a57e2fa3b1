"""The finished picture: what is said of it, looked at in three ways, mended, sorted, gone on with."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageDraw
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import NewPage, serve
from tests.browser.results_server import SPOILED
from tests.browser.studio import StudioPage


@pytest.fixture(scope="module")
def results_url(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Iterator[str]:
    """Address of a studio whose repaint tints the masked part: much, little, not at all."""
    data = tmp_path_factory.mktemp("results")
    yield from serve(project_root, data, ["-m", "tests.browser.results_server", "{port}", str(data)])


@pytest.fixture(scope="module")
def cat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photograph of 451 x 300 px."""
    path = tmp_path_factory.mktemp("photo") / "cat.png"
    Image.fromarray(skimage.data.chelsea()).save(path)
    return path


@pytest.fixture
def studio(page: Page, results_url: str, cat: Path) -> StudioPage:
    """The studio with the photograph open and an ellipse of it masked."""
    return open_masked(StudioPage(page, results_url).open(), cat)


def open_picture(studio: StudioPage, photo: Path) -> None:
    studio.view().locator("input[type=file]").first.set_input_files(photo)
    expect(studio.page.locator("#img2img_caption .pm-size")).to_be_visible()


def open_masked(studio: StudioPage, photo: Path) -> StudioPage:
    open_picture(studio, photo)
    mask = Image.new("L", Image.open(photo).size)
    ImageDraw.Draw(mask).ellipse((0.25 * mask.width, 0.2 * mask.height, 0.6 * mask.width, 0.65 * mask.height), fill=255)
    encoded = io.BytesIO()
    mask.save(encoded, "PNG")
    asset = studio.page.request.post(f"{studio.url}api/assets", data=encoded.getvalue()).json()
    studio.page.evaluate("id => pentimento.document.loadMask(id)", asset["id"])
    return studio


def generate(studio: StudioPage, count: int = 1, prompt: str = "") -> StudioPage:
    studio.by_id("img2img_prompt").locator("textarea").fill(prompt)
    studio.set_number("img2img_batch_count", count)
    studio.set_number("img2img_steps", 3)
    studio.generate()
    expect(facts(studio).first).to_be_visible()
    return studio


def facts(studio: StudioPage) -> Locator:
    return studio.page.locator("#img2img_facts .pm-fact")


def look_at(studio: StudioPage, number: int) -> None:
    studio.page.locator("#img2img_gallery .thumbnails button").nth(number).click()


def show(studio: StudioPage, name: str) -> None:
    studio.page.locator(".pm-views").get_by_role("button", name=name).click()


def grab(studio: StudioPage, element: Locator) -> np.ndarray:
    """(h, w, 3) pixels of what is seen of an element."""
    element.locator("img").evaluate_all("images => Promise.all(images.map((image) => image.decode()))")
    studio.page.wait_for_timeout(300)
    return np.asarray(Image.open(io.BytesIO(element.screenshot())).convert("RGB")).astype(int)


def is_tinted(pixels: np.ndarray) -> np.ndarray:
    """Where the picture is as pink as the stand-in paints its first one."""
    return (pixels[..., 0] - pixels[..., 1]) > 110


def seam_of(studio: StudioPage) -> float:
    found = re.search(r"\((\d+\.\d+)\)", facts(studio).nth(1).inner_text())
    assert found
    return float(found[1])


def test_results_say_what_changed_outside_and_how_good_their_seams_are(studio: StudioPage) -> None:
    generate(studio, 3)
    expect(facts(studio).first).to_have_text("0 pixels changed outside the mask")
    expect(facts(studio).first).to_have_class(re.compile("pm-fact-good"))
    expect(facts(studio).nth(1)).to_contain_text("Seam: visible")
    worst = seam_of(studio)
    look_at(studio, 2)
    expect(facts(studio).nth(1)).to_contain_text("Seam: invisible")
    assert seam_of(studio) < 1.25 < 1.5 < worst

    look_at(studio, 2)
    expect(facts(studio).nth(1)).to_contain_text("Seam: invisible")
    studio.by_id("img2img_repair_seam").click()
    studio.expect_status("The seam is as good as it gets")
    expect(studio.page.locator("#img2img_gallery .thumbnails button")).to_have_count(3)

    look_at(studio, 0)
    expect(facts(studio).nth(1)).to_contain_text(f"({worst:.2f})")
    show(studio, "Compare")
    first = studio.page.locator("img.pm-after").get_attribute("src")
    look_at(studio, 1)
    expect(studio.page.locator("img.pm-after")).not_to_have_attribute("src", first or "")
    expect(studio.page.locator(".pm-views").get_by_role("button", name="Compare")).to_have_attribute("aria-pressed", "true")
    show(studio, "Gallery")
    expect(studio.page.locator(".pm-figure")).to_have_count(0)
    look_at(studio, 0)
    show(studio, "Compare")
    expect(studio.page.locator("img.pm-after")).to_have_attribute("src", first or "")

    show(studio, "Gallery")
    studio.by_id("img2img_sort_seams").click()
    expect(facts(studio).nth(1)).to_contain_text("Seam: invisible")
    expect(studio.page.locator("#html_info_img2img textarea")).to_have_value(re.compile("Seed: 42"))
    scores = []
    for number in range(3):
        look_at(studio, number)
        expect(studio.page.locator("#html_info_img2img textarea")).to_have_value(re.compile(f"Seed: {42 - number}"))
        studio.page.wait_for_timeout(700)
        scores.append(seam_of(studio))
    assert scores == sorted(scores)


def test_before_after_and_changes_are_looked_at_in_both_languages(studio: StudioPage) -> None:
    generate(studio)
    show(studio, "Compare")
    figure, slider = studio.page.locator(".pm-figure"), studio.page.get_by_role("slider", name="Between before and after")
    expect(slider).to_be_visible()
    box = figure.bounding_box()
    assert box and abs(box["width"] / box["height"] - 451 / 300) < 0.02
    shares = {}
    for key in ("Home", "End"):
        slider.focus()
        slider.press(key)
        shares[key] = is_tinted(grab(studio, figure)).mean()
    assert shares["Home"] > 0.08 and shares["End"] < 0.01
    studio.page.mouse.click(box["x"] + 0.42 * box["width"], box["y"] + 0.5 * box["height"])
    tinted = is_tinted(grab(studio, figure))
    columns = np.nonzero(tinted[:, : int(0.6 * tinted.shape[1])].any(axis=0))[0] / tinted.shape[1]
    assert 0.40 < columns.min() < 0.46
    slider.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"4[1-4] %"))

    show(studio, "Heat map")
    expect(studio.page.locator(".pm-changes")).to_contain_text("Outside: 0 of")
    expect(studio.page.locator(".pm-changes")).to_contain_text(
        re.compile(r"Inside the mask: [\d,]+ of [\d,]+ pixels changed, at most by 70")
    )
    address = studio.page.locator("img.pm-heat").get_attribute("src")
    answer = studio.page.request.get(f"{studio.url}{address}")
    assert "immutable" in answer.headers["cache-control"]
    heat = np.asarray(Image.open(io.BytesIO(answer.body())))
    assert heat.shape == (300, 451, 4)
    assert heat[10, 10, 3] == 0 and heat[290, 440, 3] == 0 and heat[125, 190, 3] > 100
    pixels = grab(studio, studio.page.locator(".pm-figure"))
    middle, corner = pixels[int(0.42 * len(pixels)), int(0.42 * pixels.shape[1])], pixels[-5, -5]
    assert middle.max() - middle.min() > 60 > corner.max() - corner.min()

    studio.page.get_by_role("button", name="简体中文").click()
    expect(facts(studio).first).to_have_text("蒙版外 0 个像素改变")
    show(studio, "热力图")
    expect(studio.page.locator(".pm-changes")).to_contain_text("蒙版外：")
    expect(studio.by_id("img2img_repair_seam")).to_have_text("修复接缝")


def test_one_goes_on_with_results(studio: StudioPage) -> None:
    generate(studio, 2, "a tinted cat")
    first = seam_of(studio)
    look_at(studio, 1)
    expect(studio.page.locator("#html_info_img2img textarea")).to_have_value(re.compile("Seed: 41"))
    expect(facts(studio).nth(1)).not_to_contain_text(f"({first:.2f})")
    studio.by_id("img2img_prompt").locator("textarea").fill("something else")
    studio.set_number("img2img_steps", 9)
    studio.by_id("img2img_reuse_settings").click()
    expect(studio.by_id("img2img_prompt").locator("textarea")).to_have_value("a tinted cat")
    expect(studio.page.locator("#img2img_steps input[type=number]")).to_have_value("3")
    expect(studio.page.locator("#img2img_seed input")).to_have_value("41")

    second = seam_of(studio)
    look_at(studio, 0)
    expect(facts(studio).nth(1)).not_to_contain_text(f"({second:.2f})")
    before = seam_of(studio)
    studio.by_id("img2img_repair_seam").click()
    studio.expect_status(re.compile(r"Seam repaired by blending: \d"))
    expect(studio.page.locator("#img2img_gallery .thumbnails button")).to_have_count(3)
    expect(studio.page.locator("#html_info_img2img textarea")).to_have_value(re.compile("Seed: 40, Seam repair: multi-band blend"))
    expect(facts(studio).first).to_have_text("0 pixels changed outside the mask")
    expect(facts(studio).nth(1)).not_to_contain_text(f"({before:.2f})")
    assert seam_of(studio) < before - 0.5

    before = studio.committed()
    studio.by_id("img2img_continue").click()
    studio.page.wait_for_function("id => pentimento.document.state().picture?.id !== id", arg=before["picture"]["id"])  # type: ignore[index]
    after = studio.committed()
    assert before["mask"] and not after["mask"]
    assert is_tinted(np.asarray(studio.asset(after["picture"]["id"]).convert("RGB")).astype(int)).mean() > 0.08  # type: ignore[index]
    studio.page.evaluate("pentimento.document.undo()")
    assert studio.committed()["picture"] == before["picture"]

    box = studio.by_id("img2img_send_mask").locator("input")
    expect(box).to_be_checked()
    kept = "localStorage.getItem('pentimento_with_mask')"
    before = studio.page.evaluate(kept)
    box.uncheck()
    studio.page.wait_for_function(f"before => {kept} !== before", arg=before)
    studio.page.reload()
    studio.wait_ready()
    expect(studio.by_id("img2img_send_mask").locator("input")).not_to_be_checked()


def test_a_pixel_that_changed_outside_is_told_with_the_reason(studio: StudioPage) -> None:
    generate(studio, prompt=SPOILED)
    expect(facts(studio).first).to_contain_text("1 pixels changed outside the mask")
    expect(facts(studio).first).to_contain_text("A script or a setting changed the picture")
    expect(facts(studio).first).to_have_class(re.compile("pm-fact-fair"))


def test_without_a_mask_there_is_no_seam_to_repair(page: Page, results_url: str, cat: Path) -> None:
    studio = StudioPage(page, results_url).open()
    studio.open_tab("img2img")
    open_picture(studio, cat)
    generate(studio)
    expect(facts(studio)).to_have_text(["No mask: the whole picture was repainted"])
    expect(studio.by_id("img2img_repair_seam")).to_be_disabled()
    show(studio, "Heat map")
    expect(studio.page.locator(".pm-changes")).to_contain_text(re.compile(r"^[\d,]+ of [\d,]+ pixels changed"))


@pytest.mark.parametrize(("width", "height", "language"), [(1400, 900, "zh-CN"), (390, 844, "en-US")])
def test_picture_and_tools_are_seen_at_once(new_page: NewPage, results_url: str, cat: Path, width: int, height: int, language: str) -> None:
    studio = StudioPage(new_page(viewport={"width": width, "height": height}, locale=language), results_url).open()
    generate(open_masked(studio, cat), 3)
    top = studio.by_id("img2img_results").bounding_box()
    last = studio.by_id("img2img_send_mask").bounding_box()
    header = studio.by_id("quicksettings").bounding_box()
    assert top and last and header
    assert last["y"] + last["height"] - top["y"] <= height - header["height"]
    overflow = studio.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0
    for button in studio.page.locator("#img2img_result_tools button:visible").all():
        box = button.bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= width
