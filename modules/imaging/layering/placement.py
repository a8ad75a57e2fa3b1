"""Where a layer lies on the canvas."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

Size = tuple[float, float]
"""Width and height at scale 1, canvas px."""

PLACES_PER_PX = 1024
"""Positions are told apart by this much, so that the rounding of many moves there and back does not count as a move."""
SCALE_DIGITS, ANGLE_DIGITS = 7, 6


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
        exact = self.snapped()
        is_upright = exact.rotation_deg == 0 and exact.scale_x == exact.scale_y == 1
        return is_upright and exact.left == int(exact.left) and exact.top == int(exact.top)

    def snapped(self) -> Placement:
        """The values that count: positions to 1/1024 px, scales to 1e-7, the angle to 1e-6 degrees and in [0, 360)."""
        return replace(
            self,
            left=round(self.left * PLACES_PER_PX) / PLACES_PER_PX,
            top=round(self.top * PLACES_PER_PX) / PLACES_PER_PX,
            scale_x=round(self.scale_x, SCALE_DIGITS),
            scale_y=round(self.scale_y, SCALE_DIGITS),
            rotation_deg=round(self.rotation_deg, ANGLE_DIGITS) % 360,
        )

    def middle(self, size: Size) -> tuple[float, float]:
        """Canvas px of the middle of a source that has this size at scale 1."""
        return self.left + size[0] / 2, self.top + size[1] / 2


def carry_along(placement: Placement, size: Size, before: Placement, after: Placement, of: Size) -> Placement:
    """Repeat the move of one layer with another, as if both were drawn on one sheet.

    A sheet that is stretched in one direction while the other layer is turned would shear it; there its own sides are stretched instead.

    Args:
        placement, size: The layer that is taken along, and its size at scale 1.
        before, after: The move of the layer that leads.
        of: That layer's size at scale 1.
    """
    if before == after:
        return placement
    mirrored = before.is_flipped_x != after.is_flipped_x, before.is_flipped_y != after.is_flipped_y
    across, down = after.scale_x / before.scale_x, after.scale_y / before.scale_y
    x, y = placement.middle(size)
    x0, y0 = before.middle(of)
    x1, y1 = after.middle(of)
    along_x, along_y = _turn(x - x0, y - y0, -before.rotation_deg)
    along_x, along_y = along_x * across * (-1 if mirrored[0] else 1), along_y * down * (-1 if mirrored[1] else 1)
    dx, dy = _turn(along_x, along_y, after.rotation_deg)
    inner = placement.rotation_deg - before.rotation_deg
    share = abs(math.cos(math.radians(inner)))
    inner = -inner if mirrored[0] != mirrored[1] else inner
    own_x, own_y = math.hypot(across * share, down * math.sqrt(1 - share**2)), math.hypot(down * share, across * math.sqrt(1 - share**2))
    if across == down:
        own_x = own_y = across
    return Placement(
        left=_clean(x1 + dx - size[0] / 2),
        top=_clean(y1 + dy - size[1] / 2),
        scale_x=_clean(placement.scale_x * own_x),
        scale_y=_clean(placement.scale_y * own_y),
        rotation_deg=_clean(inner + after.rotation_deg),
        is_flipped_x=placement.is_flipped_x != mirrored[0],
        is_flipped_y=placement.is_flipped_y != mirrored[1],
    )


def _turn(x: float, y: float, angle_deg: float) -> tuple[float, float]:
    angle = math.radians(angle_deg)
    return x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle)


def _clean(value: float) -> float:
    return round(value, 9)
