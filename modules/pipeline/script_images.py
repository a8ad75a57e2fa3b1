"""Functions that scripts call on `modules.masking` and `modules.processing`, with A1111's parameters, over our own imaging."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from modules.imaging.color import correct_color, correction_target
from modules.imaging.compose import paste_back, place_patch
from modules.imaging.fills import fill_from_edges
from modules.imaging.geometry import Box, Extent
from modules.imaging.masks import expand_crop_box, find_crop_box, to_mask
from modules.imaging.picture import flatten
from modules.pipeline.context import RUNNING
from modules.settings.options import Options

CropRegion = tuple[int, int, int, int]


def get_crop_region(mask: Image.Image | np.ndarray, pad: int = 0) -> CropRegion | None:
    """(left, top, right, bottom) of what a mask (PIL or uint8 array) covers, padded; None for an empty mask."""
    picture = mask if isinstance(mask, Image.Image) else Image.fromarray(mask)
    box = find_crop_box(picture.convert("L"), pad)
    return None if box is None else box.edges


def expand_crop_region(
    crop_region: CropRegion, processing_width: int, processing_height: int, image_width: int, image_height: int
) -> CropRegion:
    """`crop_region` grown towards the shape that is worked on, within the picture."""
    working, picture = Extent(processing_width, processing_height), Extent(image_width, image_height)
    return expand_crop_box(Box.from_edges(*crop_region), working, picture).edges


def fill(image: Image.Image, mask: Image.Image) -> Image.Image:
    """RGB `image`, its masked part filled with the colours around."""
    return fill_from_edges(image, mask)


def create_binary_mask(image: Image.Image, round: bool = True) -> Image.Image:
    """The grey mask in a picture: its alpha where it has transparency, thresholded if `round`; else its luminance."""
    return to_mask(image, round)


def setup_color_correction(image: Image.Image) -> np.ndarray:
    """What `apply_color_correction` aims at; a value for `p.color_corrections`."""
    running = RUNNING.get()
    options = running.options if running is not None else Options()
    return correction_target(flatten(image, options.img2img_background_color))


def apply_color_correction(correction: np.ndarray, original_image: Image.Image) -> Image.Image:
    """The image with the colours of `setup_color_correction(...)`, and its own luminosity."""
    return correct_color(correction, original_image)


def uncrop(image: Image.Image, dest_size: Sequence[int], paste_loc: Sequence[int]) -> Image.Image:
    """A result on its place on a transparent canvas (RGBA).

    Args:
        image: The result.
        dest_size: (width, height) of the canvas.
        paste_loc: (x, y, width, height) of the result there.
    """
    return place_patch(image, Box(*paste_loc), Extent(*dest_size))


def apply_overlay(image: Image.Image, paste_loc: Sequence[int] | None, overlay: Image.Image | None) -> tuple[Image.Image, Image.Image]:
    """Lay `overlay` (RGBA) over a result.

    Args:
        image: RGB.
        paste_loc: (x, y, width, height) of the result on the overlay's canvas; None = it is the whole canvas.
        overlay: None = the image stays as it is.

    Returns:
        The finished picture, and the result alone on the canvas.
    """
    if overlay is None:
        return image, image.copy()
    box, canvas = Box(*paste_loc) if paste_loc is not None else None, Extent(*overlay.size)
    return paste_back(image, overlay, box, canvas), paste_back(image, None, box, canvas)
