"""What is written above and beside the rows and columns of a contact sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from PIL import Image, ImageDraw, ImageFont

FONTS_FOR_ALL_SIGNS = (
    *("NotoSansCJK-Regular.ttc", "SourceHanSansSC-Regular.otf", "wqy-microhei.ttc", "msyh.ttc", "simsun.ttc"),
    *("PingFang.ttc", "Hiragino Sans GB.ttc", "DejaVuSans.ttf", "Arial Unicode.ttf"),
)
"""Looked for among the system's fonts, in this order, where Pillow's own font lacks a sign."""
SMALLEST_FONT_PX = 8
LONGEST_TEXT = 1000
BACKGROUND, ACTIVE, INACTIVE = "#ffffff", "#000000", "#999999"
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass
class GridAnnotation:
    """One text of a legend; those that are not active are grey and struck out."""

    text: str = ""
    is_active: bool = True


@dataclass(frozen=True)
class Label:
    """All texts of one row or column, broken into lines that fit.

    Attributes:
        lines: (line, is active); an empty list takes no room.
        step_px: From one line to the next.
    """

    lines: list[tuple[str, bool]]
    font: Font
    step_px: int

    @property
    def height(self) -> int:
        return len(self.lines) * self.step_px


def draw_grid_annotations(
    im: Image.Image,
    width: int,
    height: int,
    hor_texts: Sequence[Sequence[GridAnnotation]],
    ver_texts: Sequence[Sequence[GridAnnotation]],
    margin: int = 0,
    title_texts: Sequence[Sequence[GridAnnotation]] | None = None,
) -> Image.Image:
    """A contact sheet with legends; its cells are copied as they are.

    Args:
        im: The sheet; one column an entry of `hor_texts`, one row an entry of `ver_texts`.
        width, height: Of a cell, px.
        hor_texts, ver_texts: Above each column and left of each row.
        margin: Room between cells, px.
        title_texts: Above all; one entry for each part of the sheet's width.

    Returns:
        RGB, larger than `im` by legends and margins.
    """
    size = max((width + height) // 25, SMALLEST_FONT_PX)
    pad = size // 2
    columns, rows, titles = len(hor_texts), len(ver_texts), list(title_texts or [])
    left = width * 3 // 4 if any(entry.text for label in ver_texts for entry in label) else 0
    part = im.width // max(len(titles), 1)
    above = [_fit(label, width - pad, height, size) for label in hor_texts]
    beside = [_fit(label, left - pad, height, size) for label in ver_texts]
    headings = [_fit(label, part - pad, height, size) for label in titles]
    title_height, top = _room(headings, pad), _room(above, pad)
    whole = (left + im.width + margin * (columns - 1), title_height + top + im.height + margin * (rows - 1))
    sheet = Image.new("RGB", whole, BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    xs = [left + (width + margin) * column for column in range(columns)]
    ys = [title_height + top + (height + margin) * row for row in range(rows)]
    for row, y in enumerate(ys):
        for column, x in enumerate(xs):
            sheet.paste(im.crop((column * width, row * height, (column + 1) * width, (row + 1) * height)), (x, y))
    for number, heading in enumerate(headings):
        _write(draw, heading, left + (whole[0] - left) * (2 * number + 1) // (2 * len(headings)), title_height // 2)
    for x, label in zip(xs, above, strict=True):
        _write(draw, label, x + width // 2, title_height + top // 2)
    for y, label in zip(ys, beside, strict=True):
        _write(draw, label, left // 2, y + height // 2)
    return sheet


def draw_prompt_matrix(im: Image.Image, width: int, height: int, all_prompts: Sequence[str], margin: int = 0) -> Image.Image:
    """A prompt matrix with legends: which of the optional parts each picture has.

    Args:
        im: The sheet; picture n holds part i where bit i of n is set.
        width, height, margin: As for `draw_grid_annotations`.
        all_prompts: The common part, then the optional ones.
    """
    parts = [part.strip() for part in all_prompts[1:]]
    split = math.ceil(len(parts) / 2)
    return draw_grid_annotations(im, width, height, _switches(parts[:split]), _switches(parts[split:]), margin)


def _switches(parts: Sequence[str]) -> list[list[GridAnnotation]]:
    """One label for every choice among `parts`."""
    choices = range(1 << len(parts))
    return [[GridAnnotation(part, bool(choice & (1 << bit))) for bit, part in enumerate(parts)] for choice in choices]


def _room(labels: Sequence[Label], pad: int) -> int:
    highest = max((label.height for label in labels), default=0)
    return highest + 2 * pad if highest else 0


def _fit(texts: Sequence[GridAnnotation], width: int, height: int, size: int) -> Label:
    """The largest font, `size` or less, in which the texts fit; where none is, the end is left out."""
    shown = [entry for entry in texts if entry.text]
    if not shown or width <= 0:
        return Label([], _font(size, is_ascii=True), size)
    is_ascii = all(entry.text.isascii() for entry in shown)
    label = None
    while label is None or (label.height > height and size > SMALLEST_FONT_PX):
        size = size if label is None else max(size * 4 // 5, SMALLEST_FONT_PX)
        font = _font(size, is_ascii=is_ascii)
        lines = [(line, entry.is_active) for entry in shown for line in _wrap(entry.text[:LONGEST_TEXT], font, width)]
        label = Label(lines, font, size + size // 4)
    most = max(height // label.step_px, 1)
    if len(label.lines) > most:
        line, is_active = label.lines[most - 1]
        label.lines[most - 1 :] = [(line[:-1] + "\u2026", is_active)]
    return label


def _wrap(text: str, font: Font, width: int) -> list[str]:
    """Lines of at most `width` px, broken between words, and within those that are wider."""
    lines: list[str] = []
    for paragraph in text.splitlines():
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}" if line else word
            if font.getlength(longer) <= width:
                line = longer
                continue
            lines += [line] if line else []
            line = ""
            for sign in word:
                if line and font.getlength(line + sign) > width:
                    lines.append(line)
                    line = ""
                line += sign
        lines.append(line)
    return lines


@cache
def _font(size: int, *, is_ascii: bool) -> Font:
    for name in () if is_ascii else FONTS_FOR_ALL_SIGNS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)


def _write(draw: ImageDraw.ImageDraw, label: Label, x: int, y: int) -> None:
    """Lines one below the other, centred at (x, y)."""
    y -= label.height // 2
    for line, is_active in label.lines:
        draw.text((x, y + label.step_px // 2), line, ACTIVE if is_active else INACTIVE, label.font, anchor="mm")
        if not is_active:
            half = label.font.getlength(line) // 2
            middle = y + label.step_px // 2
            draw.line((x - half, middle, x + half, middle), INACTIVE, max(label.step_px // 16, 1))
        y += label.step_px
