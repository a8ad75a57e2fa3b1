"""Face: A1111's `modules.images`."""

from __future__ import annotations

from PIL.Image import Resampling

from modules.imaging.grid import Grid, combine_grid, split_grid
from modules.imaging.grid_legend import GridAnnotation, draw_grid_annotations, draw_prompt_matrix
from modules.imaging.metadata import keep_profile
from modules.imaging.metadata import read_infotext as read_info_from_image
from modules.imaging.picture import flatten
from modules.imaging.saving import next_number as get_next_sequence_number
from modules.runtime.image_calls import image_grid, resize_image
from modules.runtime.image_saving import save_image

LANCZOS = Resampling.LANCZOS

__all__ = [
    "LANCZOS",
    "Grid",
    "GridAnnotation",
    "combine_grid",
    "draw_grid_annotations",
    "draw_prompt_matrix",
    "flatten",
    "get_next_sequence_number",
    "image_grid",
    "keep_profile",
    "read_info_from_image",
    "resize_image",
    "save_image",
    "split_grid",
]
