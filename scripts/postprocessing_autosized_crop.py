"""Auto-sized crop: the middle of a picture, at the size that fits its proportions best."""

from __future__ import annotations

from typing import Any

import gradio as gr
from PIL import Image, ImageOps

from modules import scripts_postprocessing
from modules.errors import to_number, to_whole
from modules.ui_components import FormRow, InputAccordion

STEP_PX, MAX_SIDE_PX = 64, 8192
OBJECTIVES = ["Maximize area", "Minimize error"]


def best_size(picture: Image.Image, sides: tuple[int, int], areas: tuple[int, int], objective: str, threshold: float) -> Any:
    """Width and height in px, multiples of 64 from the shortest side; None where no size is good enough.

    Args:
        sides, areas: Least and most, in px.
        threshold: Most that the proportions may be off, 0 to 1.
    """

    def miss(width: int, height: int) -> float:
        ratio = (picture.width * height) / (picture.height * width)
        return 1 - min(ratio, 1 / ratio)

    lengths = range(sides[0], sides[1] + 1, STEP_PX)
    fitting = [(w, h) for w in lengths for h in lengths if areas[0] <= w * h <= areas[1] and miss(w, h) <= threshold]
    largest_first = objective != OBJECTIVES[1]

    def worth(size: tuple[int, int]) -> tuple[float, float]:
        area, fit = float(size[0] * size[1]), -miss(*size)
        return (area, fit) if largest_first else (fit, area)

    return max(fitting, key=worth, default=None)


class ScriptPostprocessingAutosizedCrop(scripts_postprocessing.ScriptPostprocessing):
    name = "Auto-sized crop"
    order = 4020

    def ui(self) -> dict[str, Any]:
        with InputAccordion(False, label="Auto-sized crop", elem_id="extras_autosized_crop") as enable:
            with FormRow():
                shortest = gr.Slider(64, 2048, value=384, step=8, label="Shortest side", elem_id="postprocess_multicrop_mindim")
                longest = gr.Slider(64, 2048, value=768, step=8, label="Longest side", elem_id="postprocess_multicrop_maxdim")
            with FormRow():
                least = gr.Slider(4096, 4194304, value=4096, step=1, label="Least area", elem_id="postprocess_multicrop_minarea")
                most = gr.Slider(4096, 4194304, value=409600, step=1, label="Largest area", elem_id="postprocess_multicrop_maxarea")
            with FormRow():
                objective = gr.Radio(OBJECTIVES, value=OBJECTIVES[0], label="Objective", elem_id="postprocess_multicrop_objective")
                threshold = gr.Slider(0, 1, value=0.1, step=0.01, label="Error threshold", elem_id="postprocess_multicrop_threshold")
        return {
            "enable": enable, "mindim": shortest, "maxdim": longest, "minarea": least, "maxarea": most, "objective": objective,
            "threshold": threshold,
        }  # fmt: skip

    def process(self, pp: scripts_postprocessing.PostprocessedImage, enable: bool, **args: Any) -> None:
        if not enable:
            return
        sides = to_whole("mindim", args["mindim"], STEP_PX, MAX_SIDE_PX), to_whole("maxdim", args["maxdim"], STEP_PX, MAX_SIDE_PX)
        areas = to_whole("minarea", args["minarea"], 1), to_whole("maxarea", args["maxarea"], 1)
        size = best_size(pp.image, sides, areas, str(args["objective"]), to_number("threshold", args["threshold"], 0, 1))
        if size is not None:
            pp.image = ImageOps.fit(pp.image, size, Image.Resampling.LANCZOS)
            pp.info["Postprocess crop to"] = f"{size[0]}x{size[1]}"
