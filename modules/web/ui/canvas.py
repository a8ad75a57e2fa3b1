"""Between the image editor and masks.

The editor shows a copy of at most `CANVAS_PX` a side, so that painting stays fluid; the mask is brought back to the picture's own size,
and the picture itself is always read from its file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr
from PIL import Image, ImageChops

from modules.imaging.masks import alpha_as_mask
from modules.imaging.picture import Picture, flatten
from modules.web.ui.texts import Texts

CANVAS_PX = 1024
BRUSHES = ((255, 255, 255), (201, 103, 59), (30, 28, 26))
BRUSH_ALPHA = 0.7
PAINTED_FROM = 64
"""Alpha, 0 to 255, from which a pixel counts as painted: soft rims of strokes and of the eraser fall away with what cannot be seen."""


def build_canvas(texts: Texts, elem_id: str, **options: Any) -> Any:
    """The editor with brush, eraser, undo and zoom; pictures come through the drop beside it."""
    return gr.ImageEditor(
        type="pil",
        image_mode="RGBA",
        format="png",
        sources=(),
        transforms=(),
        layers=False,
        show_label=False,
        label=texts("canvas.label"),
        buttons=["fullscreen"],
        brush=gr.Brush(default_size=36, colors=[_css(colour) for colour in BRUSHES], default_color=_css(BRUSHES[0]), color_mode="fixed"),
        eraser=gr.Eraser(default_size=36),
        elem_id=elem_id,
        **options,
    )


def canvas_value(picture: Picture, mask: Image.Image | None = None) -> dict[str, Any]:
    """What the editor shows for a picture.

    Args:
        picture: Its transparent part is painted as mask, unless a mask is given.
        mask: L, white = repaint, of the picture's size.
    """
    image = picture.image
    if mask is None and image.mode == "RGBA":
        mask = alpha_as_mask(image)
    background = flatten(image)
    scale = CANVAS_PX / max(background.size)
    if scale < 1:
        size = (max(1, round(background.width * scale)), max(1, round(background.height * scale)))
        background = background.resize(size, Image.Resampling.LANCZOS)
    layers = [] if mask is None or mask.getbbox() is None else [_as_paint(mask.resize(background.size))]
    return {"background": background, "layers": layers, "composite": None}


def painted_mask(value: Mapping[str, Any] | None, size: tuple[int, int]) -> Image.Image | None:
    """The mask that was painted.

    Args:
        value: The editor's value.
        size: Width and height of the picture, in px.

    Returns:
        L of that size, 255 = repaint, else 0; None when nothing is painted.
    """
    paint: Image.Image | None = None
    for layer in (value or {}).get("layers") or []:
        alpha = layer.convert("RGBA").getchannel("A")
        paint = alpha if paint is None else ImageChops.lighter(paint, alpha.resize(paint.size))
    if paint is None:
        return None
    if paint.size != size:
        paint = paint.resize(size, Image.Resampling.BILINEAR)
    mask = paint.point([255 if alpha >= PAINTED_FROM else 0 for alpha in range(256)])
    return mask if mask.getbbox() else None


def _as_paint(mask: Image.Image) -> Image.Image:
    paint = Image.new("RGBA", mask.size, (*BRUSHES[0], 0))
    paint.putalpha(mask.convert("L").point([round(value * BRUSH_ALPHA) for value in range(256)]))
    return paint


def _css(colour: tuple[int, int, int]) -> str:
    return f"rgba({colour[0]}, {colour[1]}, {colour[2]}, {BRUSH_ALPHA})"
