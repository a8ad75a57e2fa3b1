"""Small fonts drawn for tests: every character is a rectangle of known size."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

EM = 1000
WIDTH, HEIGHT = 500, 700
"""Of the rectangles, in units of which the em has 1000; they begin 50 units from the left and stand on the baseline."""
ADVANCE = 600


def draw_font(family: str, characters: str, *, style: str = "Regular", weight: int = 400, names: Mapping[str, str] | None = None) -> bytes:
    """A TrueType file with these characters and the space.

    Args:
        names: More of the name table's entries, as `FontBuilder.setupNameTable` takes them.
    """
    glyphs = [".notdef", "space", *(f"u{ord(character):05X}" for character in characters)]
    builder = FontBuilder(EM, isTTF=True)
    builder.setupGlyphOrder(glyphs)
    builder.setupCharacterMap({32: "space", **{ord(character): f"u{ord(character):05X}" for character in characters}})
    empty = TTGlyphPen(None).glyph()
    builder.setupGlyf({glyph: empty if glyph in (".notdef", "space") else _box() for glyph in glyphs})
    builder.setupHorizontalMetrics({glyph: (ADVANCE, 0 if glyph in (".notdef", "space") else 50) for glyph in glyphs})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": style, **(names or {})})
    builder.setupOS2(usWeightClass=weight, sTypoAscender=800, sTypoDescender=-200)
    builder.setupPost()
    file = BytesIO()
    builder.save(file)
    return file.getvalue()


def _box() -> object:
    pen = TTGlyphPen(None)
    pen.moveTo((50, 0))
    for corner in ((50, HEIGHT), (50 + WIDTH, HEIGHT), (50 + WIDTH, 0)):
        pen.lineTo(corner)
    pen.closePath()
    return pen.glyph()
