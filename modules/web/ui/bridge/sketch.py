"""`gr.Image(tool="sketch")` on our canvas: a picture to paint a mask on, with a document of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio.processing_utils import save_pil_to_cache
from PIL import Image

from modules.runtime.shared_objects import SHARED
from modules.web.ui.bridge.quiet import QuietMeta
from modules.web.ui.canvas import document_update, read_document

TOOLS = {"sketch": "mask", "color-sketch": "paint"}
"""Gradio 3's tools that our canvas stands in for, and what a view is then for."""
KEPT = ("label", "show_label", "scale", "min_width", "visible", "elem_id", "elem_classes", "key", "preserved_by_key", "render")
MOUNT = '(window.pentimentoMounts ??= []).push(["sketch", {element, props, trigger, watch}]); window.pentimento?.mountCanvases?.();'


class SketchCanvas(gr.HTML, metaclass=QuietMeta):
    """A picture that is painted on, with Gradio 3's values.

    As input: with `tool="sketch"` {"image", "mask"}, the mask white where painted and as large as the picture; with "color-sketch" the
    painted picture alone; as `type` says "numpy" ((H, W, 3) uint8), "pil" (of `image_mode`) or "filepath". None without a picture.
    As output: a picture in any of these forms; None closes it. Its events "change" and "edit" come when the value is up to date.
    """

    is_template = True

    def __init__(self, value: Any = None, *, tool: str = "sketch", type: str = "numpy", image_mode: str = "RGB", **named: Any) -> None:
        self.tool, self.type, self.image_mode = tool, type, image_mode
        named.setdefault("elem_id", f"pm-sketch-{id(self)}")
        classes = named.pop("elem_classes", None)
        classes = [classes] if isinstance(classes, str) else list(classes or ())
        super().__init__(
            value,
            html_template=f'<div class="pm-view" data-mode="{TOOLS[tool]}"></div>',
            js_on_load=MOUNT,
            apply_default_css=False,
            elem_classes=[*classes, *({"pm-view-block", "pm-sketch-block"} - set(classes))],
            **{name: given for name, given in named.items() if name in KEPT},
        )

    def preprocess(self, payload: Any) -> Any:
        """What a function gets."""
        document = read_document(payload)
        if document["picture"] is None:
            return None
        store = SHARED.session.store
        picture = store.open(document["picture"]["id"]).image
        if self.tool == "color-sketch":
            sketch = document["sketch"] and store.open(document["sketch"]).image.convert("RGBA")
            painted = Image.alpha_composite(picture.convert("RGBA"), sketch) if sketch else picture
            return self._give(painted.convert(self.image_mode))
        mask = store.mask(document["mask"]).convert("RGB") if document["mask"] else Image.new("RGB", picture.size)
        return {"image": self._give(picture.convert(self.image_mode)), "mask": self._give(mask)}

    def postprocess(self, value: Any) -> Any:
        """What the browser gets."""
        if isinstance(value, Mapping) and ("set" in value or "revision" in value):  # as the browser gave it
            return dict(value)
        mask = None
        if isinstance(value, Mapping):
            value, mask = value.get("image", value.get("background")), value.get("mask")
        if value is None:
            return document_update(None)
        store = SHARED.session.store
        picture = store.add_picture(_read(value))
        return document_update(picture.as_json(), None if mask is None else store.add_picture(_read(mask).convert("L")).id)

    def _give(self, image: Image.Image) -> Any:
        if self.type == "pil":
            return image
        if self.type == "filepath":
            return save_pil_to_cache(image, self.GRADIO_CACHE, format="png")
        return np.asarray(image)


def fresh_sketches(inputs: Any, script: Any = None) -> str | None:
    """JavaScript for an event that reads canvases: first bring their values up to date, then do what `script` says; None if it reads none.

    Args:
        inputs: The event's.
        script: A JavaScript function as text, or None.
    """
    listed = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
    places = [[place, str(block.elem_id)] for place, block in enumerate(listed) if isinstance(block, SketchCanvas)]
    if not places or not (script is None or isinstance(script, str)):
        return None
    fresh = f"await window.pentimento.withSketches(values.slice(0, {len(listed)}), {json.dumps(places)})"
    return f"async (...values) => {fresh}" if script is None else f"async (...values) => ({script})(...{fresh})"


def _read(value: Any) -> Image.Image:
    if isinstance(value, Image.Image):
        return value
    if isinstance(value, str | Path):
        with Image.open(value) as opened:
            opened.load()
            return opened
    return Image.fromarray(np.asarray(value).astype(np.uint8))
