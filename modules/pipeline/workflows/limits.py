"""How large what flows along links may become: one widget can ask for terabytes, and nodes in a row double what they are given."""

from __future__ import annotations

from modules.base.errors import InvalidRequest
from modules.imaging.picture import MAX_PIXELS
from modules.pipeline.plan import MAX_WORKING_AREA_PX

MAX_SAMPLED_PX = 8 * MAX_WORKING_AREA_PX
"""In a batch: all of it goes through the model at once."""
CELL_AREA_PX = 64


def check_pixels(count: int, height: int, width: int, *, field: str = "width") -> None:
    """Refuse batches of pictures or masks of more than `MAX_PIXELS` pixels in all.

    Raises:
        InvalidRequest: Says what was asked for.
    """
    if count * height * width > MAX_PIXELS:
        _refuse(field, count, height, width, MAX_PIXELS)


def check_latents(count: int, rows: int, columns: int, *, field: str = "width") -> None:
    """Refuse latents that nothing could be done with: pictures of more than `MAX_WORKING_AREA_PX`, or too many of them.

    Raises:
        InvalidRequest: Says which pictures they are of.
    """
    area = rows * columns * CELL_AREA_PX
    if area > MAX_WORKING_AREA_PX:
        _refuse(field, 1, rows * 8, columns * 8, MAX_WORKING_AREA_PX)
    if count * area > MAX_SAMPLED_PX:
        _refuse(field, count, rows * 8, columns * 8, MAX_SAMPLED_PX)


def _refuse(field: str, count: int, height: int, width: int, most: int) -> None:
    raise InvalidRequest(field, f"{count} x {width}x{height} px" if count > 1 else f"{width}x{height} px", f"at most {most} pixels in all")
