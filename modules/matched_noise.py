"""Face: noise that continues a picture, for scripts that paint outwards."""

from __future__ import annotations

from modules.imaging.matched_noise import matched_noise

__all__ = ["matched_noise"]
