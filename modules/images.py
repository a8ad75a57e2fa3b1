"""Face: A1111's `modules.images`."""

from __future__ import annotations

from PIL.Image import Resampling

from modules.imaging.grid import Grid, combine_grid, split_grid
from modules.imaging.grid_legend import GridAnnotation, draw_grid_annotations, draw_prompt_matrix
from modules.imaging.metadata import keep_profile
from modules.imaging.metadata import read_infotext as read_info_from_image
from modules.imaging.picture import flatten
from modules.imaging.saving import next_number as get_next_sequence_number
from modules.runtime.face_calls.file_names import (
    FilenameGenerator,
    fix_image,
    get_font,
    image_data,
    invalid_filename_chars,
    max_filename_part_length,
    read,
    sanitize_filename_part,
    save_image_with_geninfo,
)
from modules.runtime.image_calls import image_grid, resize_image
from modules.runtime.image_saving import save_image

LANCZOS = Resampling.LANCZOS
