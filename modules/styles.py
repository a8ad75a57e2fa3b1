"""Face: A1111's `modules.styles`."""

from __future__ import annotations

from modules.pipeline.styles import Style as PromptStyle
from modules.pipeline.styles import merge as merge_prompts
from modules.runtime.face_calls.styles import StyleDatabase
from modules.runtime.face_calls.styles import merge_styles as apply_styles_to_prompt
