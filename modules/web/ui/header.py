"""The strip on top: name, checkpoint, language, light or dark."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

import gradio as gr

from modules.web.ui.texts import LANGUAGES, Texts

BRAND = """<div class="pm-brand" aria-label="Pentimento"><svg viewBox="0 0 32 32" aria-hidden="true">
<rect x="2" y="2" width="28" height="28" rx="7" fill="var(--primary-600)"/>
<path d="M8 21c4-9 7 3 10-5 1.4-3.6 3.4-5 6-5" fill="none" stroke="#fff" stroke-opacity=".45" stroke-width="3.4" stroke-linecap="round"/>
<path d="M8 24c5-9 8 2 11-6 1.4-3.6 2.8-4.6 5-4.6" fill="none" stroke="#fff" stroke-width="2.2" stroke-linecap="round"/></svg>
<strong>Pentimento</strong></div>"""


@dataclass(frozen=True)
class Header:
    """Widgets of the strip.

    Attributes:
        language_changed: Nobody sees it; the page clicks it after another language was picked, so that the server may say its texts anew.
    """

    checkpoint: Any
    refresh: Any
    language: Any
    language_changed: Any
    theme: Any


def build_header(texts: Texts) -> Header:
    """Lay out the strip; the checkpoint list is filled when the page loads."""
    with gr.Row(elem_id="quicksettings", elem_classes="pm-header"):
        gr.HTML(BRAND, elem_id="pm_brand")
        checkpoint = gr.Dropdown(
            [], value=None, label=texts("form.checkpoint"), show_label=False, allow_custom_value=True, container=False, scale=3,
            min_width=180, elem_id="setting_sd_model_checkpoint",
        )  # fmt: skip
        icon: dict[str, Any] = {"size": "sm", "elem_classes": "pm-icon", "min_width": 36, "scale": 0}
        refresh = gr.Button(texts("header.refresh"), elem_id="refresh_sd_model_checkpoint", **icon)
        language = gr.HTML(_language_links(), elem_id="pm_language")
        language_changed = gr.Button("", elem_id="pm_language_changed", elem_classes="pm-hidden")
        theme = gr.Button(texts("theme.system"), elem_id="pm_theme", **icon)
    return Header(checkpoint, refresh, language, language_changed, theme)


def _language_links() -> str:
    links = (f'<button type="button" data-language="{tag}" lang="{tag}">{html.escape(name)}</button>' for tag, name in LANGUAGES.items())
    return f'<div class="pm-language" role="group" aria-label="Language · 语言">{"".join(links)}</div>'
