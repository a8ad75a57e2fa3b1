"""Face: overlapping tiles, and noise that they share, for scripts that repaint a picture part by part."""

from __future__ import annotations

from modules.imaging.geometry import Box, Extent
from modules.imaging.tiling import blend_tiles, keep_tones, plan_tiles
from modules.pipeline.tile_noise import share_noise

__all__ = ["Box", "Extent", "blend_tiles", "keep_tones", "plan_tiles", "share_noise"]
