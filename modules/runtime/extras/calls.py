"""What scripts call on `modules.scripts` and `modules.postprocessing` to enlarge a picture, with A1111's parameters."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from PIL import Image

from modules.base.errors import InvalidRequest
from modules.imaging.picture import open_picture
from modules.runtime.extras.source import ExtrasSource
from modules.runtime.extras.task import KIND
from modules.runtime.shared_objects import SHARED

OWNER = "scripts"


def loaded_postprocessing() -> Any:
    """The runner of post-processing scripts; None before a session is there, and to scripts that are being loaded."""
    if not SHARED.is_bound or SHARED.session.library.is_loading_here:
        return None
    return SHARED.session.extras.runner


def run_extras(
    extras_mode: int,
    resize_mode: int,
    image: Image.Image | None,
    image_folder: Sequence[Image.Image] = (),
    input_dir: str = "",
    output_dir: str = "",
    show_extras_results: bool = True,
    gfpgan_visibility: float = 0,
    codeformer_visibility: float = 0,
    codeformer_weight: float = 0,
    upscaling_resize: float = 2,
    upscaling_resize_w: int = 512,
    upscaling_resize_h: int = 512,
    upscaling_crop: bool = True,
    extras_upscaler_1: str = "None",
    extras_upscaler_2: str = "None",
    extras_upscaler_2_visibility: float = 0,
    upscale_first: bool = False,
    save_output: bool = True,
    max_side_length: int = 0,
) -> tuple[list[Image.Image], str, str]:
    """Enlarge a picture (`extras_mode` 0) or several (1), as a job; waits for it, and must not be called from within one.

    Returns:
        Results, HTML that says what was done, and nothing.

    Raises:
        InvalidRequest: Face restoration, or a folder (2), was asked for; or a value cannot be used.
    """
    if gfpgan_visibility or codeformer_visibility:
        raise InvalidRequest("gfpgan_visibility", gfpgan_visibility or codeformer_visibility, "0: this version has no face restoration")
    if extras_mode not in (0, 1):
        raise InvalidRequest("extras_mode", extras_mode, "0 (one picture) or 1 (several)")
    upscale = {
        "upscale_enabled": True, "upscale_mode": resize_mode, "upscale_by": upscaling_resize, "max_side_length": max_side_length,
        "upscale_to_width": upscaling_resize_w, "upscale_to_height": upscaling_resize_h, "upscale_crop": upscaling_crop,
        "upscaler_1_name": extras_upscaler_1, "upscaler_2_name": extras_upscaler_2, "upscaler_2_visibility": extras_upscaler_2_visibility,
    }  # fmt: skip
    session = SHARED.session
    given = [image] if extras_mode == 0 else list(image_folder)
    sources = [ExtrasSource(picture=open_picture(one)) for one in given if one is not None]
    task = session.extras.task(sources, {"Upscale": upscale}, session.extras.folder() if save_output else None)
    job = session.submit(task, OWNER, kind=KIND)
    job.wait()
    result = job.outcome()
    made = [] if result is None else result.made
    return list(result.images) if made else [], f"<p>{html.escape(made[-1].done if made else '')}</p>", ""
