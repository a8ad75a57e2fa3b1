"""Face: A1111's `modules.paths`."""

from __future__ import annotations

from typing import Any

from modules.runtime.face_calls.places import find_place


def __getattr__(name: str) -> Any:
    return find_place(__name__, name)
