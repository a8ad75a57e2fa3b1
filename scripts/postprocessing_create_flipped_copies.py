"""Create flipped copies: mirrored, upside down, or both, beside the picture."""

from __future__ import annotations

from typing import Any

import gradio as gr
from PIL.Image import Transpose

from modules import scripts_postprocessing
from modules.errors import to_choices
from modules.ui_components import InputAccordion

WAYS = {"Horizontal": Transpose.FLIP_LEFT_RIGHT, "Vertical": Transpose.FLIP_TOP_BOTTOM, "Both": Transpose.ROTATE_180}


class ScriptPostprocessingCreateFlippedCopies(scripts_postprocessing.ScriptPostprocessing):
    name = "Create flipped copies"
    order = 4030

    def ui(self) -> dict[str, Any]:
        with InputAccordion(False, label="Create flipped copies", elem_id="extras_flipped_copies") as enable:
            option = gr.CheckboxGroup(list(WAYS), value=["Horizontal"], label="Directions", elem_id="extras_flip_directions")
        return {"enable": enable, "option": option}

    def process(self, pp: scripts_postprocessing.PostprocessedImage, enable: bool, option: Any) -> None:
        if enable:
            pp.extra_images += [pp.image.transpose(WAYS[name]) for name in to_choices("option", option or [], list(WAYS))]
