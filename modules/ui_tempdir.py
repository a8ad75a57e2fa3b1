"""Face: A1111's `modules.ui_tempdir`."""

from __future__ import annotations

from modules.web.ui.bridge.parts import register_tmp_file, save_pil_to_file

__all__ = ["register_tmp_file", "save_pil_to_file"]
