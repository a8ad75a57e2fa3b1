"""Functions that scripts call on `modules.images` and that go by the options, with A1111's parameters, over our own imaging."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from modules.imaging.geometry import Extent
from modules.imaging.grid import choose_rows
from modules.imaging.resize import resize_image as resize
from modules.pipeline.contact_sheet import lay_out_grid
from modules.pipeline.context import RUNNING
from modules.runtime.shared_objects import OPTS, find_upscaler


def resize_image(resize_mode: int, im: Image.Image, width: int, height: int, upscaler_name: str | None = None) -> Image.Image:
    """`im` at `width` x `height`: 0 stretch, 1 crop, others fill; enlarged by the named upscaler, None = the option's."""
    upscaler = find_upscaler(upscaler_name or OPTS.upscaler_for_img2img)
    return resize(resize_mode, im, Extent(int(width), int(height)), upscaler)


def image_grid(imgs: Sequence[Image.Image], batch_size: int = 1, rows: int | None = None) -> Image.Image:
    """A contact sheet; without `rows`, as many as the options say."""
    count = len(imgs)
    wanted = choose_rows(count, OPTS.n_rows, batch_size, is_gapless=OPTS.grid_prevent_empty_spots) if rows is None else rows
    return lay_out_grid(RUNNING.get(), imgs, wanted)
