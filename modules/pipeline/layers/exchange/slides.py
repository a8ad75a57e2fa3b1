"""A document as one slide of a PPTX file: every layer a picture at its place, texts as boxes to write in where that is wanted."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.enum.text import MSO_ANCHOR, MSO_AUTO_SIZE, PP_ALIGN
from pptx.oxml.ns import qn
from pptx.util import Emu, Pt

from modules.imaging.geometry import Extent
from modules.pipeline.layers.document import Layer
from modules.pipeline.layers.exchange.pieces import Piece
from modules.pipeline.layers.exchange.pngs import encode_rgba

EMU_PER_PX = 9525
"""At 96 px to the inch."""
MIN_SLIDE_EMU, MAX_SLIDE_EMU = 914_400, 51_206_400
EMU_PER_POINT = 12_700
LINE_HEIGHT = 1.2
MAX_POINTS = 4000
BLANK_LAYOUT = 6
ALIGNMENTS = {"left": PP_ALIGN.LEFT, "center": PP_ALIGN.CENTER, "right": PP_ALIGN.RIGHT}


def write_slide(extent: Extent, pieces: Sequence[Piece], texts: Mapping[str, Layer]) -> bytes:
    """A presentation of one slide of the canvas's shape.

    Args:
        extent: Of the canvas.
        pieces: Bottom first, of blend mode NORMAL.
        texts: Text layers that become text boxes, by the id of the layer.
    """
    presentation = Presentation()
    emu = _emu_per_px(extent)
    presentation.slide_width = Emu(max(MIN_SLIDE_EMU, round(extent.width * emu)))
    presentation.slide_height = Emu(max(MIN_SLIDE_EMU, round(extent.height * emu)))
    slide = presentation.slides.add_slide(presentation.slide_layouts[BLANK_LAYOUT])
    for piece in pieces:
        shape = _add_text(slide, piece, texts[piece.layer], emu) if piece.layer in texts else _add_picture(slide, piece, emu)
        shape.name = piece.name
        if piece.is_visible is False:
            shape._element.xpath(".//p:cNvPr")[0].set("hidden", "1")
    buffer = io.BytesIO()
    presentation.save(buffer)
    return buffer.getvalue()


def _emu_per_px(extent: Extent) -> float:
    """96 px to the inch, or what brings the slide into the sizes that the format allows."""
    largest = MAX_SLIDE_EMU / max(extent.size)
    return min(max(EMU_PER_PX, MIN_SLIDE_EMU / min(extent.size)), largest)


def _add_picture(slide: Any, piece: Piece, emu: float) -> Any:
    pixels = piece.pixels
    if piece.opacity is not None and piece.opacity < 1:
        pixels = pixels.copy()
        pixels[..., 3] = np.floor(pixels[..., 3] * piece.opacity + 0.5).astype(np.uint8)
    left, top, width, height = (Emu(round(value * emu)) for value in (piece.box.x, piece.box.y, piece.box.width, piece.box.height))
    return slide.shapes.add_picture(io.BytesIO(encode_rgba(pixels)), left, top, width, height)


def _add_text(slide: Any, piece: Piece, layer: Layer, emu: float) -> Any:
    """A box about the middle of what the layer shows, turned as its line is; set by the other program, so not the same to the pixel."""
    text = layer.text
    assert text is not None, "only text layers become text boxes"
    lines = text.string.split("\n")
    size_px = text.size_px * layer.placement.scale_y
    angle = math.radians(text.angle_deg + layer.placement.rotation_deg)
    height = len(lines) * size_px * LINE_HEIGHT
    width = max((piece.box.width - height * abs(math.sin(angle))) / max(abs(math.cos(angle)), 0.2), size_px)
    x, y = piece.box.x + piece.box.width / 2 - width / 2, piece.box.y + piece.box.height / 2 - height / 2
    shape = slide.shapes.add_textbox(*(Emu(round(value * emu)) for value in (x, y, width, height)))
    shape.rotation = math.degrees(angle)
    frame = shape.text_frame
    frame.word_wrap, frame.auto_size, frame.vertical_anchor = False, MSO_AUTO_SIZE.NONE, MSO_ANCHOR.MIDDLE
    frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
    for place, line in enumerate(lines):
        paragraph = frame.paragraphs[0] if place == 0 else frame.add_paragraph()
        paragraph.alignment = ALIGNMENTS.get(text.alignment, PP_ALIGN.LEFT)
        run = paragraph.add_run()
        run.text = line
        _set_font(run.font, piece, layer, size_px * emu / EMU_PER_POINT, text.tracking_px * emu / EMU_PER_POINT)
    return shape


def _set_font(font: Any, piece: Piece, layer: Layer, points: float, tracking_points: float) -> None:
    assert layer.text is not None, "only text layers become text boxes"
    font.size = Pt(min(max(round(points), 1), MAX_POINTS))
    font.color.rgb = RGBColor(*_ink(piece, layer.text.color))
    properties = font._element
    if tracking_points:
        properties.set("spc", str(round(100 * tracking_points)))
    if layer.opacity < 1:
        color = properties.find(qn("a:solidFill"))[0]
        color.append(color.makeelement(qn("a:alpha"), {"val": str(round(layer.opacity * 100_000))}))
    if layer.text.font:
        font.name = layer.text.font
        properties.append(properties.makeelement(qn("a:ea"), {"typeface": layer.text.font}))


def _ink(piece: Piece, color: str) -> tuple[int, int, int]:
    """The colour that the layer shows, adjustments included; the one that it names where it shows none."""
    solid = piece.pixels[piece.pixels[..., 3] > 200]
    if len(solid):
        red, green, blue = (int(value) for value in np.median(solid[:, :3], axis=0))
        return red, green, blue
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
