"""The settings tab, styles and token counters, on a data folder whose own files were damaged."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import STEP_S, serve
from tests.browser.studio import StudioPage

NewPage = Callable[..., Page]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a damaged config.json and a damaged styles.csv."""
    folder = tmp_path_factory.mktemp("settings")
    (folder / "config.json").write_text('{"tiling": tr', encoding="utf-8")
    (folder / "styles.csv").write_bytes(b"\x89PNG\r\n\x1a\n no table")
    return folder


@pytest.fixture(scope="module")
def own_url(data: Path, project_root: Path) -> Iterator[str]:
    """Address of a studio on that folder."""
    yield from serve(project_root, data, ["-m", "tests.browser.fake_server", "{port}", str(data), str(STEP_S)])


@pytest.fixture
def own(page: Page, own_url: str) -> StudioPage:
    return StudioPage(page, own_url).open()


def open_settings(studio: StudioPage) -> Page:
    studio.by_id("settings-button").first.click()
    expect(studio.page.locator(".pm-setting").first).to_be_visible()
    return studio.page


@pytest.mark.slow
def test_damaged_files_are_named_until_one_closes_the_message(own: StudioPage, data: Path) -> None:
    notices = own.page.locator(".pm-notice")
    expect(notices).to_have_count(2)
    expect(notices.first).to_contain_text("It is kept as config.broken.json")
    expect(notices.nth(1)).to_contain_text("styles.broken.csv")
    assert (data / "config.broken.json").is_file() and (data / "styles.broken.csv").is_file()
    own.page.locator('#pm_language [data-language="zh-CN"]').click()
    expect(notices.first).to_contain_text("设置文件无法读取")
    for _ in range(2):
        notices.first.get_by_role("button").click()
    expect(notices).to_have_count(0)
    own.page.reload()
    own.wait_ready()
    own.page.wait_for_timeout(500)
    expect(notices).to_have_count(0)


def test_settings_are_found_changed_and_kept(own: StudioPage, data: Path, new_page: NewPage, own_url: str) -> None:
    page = open_settings(own)
    page.get_by_role("searchbox", name="Search settings").fill("quality")
    expect(page.locator(".pm-setting:visible")).to_have_count(1)
    row = page.locator("#setting_jpeg_quality")
    expect(row).to_contain_text("Default: 80")
    box = row.get_by_role("spinbutton", name="JPEG and lossy WebP quality")
    box.fill("93")
    expect(row).to_have_class(re.compile("is-changed.*is-pending"))
    expect(page.locator(".pm-count")).to_have_text("Changes not applied yet: 1")
    page.reload()  # what was not applied is not lost
    own.wait_ready()
    open_settings(own)
    expect(page.locator(".pm-count")).to_have_text("Changes not applied yet: 1")
    page.locator("#settings_submit").click()
    expect(page.locator(".pm-toast")).to_contain_text("Settings saved")
    assert '"jpeg_quality": 93' in (data / "config.json").read_text(encoding="utf-8")
    other = StudioPage(new_page(), own_url).open()
    open_settings(other).locator(".pm-changed").click()
    expect(other.page.locator(".pm-setting:visible")).to_have_count(1)
    other.page.locator("#setting_jpeg_quality").get_by_role("button", name="Back to the default").click()
    other.page.locator("#settings_submit").click()
    expect(other.page.locator(".pm-toast")).to_contain_text("Settings saved")
    assert "jpeg_quality" not in (data / "config.json").read_text(encoding="utf-8")


def test_a_wrong_setting_saves_none_and_search_knows_both_languages(own: StudioPage, own_url: str) -> None:
    page = open_settings(own)
    page.locator("#setting_samples_save_input").uncheck()
    page.locator("#settings_search").fill("largest picture")
    page.locator("#setting_img_max_size_mp_input").fill("0")
    expect(page.locator("#setting_img_max_size_mp .pm-fault")).to_have_text("A number from 1 to 1000 is wanted.")
    page.locator("#settings_submit").click()
    expect(page.locator(".pm-toast-error")).to_contain_text("Largest picture accepted, in megapixels")
    fields = page.request.get(f"{own_url}api/settings").json()["fields"]
    assert next(field for field in fields if field["name"] == "samples_save")["value"] is True
    page.locator("#settings_discard").click()
    expect(page.locator(".pm-count")).to_have_text("")
    expect(page.locator("#setting_samples_save_input")).to_be_checked()
    expect(page.locator("#setting_img_max_size_mp .pm-fault")).to_have_text("")

    page.locator("#settings_search").fill("outdir_save")
    expect(page.locator("#setting_outdir_save")).to_contain_text("No effect in this version")
    page.locator("#settings_search").fill("跳过层")
    expect(page.locator(".pm-setting:visible")).to_contain_text("Clip skip")
    page.locator("#settings_search").fill("nothing like this")
    expect(page.locator(".pm-nothing")).to_be_visible()


