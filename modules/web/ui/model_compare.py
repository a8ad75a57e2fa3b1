"""Comparing checkpoints, laid out: a second one to run the form's request on, and what the gallery is told of the pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from modules.web.ui.texts import Texts


@dataclass(frozen=True)
class ModelCompare:
    """Widgets of the fold-out.

    Attributes:
        other: Title of the second checkpoint; the first is the page's own.
    """

    place: Any
    other: Any
    start: Any


def build_model_compare(texts: Texts) -> ModelCompare:
    """Lay it out; the list is filled when it is opened."""
    with gr.Accordion(texts("versus.title"), open=False, elem_id="img2img_versus") as place:
        gr.HTML(texts("versus.hint"), elem_classes="pm-note-line", padding=False)
        with gr.Row(elem_classes="pm-versus"):
            other = gr.Dropdown(
                [], value=None, label=texts("versus.other"), allow_custom_value=True, scale=3, min_width=180, elem_id="img2img_versus_other"
            )
            start = gr.Button(texts("versus.start"), scale=1, min_width=120, elem_id="img2img_versus_start")
    return ModelCompare(place, other, start)


def pair(result: Any, shown: Sequence[dict[str, Any]]) -> None:
    """Tell entries of the gallery, in place, what they are to be laid over: {"left", "right": asset ids, "names": of the checkpoints}."""
    for left, right in getattr(result, "pairs", ()):
        versus = {"left": shown[left]["asset"], "right": shown[right]["asset"], "names": list(result.names)}
        shown[left]["versus"] = shown[right]["versus"] = versus
