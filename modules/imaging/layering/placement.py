"""Where a layer lies on the canvas."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Placement:
    """An affine placement in absolute values, so that going back to old values gives the old picture to the bit.

    The source is flipped, scaled and turned about its own middle; then its middle lies at `(left + width / 2, top + height / 2)`,
    with the width and height that it has at scale 1.

    Attributes:
        left, top: Canvas px; where the corner of the untouched source lies.
        scale_x, scale_y: > 0.
        rotation_deg: Clockwise.
        is_flipped_x, is_flipped_y: Mirrored left to right, and top to bottom.
    """

    left: float = 0.0
    top: float = 0.0
    scale_x: float = 1.0
    scale_y: float = 1.0
    rotation_deg: float = 0.0
    is_flipped_x: bool = False
    is_flipped_y: bool = False

    @property
    def keeps_pixels(self) -> bool:
        """Whether every source pixel lands on one canvas pixel: nothing is resampled."""
        is_upright = self.rotation_deg % 360 == 0 and self.scale_x == self.scale_y == 1
        return is_upright and self.left == int(self.left) and self.top == int(self.top)
