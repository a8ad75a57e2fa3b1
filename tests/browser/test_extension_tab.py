"""The extensions tab: what is there is listed, switched, added and removed, in both languages."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.studio import StudioPage


def test_extensions_are_switched_added_and_removed(studio: StudioPage, page: Page, tmp_path: Path) -> None:
    wisher = tmp_path / "wisher"
    (wisher / "javascript").mkdir(parents=True)
    (wisher / "install.py").write_text("print('installed')")
    page.get_by_role("tab", name="Extensions").click()
    builtin = page.locator("[data-extension=soft-inpainting]")
    expect(builtin).to_contain_text("built in")
    builtin.get_by_role("switch").click()
    expect(builtin).to_contain_text("Start the program again")
    builtin.get_by_role("switch").click()
    expect(builtin).not_to_contain_text("Start the program again")

    page.locator("#extensions_source").fill(str(wisher))
    page.locator("#extensions_add").click()
    added = page.locator("[data-extension=wisher]")
    expect(added).to_contain_text("Its installer has not run yet.")
    expect(page.locator("#extensions_source")).to_have_value("")
    page.locator("#extensions_source").fill(str(wisher))
    page.locator("#extensions_add").click()
    expect(page.locator("#pm_toasts")).to_contain_text("there is an extension of that name already")

    page.get_by_role("button", name="简体中文").click()
    expect(added).to_contain_text("它的安装程序尚未运行。")
    expect(page.locator("#extensions_source")).to_have_value(str(wisher))
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.accept()))
    added.get_by_role("button", name="运行安装程序").click()
    expect(added).not_to_contain_text("它的安装程序尚未运行。")
    added.get_by_role("button", name="移除").click()
    expect(added).to_have_count(0)
    assert len(asked) == 2 and all("wisher" in question for question in asked)
