"""Face: A1111's `modules.scripts_postprocessing`."""

from __future__ import annotations

from modules.plugins.postprocessing import (
    PostprocessedImage,
    PostprocessedImageSharedInfo,
    ScriptPostprocessing,
    ScriptPostprocessingRunner,
)

__all__ = ["PostprocessedImage", "PostprocessedImageSharedInfo", "ScriptPostprocessing", "ScriptPostprocessingRunner"]
