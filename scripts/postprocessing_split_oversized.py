"""Split oversized images: cut what is much longer than the target into overlapping parts of the target's proportions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import gradio as gr
from PIL import Image

from modules import scripts_postprocessing
from modules.errors import to_number
from modules.ui_components import FormRow, InputAccordion

DEFAULT_SIDE_PX = 512


def split(picture: Image.Image, width: int, height: int, overlap: float) -> Iterator[Image.Image]:
    """Parts of `width` x `height` px along the longer side, evenly spread, which overlap by the share `overlap` or more."""
    is_tall = picture.height * width > picture.width * height
    scale = width / picture.width if is_tall else height / picture.height
    whole = picture.resize((max(width, round(picture.width * scale)), max(height, round(picture.height * scale))), Image.Resampling.LANCZOS)
    length, part = (whole.height, height) if is_tall else (whole.width, width)
    count = max(1, math.ceil((length - part * overlap) / (part * (1 - overlap))))
    step = (length - part) / (count - 1) if count > 1 else 0.0
    for number in range(count):
        start = int(step * number)
        box = (0, start, width, start + height) if is_tall else (start, 0, start + width, height)
        yield whole.crop(box)


class ScriptPostprocessingSplitOversized(scripts_postprocessing.ScriptPostprocessing):
    name = "Split oversized images"
    order = 4000

    def ui(self) -> dict[str, Any]:
        with InputAccordion(False, label="Split oversized images", elem_id="extras_split_oversized") as enable, FormRow():
            threshold = gr.Slider(0, 1, value=0.5, step=0.05, label="Threshold", elem_id="postprocess_split_threshold")
            overlap = gr.Slider(0, 0.9, value=0.2, step=0.05, label="Overlap ratio", elem_id="postprocess_overlap_ratio")
        return {"enable": enable, "split_threshold": threshold, "overlap_ratio": overlap}

    def process(self, pp: scripts_postprocessing.PostprocessedImage, enable: bool, split_threshold: float, overlap_ratio: float) -> None:
        if not enable:
            return
        threshold = to_number("split_threshold", split_threshold, 0, 1)
        overlap = to_number("overlap_ratio", overlap_ratio, 0, 0.9)
        width, height = pp.shared.target_width or DEFAULT_SIDE_PX, pp.shared.target_height or DEFAULT_SIDE_PX
        ratio = (pp.image.height * width) / (pp.image.width * height)
        if 1 > threshold >= min(ratio, 1 / ratio):
            first, *others = split(pp.image, width, height, overlap)
            pp.image = first
            pp.extra_images += [pp.create_copy(other, nametags=[f"split-{number}"]) for number, other in enumerate(others, 2)]
