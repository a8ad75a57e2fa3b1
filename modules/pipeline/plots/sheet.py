"""Contact sheets of runs: how large one will be, and what stands in for pictures that were not made."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from modules.base.errors import InvalidRequest
from modules.imaging.resize import ResizeMode
from modules.pipeline.processing import StableDiffusionProcessingImg2Img

MISSING = "#b3b3b3"


def cell_size(p: StableDiffusionProcessingImg2Img) -> tuple[int, int]:
    """(width, height) in px of what `p` will make, as far as it is known before."""
    is_as_the_start = (p.image_mask is not None and p.inpaint_full_res) or p.resize_mode == ResizeMode.LATENT
    return p.init_images[0].size if is_as_the_start and p.init_images else (int(p.width), int(p.height))


def check_sheet(p: StableDiffusionProcessingImg2Img, columns: int, rows: int, sheets: int = 1, margin: int = 0) -> None:
    """See that the picture of a plot stays within the option `img_max_size_mp`.

    Args:
        p: The largest of the runs.
        columns, rows: Of one sheet, in cells.
        sheets: Side by side.
        margin: Between cells, px.

    Raises:
        InvalidRequest: It would be larger.
    """
    limit_mp = p.options.img_max_size_mp
    width, height = cell_size(p)
    size_mp = (columns * width + margin * (columns - 1)) * (rows * height + margin * (rows - 1)) * sheets / 1e6
    if size_mp > limit_mp:
        cells = f"{columns * rows * sheets} pictures of {width}x{height} px"
        raise InvalidRequest("grid", cells, f"a grid of at most {limit_mp:g} megapixels (option img_max_size_mp), not {size_mp:.0f}")


def fill_up(pictures: Sequence[Image.Image], count: int) -> list[Image.Image]:
    """`count` pictures: plain grey for those at the end that were not made."""
    made = list(pictures[:count])
    return made + [Image.new("RGB", made[0].size, MISSING) for _ in range(count - len(made))]
