"""Face: A1111's `modules.postprocessing`."""

from __future__ import annotations

from modules.runtime.extras.calls import run_extras

__all__ = ["run_extras"]
