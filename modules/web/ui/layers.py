"""The tab of the layers, laid out: the browser draws it (`assets/js/layers.js`) from `/api/layers`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from modules.web.ui.texts import Texts

LAYERS = "layers"
"""The tab's id, and where the history sends a picture to."""
MOUNT = "window.pentimentoLayersBridge = { props, trigger }; watch('value', () => window.pentimento?.hearLayers?.());"


@dataclass(frozen=True)
class LayersTab:
    """Widgets of the tab.

    Attributes:
        tab: The tab itself.
        bridge: Hidden. As output it says what the tab shall take: {"asset", "name", "at"}; its `submit` event says what the studio shall
            open: {"picture", "mask"}, a layer that is to be repainted.
    """

    tab: Any
    bridge: Any


def build_layers(texts: Texts) -> LayersTab:
    """Lay the tab out, within the page's `gr.Tabs`."""
    with gr.Tab(texts("layers.tab"), id=LAYERS, elem_id="tab_layers") as tab:
        gr.HTML('<div id="pm_layers" role="region" data-verbatim></div>', apply_default_css=False, elem_id="layers_place")
        bridge = gr.HTML(
            value=None, html_template="", js_on_load=MOUNT, apply_default_css=False, elem_id="layers_bridge", elem_classes="pm-hidden"
        )
    return LayersTab(tab, bridge)
