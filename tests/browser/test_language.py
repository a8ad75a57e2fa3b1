"""English and 简体中文, switched while one works: every string follows, and nothing is lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.studio import StudioPage

TABS = ("tab_img2img-button", "tab_history-button", "tab_pnginfo-button", "settings-button")
MODES = "#mode_img2img [role='tab']"
NAMES = re.compile(
    r"Pentimento|English|Full(?=$|：)|Approx (NN|cheap)|TAESD|简体中文|Language|A1111|AUTOMATIC1111|ComfyUI|grow_mask_by|"
    r"img2img|PNG( info)?|JPEG|WebP|png|jpg|jpeg|webp|CSV|JSON|YAML|API|HTTP|"
    r"URL|GiB|MiB|KiB|kB|MB|GB|px|ID|PatchMatch|CFG|VAE|CLIP|LoRA|DDIM|UniPC|Karras|Beta|Automatic|Exponential|"
    r"SGM Uniform|Euler a?|DPM\+\+ 2M|built-in \(small\)|Real-ESRGAN|R-ESRGAN (General (WDN )?4xV3|AnimeVideo|4x\+ Anime6B|[24]x\+)|"
    r"(?<=默认：)none|(?:^|(?<=；))(extra|all)(?=：)|extensions(?= 文件夹)|"
    r"Ctrl|Shift|Alt|Esc|Enter|Delete|Space|Tab|a bunch of sunflowers|photo|Lanczos|NGMS|ENSD|GPU|CPU|NV|bf16|fp32|eps|logSNR|CodeFormer|"
    r"User-Agent|http\(s\)|Sigma \w+|sigma|[Ee]ta|rho|alpha|beta|bh[12]|vary_coeff|time_\w+|\[\w+\]|#[0-9a-f]{6}|sd_model_checkpoint|"
    r"(outputs|models|log|/home/me)/\S*|\S*\.(png|jpg|py|json|csv|txt|yaml|safetensors)|\.\w+"
)
"""Proper names, file formats, symbols of the field and keys: the same in Chinese."""
STRINGS = """() => {
  const shown = (element) => element.checkVisibility({ visibilityProperty: true });
  const found = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, parent = node.parentElement;
    if (!node.data.trim() || !shown(parent)) continue;
    if (parent.closest("script, style, noscript, code, kbd, textarea, .pm-toast, .toast-wrap, [data-testid=status-tracker]")) continue;
    found.add(`${node.data.trim()}\\t#${parent.closest("[id]")?.id}`);
  }
  for (const element of document.body.querySelectorAll("*")) {
    if (!shown(element)) continue;
    for (const name of ["placeholder", "title", "aria-label", "alt"]) {
      const text = element.getAttribute(name);
      if (text?.trim()) found.add(`${text.trim()}\\t#${element.closest("[id]")?.id} ${name}`);
    }
  }
  return [...found];
}"""


def open_picture(studio: StudioPage, path: Path) -> None:
    """Open a picture in the mode that needs no mask."""
    studio.open_tab("img2img")
    studio.view().locator("input[type=file]").first.set_input_files(path)
    expect(studio.page.locator("#img2img_caption .pm-size")).to_be_visible()


def strings(page: Page) -> list[str]:
    """Every visible string that is the program's own, with the element it is in: the history's tiles bear the prompts of other tests."""
    found: list[str] = page.evaluate(STRINGS)
    return [entry for entry in found if "\t#history_tile_" not in entry]


def english_in(found: list[str]) -> list[str]:
    """Those with English words in them that are no names."""
    return [entry for entry in found if re.search(r"[A-Za-z]{2,}", NAMES.sub("", entry.split("\t")[0]))]


def chinese_in(found: list[str]) -> list[str]:
    return [entry for entry in found if re.search(r"[\u4e00-\u9fff]", re.sub("简体中文|语言", "", entry.split("\t")[0]))]


def pick_language(page: Page, tag: str) -> None:
    page.locator(f'#pm_language [data-language="{tag}"]').click()
    page.wait_for_function("(tag) => document.documentElement.lang === tag", arg=tag)
    page.wait_for_timeout(1500)


def look_everywhere(page: Page) -> list[str]:
    """The strings of all tabs, and of all modes of the studio."""
    found: list[str] = []
    for tab in TABS:
        page.locator(f"#{tab}").first.click()
        page.wait_for_timeout(600)
        if tab.startswith("settings"):
            expect(page.locator(".pm-setting").first).to_be_visible()
            page.locator(".pm-sections button").first.click()
        found += strings(page)
    page.locator(f"#{TABS[0]}").first.click()
    for place in range(page.locator(MODES).count()):
        page.locator(MODES).nth(place).click(force=True)
        page.wait_for_timeout(400)
        found += strings(page)
    return list(dict.fromkeys(found))


def left_over(page: Page, foreign: Callable[[list[str]], list[str]]) -> list[str]:
    """The strings that stay in the wrong language, also when a slow page is looked at again."""
    left: list[str] = []
    for _ in range(10):
        if not (left := foreign(look_everywhere(page))):
            break
        page.wait_for_timeout(1000)
    return left


def test_every_string_is_chinese_and_english_again(new_page: Callable[..., Page], studio_url: str, photo: Path) -> None:
    page = new_page(viewport={"width": 1500, "height": 900})
    studio = StudioPage(page, studio_url).open()
    loads: list[str] = []
    page.on("load", lambda _: loads.append(page.url))
    open_picture(studio, photo)
    page.locator("#img2img_prompt textarea").fill("42")
    studio.set_number("img2img_steps", 7)
    studio.generate()
    studio.expect_status("Done in")
    document: dict[str, Any] = studio.committed()
    pick_language(page, "zh-CN")
    expect(studio.status()).to_contain_text("完成")
    assert left_over(page, english_in) == []
    assert page.context.cookies()[0]["value"] == "zh-CN"
    expect(page.locator("#img2img_prompt textarea")).to_have_value("42")
    assert studio.number("img2img_steps") == "7"
    assert studio.committed()["picture"] == document["picture"]
    pick_language(page, "en")
    expect(studio.status()).to_contain_text("Done in")
    assert left_over(page, chinese_in) == []
    assert studio.committed()["picture"] == document["picture"] and not loads


def test_the_server_speaks_the_picked_language_too(studio: StudioPage) -> None:
    pick_language(studio.page, "zh-CN")
    studio.generate()
    expect(studio.toast().first).to_contain_text("请先打开一张图片")
    studio.page.reload()
    studio.wait_ready()
    expect(studio.by_id("img2img_generate")).to_have_text("生成")
    assert studio.page.locator("html").get_attribute("lang") == "zh-CN"


def test_a_running_job_goes_on_in_the_other_language(studio: StudioPage, photo: Path) -> None:
    open_picture(studio, photo)
    studio.set_number("img2img_steps", 150)
    studio.set_number("img2img_batch_count", 20)
    studio.generate()
    studio.expect_status("Step")
    pick_language(studio.page, "zh-CN")
    studio.expect_status("步")
    studio.by_id("img2img_interrupt").click()
    studio.expect_status("中断")
