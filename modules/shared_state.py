"""Face: A1111's `modules.shared_state`."""

from __future__ import annotations

from modules.runtime.shared_state import SharedState as State
