"""Face: A1111's `modules.initialize`."""

from __future__ import annotations

from modules.runtime.face_calls.answers import accept

imports = initialize = initialize_rest = check_versions = accept
