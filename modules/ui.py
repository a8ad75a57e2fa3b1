"""Face: A1111's `modules.ui`."""

from __future__ import annotations

from typing import Any

from modules.runtime.face_calls.infotexts import BINDINGS
from modules.runtime.face_calls.running import wrap_gradio_call, wrap_gradio_gpu_call
from modules.web.ui.bridge.parts import (
    SYMBOLS,
    create_output_panel,
    create_refresh_button,
    gr_show,
    plaintext_to_html,
    setup_dialog,
)
from modules.web.ui.bridge.widgets import FormGroup, FormHTML, FormRow, InputAccordion, ToolButton

__all__ = [
    "FormGroup",
    "FormHTML",
    "FormRow",
    "InputAccordion",
    "ToolButton",
    "create_output_panel",
    "create_refresh_button",
    "gr_show",
    "plaintext_to_html",
    "setup_dialog",
    "wrap_gradio_call",
    "wrap_gradio_gpu_call",
]


def __getattr__(name: str) -> Any:
    if name in SYMBOLS:
        return SYMBOLS[name]
    if name in ("txt2img_paste_fields", "img2img_paste_fields"):
        return BINDINGS.fields(name.removesuffix("_paste_fields"))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
