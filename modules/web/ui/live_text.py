"""Texts inside HTML that the server makes: said in the language of the request, and put into another by the browser when it changes."""

from __future__ import annotations

import html
import json

from modules.web.ui.texts import Texts


def live(texts: Texts, language: str, text_id: str, **values: object) -> str:
    """HTML of a text that follows the page's language; `assets/js/live_text.js` does the following."""
    said = html.escape(texts.say(language, text_id, **values))
    gaps = f' data-values="{html.escape(json.dumps(values, ensure_ascii=False, default=str))}"' if values else ""
    return f'<span data-text="{html.escape(text_id)}"{gaps}>{said}</span>'
