"""The tab "Settings": a place that `assets/js/settings.js` fills from the option definitions when it is first opened."""

from __future__ import annotations

import gradio as gr

from modules.web.ui.texts import Texts


def build_settings(texts: Texts) -> None:
    """Lay the tab out, within the page's `gr.Tabs`. Its widgets are the browser's own: they cost the page nothing until they are seen."""
    with gr.Tab(texts("settings.tab"), id="settings", elem_id="settings"):
        gr.HTML('<div id="pm_settings"></div>', elem_id="settings_page", padding=False)
