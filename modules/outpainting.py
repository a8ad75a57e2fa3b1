"""Face: margins, masks and start noise for scripts that paint outwards."""

from __future__ import annotations

from modules.imaging.geometry import Extent
from modules.imaging.matched_noise import matched_noise
from modules.imaging.outpainting import DIRECTIONS, Margins, extend_picture, make_keeping_mask, round_up

__all__ = ["DIRECTIONS", "Extent", "Margins", "extend_picture", "make_keeping_mask", "matched_noise", "round_up"]
