"""Every string of the page, by id, in every language.

Fixed texts travel as ids (`gr.I18n`) and are put into words by the browser; texts with values in them are said by the server, in the
language of the request.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from modules.settings.options import option_fields

LANGUAGES = {"en": "English", "zh-CN": "简体中文"}
"""Language tag to the name that its speakers give it; the first is the fallback."""
LANGUAGE_COOKIE = "pentimento_language"
FOLDER = Path(__file__).parent / "assets" / "lang"


@dataclass(frozen=True)
class Texts:
    """The strings of all languages: tag -> id -> text."""

    strings: dict[str, dict[str, str]]

    @classmethod
    def load(cls, folder: Path = FOLDER) -> Texts:
        """Read one folder a language, one JSON file a part of the page.

        Raises:
            ValueError: Two files have the same id.
        """
        strings = {tag: _merge(sorted((folder / tag).glob("*.json"))) for tag in LANGUAGES}
        strings["en"] |= option_texts()
        return cls(strings)

    def __call__(self, text_id: str) -> Any:
        """A text that the browser will put into words; a string to Gradio.

        Raises:
            KeyError: No text has this id.
        """
        if text_id not in self.strings["en"]:
            raise KeyError(f"no text {text_id!r} in {FOLDER}")
        return gr.I18n()(text_id)

    def say(self, language: str, text_id: str, **values: object) -> str:
        """A text in words, with `{name}` replaced by `values`."""
        return self.strings.get(language, self.strings["en"])[text_id].format(**values)

    def has(self, text_id: str) -> bool:
        return text_id in self.strings["en"]

    def i18n(self) -> Any:
        """What Gradio hands to the browser: not the options' texts, which our own script draws."""
        return gr.I18n(
            **{tag: {name: text for name, text in strings.items() if not is_of_option(name)} for tag, strings in self.strings.items()}
        )


def _merge(files: Sequence[Path]) -> dict[str, str]:
    merged: dict[str, str] = {}
    for file in files:
        texts = json.loads(file.read_text(encoding="utf-8"))
        twice = merged.keys() & texts.keys()
        if twice:
            raise ValueError(f"{file.parent.name}/{file.name}: another file has these ids already: {', '.join(sorted(twice))}")
        merged |= texts
    return merged


def option_texts() -> dict[str, str]:
    """Labels and explanations of all options, in the English of their definitions."""
    fields = option_fields().values()
    labels = {f"option.{field.name}.label": field.label for field in fields}
    return labels | {f"option.{field.name}.help": field.help for field in fields if field.help}


def is_of_option(text_id: str) -> bool:
    return text_id.startswith("option.")


def choose_language(cookie: str | None, accepted: str | None) -> str:
    """The language of a visitor.

    Args:
        cookie: What was picked on the page, if anything.
        accepted: The browser's `Accept-Language` header.
    """
    if cookie in LANGUAGES:
        return str(cookie)
    for wish in (accepted or "").split(","):
        primary = wish.split(";")[0].strip().split("-")[0].casefold()
        for tag in LANGUAGES:
            if primary == tag.split("-")[0]:
                return tag
    return next(iter(LANGUAGES))


def language_of(request: gr.Request | None) -> str:
    """The language of the visitor behind a Gradio event."""
    if request is None or request.request is None:
        return next(iter(LANGUAGES))
    return choose_language(request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language"))
