"""The tab "Extensions": a place that `assets/js/extensions.js` fills from `/api/extensions` when it is opened."""

from __future__ import annotations

import gradio as gr

from modules.web.ui.texts import Texts


def build_extensions(texts: Texts) -> None:
    """Lay the tab out, within the page's `gr.Tabs`."""
    with gr.Tab(texts("extensions.tab"), id="extensions", elem_id="tab_extensions"):
        gr.HTML('<div id="pm_extensions"></div>', elem_id="extensions_page", padding=False)