def test_everything_goes_back_to_defaults_but_only_with_apply(own: StudioPage, own_url: str) -> None:
    page = open_settings(own)
    page.request.post(f"{own_url}api/settings", data={"tiling": True, "grid_background_color": "#336699"})
    page.reload()
    own.wait_ready()
    open_settings(own)
    page.locator("#settings_reset").click()
    expect(page.locator(".pm-count")).to_have_text("Changes not applied yet: 2")
    page.locator("#settings_submit").click()
    expect(page.locator(".pm-toast")).to_contain_text("Settings saved")
    expect(page.locator(".pm-changed")).to_have_text("Changed from default: 0")
    values = {field["name"]: field["value"] for field in page.request.get(f"{own_url}api/settings").json()["fields"]}
    assert values["tiling"] is False and values["grid_background_color"] == "#ffffff"


def test_options_can_be_put_on_top_of_the_page(own: StudioPage, own_url: str) -> None:
    page = own.page
    page.request.post(f"{own_url}api/settings", data={"quicksettings_list": ["sd_model_checkpoint", "CLIP_stop_at_last_layers", "sd_vae"]})
    page.reload()
    own.wait_ready()
    skip = page.locator("#quicksettings").get_by_role("spinbutton", name="Clip skip")
    skip.fill("2")
    expect(page.locator("#quicksettings").get_by_role("combobox", name="VAE")).to_have_value("Automatic")
    page.wait_for_function("""async () => (await (await fetch("sdapi/v1/options")).json()).CLIP_stop_at_last_layers === 2""")
    page.request.post(f"{own_url}api/settings", data={"quicksettings_list": ["sd_model_checkpoint"], "CLIP_stop_at_last_layers": 1})


def test_a_style_is_made_picked_written_out_and_deleted(own: StudioPage, data: Path) -> None:
    page = own.page
    page.on("dialog", lambda dialog: dialog.accept())
    page.locator("#img2img_prompt textarea").fill("a cat, thick paint")
    page.locator("#img2img_styles_edit").click()
    dialog = page.get_by_role("dialog", name="Edit styles")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Take the current prompt").click()
    expect(dialog.get_by_label("Prompt", exact=True)).to_have_value("a cat, thick paint")
    dialog.get_by_label("Prompt", exact=True).fill('oil, {prompt},\n"thick"')
    dialog.get_by_label("Negative prompt").fill("flat")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("A name of one line")
    dialog.get_by_label("Name").fill("油画")
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator(".pm-toast")).to_contain_text("Style “油画” saved")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.locator("#img2img_prompt textarea").fill("a cat")
    own.choose("img2img_styles", "油画")
    page.keyboard.press("Escape")
    expect(page.locator("#img2img_token_counter")).to_have_text("8/75")
    expect(page.locator("#img2img_negative_token_counter")).to_have_text("1/75")
    page.locator("#img2img_style_apply").click()
    expect(page.locator("#img2img_prompt textarea")).to_have_value('oil, a cat,\n"thick"')
    expect(page.locator("#img2img_neg_prompt textarea")).to_have_value("flat")
    expect(page.locator("#img2img_styles .token")).to_have_count(0)
    page.locator("#img2img_styles_edit").click()
    dialog.get_by_role("button", name="油画").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(page.locator(".pm-toast").last).to_contain_text("deleted")
    assert "油画" not in (data / "styles.csv").read_text(encoding="utf-8-sig")


def test_tokens_are_counted_or_it_is_said_why_not(own: StudioPage) -> None:
    counter = own.by_id("img2img_token_counter")
    expect(counter).to_have_text("0/75")
    box = own.page.locator("#img2img_prompt textarea")
    box.fill("a red cat")
    expect(counter).to_have_text("3/75")
    box.fill("a red cat, " * 20)
    expect(counter).to_have_text("80/150")
    expect(counter.locator(".pm-tokens")).to_have_attribute("title", "80 tokens of 150")

    own.page.route("**/api/tokens", lambda route: route.fulfill(json={"prompt": None, "negative_prompt": None, "problem": "missing"}))
    own.page.locator("#img2img_prompt textarea").fill("a cat")
    expect(own.by_id("img2img_token_counter")).to_have_text("?")
    expect(own.page.locator("#img2img_token_counter .pm-tokens")).to_have_attribute("title", re.compile("tokenizer's file is missing"))
