"""Face: A1111's `modules.sd_samplers`."""

from __future__ import annotations

from modules.engine.samplers.table import SAMPLERS

all_samplers = [spec for _, spec in SAMPLERS.items()]
samplers_for_img2img = all_samplers

__all__ = ["all_samplers", "samplers_for_img2img"]
