"""Face: A1111's `modules.ui_common`."""

from __future__ import annotations

from typing import Any

from modules.web.ui.bridge.parts import (
    SYMBOLS,
    OutputPanel,
    create_output_panel,
    create_refresh_button,
    open_folder,
    plaintext_to_html,
    setup_dialog,
)
from modules.web.ui.bridge.widgets import ToolButton

__all__ = [
    "OutputPanel",
    "ToolButton",
    "create_output_panel",
    "create_refresh_button",
    "open_folder",
    "plaintext_to_html",
    "setup_dialog",
]


def __getattr__(name: str) -> Any:
    if name in SYMBOLS:
        return SYMBOLS[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
