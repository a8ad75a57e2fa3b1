"""Face: A1111's `modules.masking`."""

from __future__ import annotations

from modules.pipeline.script_images import expand_crop_region, fill, get_crop_region

get_crop_region_v2 = get_crop_region

__all__ = ["expand_crop_region", "fill", "get_crop_region", "get_crop_region_v2"]
