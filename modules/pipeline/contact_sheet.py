"""Grids of results, which callbacks may lay out otherwise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from PIL.Image import Image

from modules.imaging.grid import make_grid
from modules.plugins.callbacks import CALLBACKS
from modules.plugins.hook_arguments import ImageGridLoopParams


def lay_out_grid(p: Any, images: Sequence[Image], rows: int, background: str = "#ffffff") -> Image:
    """A contact sheet of so many rows, unless a callback changes its pictures, columns or rows.

    Args:
        p: The job that the grid belongs to, or None.
    """
    rows = max(1, min(rows, len(images)))
    params = ImageGridLoopParams(list(images), math.ceil(len(images) / rows), rows)
    CALLBACKS.call_in_job(p, "on_image_grid", params)
    return make_grid(params.imgs, params.rows, background, params.cols)
