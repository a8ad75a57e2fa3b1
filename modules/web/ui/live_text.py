"""Texts inside HTML that the server makes: said in the language of the request, and put into another by the browser when it changes."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass, field
from typing import Any

from modules.web.ui.texts import Texts


@dataclass(frozen=True)
class Words:
    """A text by id, with what fills its gaps; that may be `Words` again: "Done in {time}" with "{s} s"."""

    text_id: str
    values: dict[str, Any] = field(default_factory=dict)

    def say(self, texts: Texts, language: str) -> str:
        """In words."""
        said = {name: value.say(texts, language) if isinstance(value, Words) else value for name, value in self.values.items()}
        return texts.say(language, self.text_id, **said)

    def as_json(self) -> dict[str, Any]:
        """For `assets/js/live_text.js`."""
        return {
            name: {"text": value.text_id, "values": value.as_json()} if isinstance(value, Words) else value
            for name, value in self.values.items()
        }


def live(texts: Texts, language: str, text_id: str, **values: object) -> str:
    """HTML of a text that follows the page's language; `assets/js/live_text.js` does the following."""
    return live_words(texts, language, Words(text_id, values))


def live_words(texts: Texts, language: str, words: Words | str) -> str:
    """HTML of words that follow the page's language; a plain string stays as it is."""
    if isinstance(words, str):
        return html.escape(words)
    said = html.escape(words.say(texts, language))
    values = words.as_json()
    gaps = f' data-values="{html.escape(json.dumps(values, ensure_ascii=False, default=str))}"' if values else ""
    return f'<span data-text="{html.escape(words.text_id)}"{gaps}>{said}</span>'
