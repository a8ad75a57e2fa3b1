"""Face: A1111's `modules.script_loading`."""

from __future__ import annotations

from modules.runtime.face_calls.answers import accept
from modules.runtime.face_calls.script_files import load_module

preload_extensions = accept
