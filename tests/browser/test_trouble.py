"""When something is wrong, a person reads a sentence."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Route, expect

from tests.browser.studio import StudioPage


def test_when_something_is_wrong_a_sentence_says_so_and_the_page_lives_on(studio: StudioPage, photo: Path, tmp_path: Path) -> None:
    page, prompt = studio.page, studio.page.locator("#img2img_prompt textarea")
    broken = tmp_path / "broken.png"
    broken.write_bytes(photo.read_bytes()[:200])
    studio.view().locator("input[type=file]").first.set_input_files(broken)
    expect(studio.toast()).to_contain_text("broken.png")
    expect(studio.toast()).not_to_contain_text("Traceback")
    studio.open_tab("img2img")
    studio.upload(photo)

    prompt.fill("refuse")
    studio.generate()
    studio.expect_status("Steps: 20 cannot be used; wanted is fewer.")

    prompt.fill("boom")
    studio.generate()
    studio.expect_status(re.compile(r"under error [0-9a-f]{8}"))
    assert "secret detail" not in page.content()
    prompt.fill("")
    studio.generate()
    studio.expect_status("Done in")

    page.locator("#img2img_seed input").fill("")
    studio.generate()
    expect(studio.toast().filter(has_text="Seed is empty")).to_be_visible()


def test_an_answer_that_lies_at_the_server_is_fetched(studio: StudioPage, photo: Path) -> None:
    studio.open_tab("img2img")
    studio.upload(photo)
    ended = []

    def end(route: Route) -> None:
        ended.append(route.request.url)
        route.fulfill(content_type="text/event-stream", body='data: {"msg": "close_stream"}\n\n')

    studio.page.wait_for_timeout(3500)  # until nothing is under way
    studio.page.route("**/queue/data*", end, times=1)
    studio.generate()
    studio.expect_status("Done in")
    assert ended
