"""Face: A1111's `modules.extensions`."""

from __future__ import annotations

from typing import Any

from modules.plugins.extensions import Extension
from modules.runtime.face_calls.extension_list import active, find_extensions_name, list_extensions


def __getattr__(name: str) -> Any:
    return find_extensions_name(__name__, name)
