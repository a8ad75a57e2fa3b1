"""Face: A1111's `modules.devices`."""

from __future__ import annotations

from modules.engine.devices import NansException, torch_gc

__all__ = ["NansException", "torch_gc"]
