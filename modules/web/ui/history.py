"""The tab of the history, laid out: the browser draws it (`assets/js/history.js`) from `/api/history`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from modules.web.ui.texts import Texts

MOUNT = "window.pentimentoHistoryBridge = { props, trigger };"


@dataclass(frozen=True)
class HistoryTab:
    """Widgets of the tab.

    Attributes:
        tab: The tab itself.
        bridge: Hidden; its `submit` event says what the studio shall open: {"entry": id}, everything that it was made from; with "mode",
            its picture in the tab of that mode.
    """

    tab: Any
    bridge: Any


def build_history(texts: Texts) -> HistoryTab:
    """Lay the tab out, within the page's `gr.Tabs`."""
    with gr.Tab(texts("history.tab"), id="history", elem_id="tab_history") as tab:
        gr.HTML('<div id="pm_history" role="region" data-verbatim></div>', apply_default_css=False, elem_id="history_place")
        bridge = gr.HTML(
            value=None, html_template="", js_on_load=MOUNT, apply_default_css=False, elem_id="history_bridge", elem_classes="pm-hidden"
        )
    return HistoryTab(tab, bridge)
