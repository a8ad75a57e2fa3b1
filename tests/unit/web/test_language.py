"""What both languages have to have alike."""

from __future__ import annotations

import re
from pathlib import Path

import gradio
import pytest

README = {"en": "README.md", "zh-CN": "README.zh-CN.md"}


@pytest.fixture
def readmes(project_root: Path) -> dict[str, str]:
    return {tag: (project_root / name).read_text(encoding="utf-8") for tag, name in README.items()}


def headings(text: str) -> list[int]:
    return [len(marks) for marks in re.findall(r"^(#+) ", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)]


def commands(text: str) -> list[str]:
    """Lines of code blocks that a person types, without comments, and the folders that a block explains."""
    blocks = "\n".join(re.findall(r"```\w*\n(.*?)```", text, re.DOTALL))
    typed = [re.sub(r"\s+#.*", "", line) for line in blocks.splitlines() if re.match(r"(python|curl|git|pip|import|from) ", line)]
    return typed + re.findall(r"[\w.-]+/(?= )", blocks)


def names(text: str) -> set[str]:
    """Files, options and addresses in `code` and in links; the languages link to each other."""
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    code = {name for name in re.findall(r"`([^`\n]+)`", prose) if not re.search(r"[\u4e00-\u9fff]", name)}
    links = {link for link in re.findall(r"\]\(([^)#\s]+)", text) if not link.startswith("README")}
    return code | {link.replace(".zh-CN", "").replace("-zh-CN", "") for link in links}


def test_both_readmes_have_the_same_parts_commands_and_names(readmes: dict[str, str]) -> None:
    english, chinese = readmes["en"], readmes["zh-CN"]
    assert headings(english) == headings(chinese)
    assert commands(english) == commands(chinese)
    assert names(english) == names(chinese)


def test_gradio_still_offers_its_locale_to_the_page() -> None:
    """`language.js` finds Gradio's module by this name, and needs this export."""
    (core,) = (Path(gradio.__file__).parent / "templates" / "frontend" / "assets").glob("core-*.js")
    assert re.search(r"\bas changeLocale\b", core.read_text(encoding="utf-8"))
