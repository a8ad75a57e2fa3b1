"""Face: A1111's `modules.gradio_extensons`, so spelled: what it taught Gradio, extensions find taught before they are loaded."""

from __future__ import annotations

from gradio.components import Component as IOComponent

from modules.web.ui.bridge.gradio3 import apply_bridge
from modules.web.ui.bridge.widgets import FormComponent

__all__ = ["FormComponent", "IOComponent", "apply_bridge"]
