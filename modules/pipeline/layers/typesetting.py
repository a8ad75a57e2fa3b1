"""Text set in a font: lines of Chinese and Latin, as RGBA pixels of any density.

Notes are "key: detail", for the page to say in a person's language:
`font-stands-in: WANTED -> TAKEN` (the font is not there), `font-lacks: CHARACTERS -> TAKEN` (other fonts lend these),
`font-none: CHARACTERS` (no font has them), `tracking-off: CHARACTERS` (joined scripts keep their own distances).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from modules.base.errors import InvalidRequest
from modules.pipeline.layers.document import TextAttributes
from modules.pipeline.layers.font_files import Face, has_code
from modules.pipeline.layers.fonts import FontCatalog, is_monospaced

ALIGNMENTS = ("left", "center", "right")
MIN_SIZE_PX, MAX_SIZE_PX = 1.0, 4000.0
MAX_LENGTH, MAX_LINES = 5000, 500
MAX_TRACKING_EM = 10.0
MAX_PIXELS = 1 << 27
"""Of one set text, counted as it is drawn; about 8192 x 4096 px at four times the size."""

LINE_HEIGHT_EM = 1.2
REFERENCE_PX = 1000
"""Characters are measured at this size, where rounding to the pixel grid is below a thousandth of an em."""

COLOR = re.compile(r"#[0-9a-fA-F]{6}")
MARKS = ("Mn", "Mc", "Me", "Cf")

Pixels = NDArray[np.uint8]
Alpha = NDArray[np.uint8]


class Typeset(NamedTuple):
    """A set text.

    Attributes:
        pixels: (H, W, 4) uint8 straight RGBA; the ink's colour everywhere, also where alpha is 0. H and W are multiples of the density.
        anchor: (x, y) in pixels from the corner: on the first line's baseline, where the text begins (alignment "left"),
            has its middle ("center") or ends ("right").
        text: The attributes as they were used: the font's own name, `is_typeset`, angle 0, notes.
    """

    pixels: Pixels
    anchor: tuple[float, float]
    text: TextAttributes


@dataclass(frozen=True)
class Piece:
    """Characters that are drawn together; x in em from the line's beginning."""

    string: str
    face: Face
    x: float
    advance: float
    joins: bool


def ink(color: str, field: str = "color") -> tuple[int, int, int]:
    """Red, green and blue of "#rrggbb".

    Raises:
        InvalidRequest: Another form.
    """
    if not isinstance(color, str) or not COLOR.fullmatch(color):
        raise InvalidRequest(field, color, 'a colour such as "#1a2b3c"')
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def typeset(text: TextAttributes, fonts: FontCatalog, *, density: int = 1) -> Typeset:
    """Set a text, upright: its angle belongs to the layer's placement.

    The same attributes and fonts give the same pixels; at density n the picture has exactly n times the width and height.

    Args:
        density: Pixels to one canvas pixel, at least 1.

    Raises:
        InvalidRequest: No visible character, a value out of range, or a text larger than can be drawn.
    """
    _check(text, density)
    choice = fonts.closest(text.font, text.string)
    notes = Notes(fonts, choice.face, list(choice.notes))
    lines = [_lay_out(line, text, choice.face, notes) for line in text.string.split("\n")]
    alpha, anchor = _draw(lines, text, choice.face, fonts, density)
    pixels = np.empty((*alpha.shape, 4), np.uint8)
    pixels[..., :3], pixels[..., 3] = ink(text.color), alpha
    said = notes.all()
    return Typeset(pixels, anchor, replace(text, font=choice.face.name, angle_deg=0.0, is_typeset=True, notes=said))


class Notes:
    """Which face draws which character, and what is to be said about it."""

    def __init__(self, fonts: FontCatalog, face: Face, notes: list[str]) -> None:
        self.fonts, self.face, self._notes = fonts, face, notes
        self._lent: dict[str, Face | None] = {}
        self.joined: list[str] = []

    def face_of(self, character: str) -> Face:
        if has_code(self.face.edges, ord(character)) or character.isspace() or unicodedata.category(character) in MARKS:
            return self.face
        if character not in self._lent:
            self._lent[character] = self.fonts.covering(character, self.face)
        return self._lent[character] or self.face

    def all(self) -> tuple[str, ...]:
        said = list(self._notes)
        lenders = dict.fromkeys(face for face in self._lent.values() if face)
        for lender in lenders:
            said.append(f"font-lacks: {''.join(c for c, face in self._lent.items() if face is lender)[:40]} -> {lender.name}")
        if missing := "".join(character for character, face in self._lent.items() if face is None):
            said.append(f"font-none: {missing[:40]}")
        if self.joined:
            said.append(f"tracking-off: {''.join(self.joined)[:40]}")
        return tuple(said)


def _check(text: TextAttributes, density: int) -> None:
    if not text.string.strip():
        raise InvalidRequest("string", text.string, "at least one visible character")
    if len(text.string) > MAX_LENGTH or text.string.count("\n") >= MAX_LINES:
        raise InvalidRequest("string", f"{len(text.string)} characters", f"at most {MAX_LENGTH}, in at most {MAX_LINES} lines")
    if any(unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t" for character in text.string):
        raise InvalidRequest("string", text.string, "text without control characters")
    if not MIN_SIZE_PX <= text.size_px <= MAX_SIZE_PX:
        raise InvalidRequest("size_px", text.size_px, f"{MIN_SIZE_PX:g} to {MAX_SIZE_PX:g}")
    if not abs(text.tracking_px) <= MAX_TRACKING_EM * text.size_px:
        raise InvalidRequest("tracking_px", text.tracking_px, f"at most {MAX_TRACKING_EM:g} times the size, either way")
    if text.alignment not in ALIGNMENTS:
        raise InvalidRequest("alignment", text.alignment, ", ".join(ALIGNMENTS))
    if density < 1:
        raise InvalidRequest("density", density, "at least 1")
    ink(text.color)


def _lay_out(line: str, text: TextAttributes, face: Face, notes: Notes) -> list[Piece]:
    """The pieces of a line with their places."""
    tracking, x, pieces = text.tracking_px / text.size_px, 0.0, list[Piece]()
    for string, own in _runs(line.replace("\t", "    "), notes):
        font = notes.fonts.open(own, REFERENCE_PX)
        joins = _joins(string)
        if joins and tracking:
            notes.joined.append(string)
        clusters = [string] if joins else list(_clusters(string))
        for cluster, after in zip(clusters, [*clusters[1:], ""], strict=True):
            # What a character takes before the next one, kerning included.
            advance = (_length(font, cluster + after) - (_length(font, after) if after else 0.0)) / REFERENCE_PX
            pieces.append(Piece(cluster, own, x, advance, joins))
            x += advance + tracking
    return pieces


def _length(font: ImageFont.FreeTypeFont, string: str) -> float:
    return font.getlength(string, features=["-liga", "-clig"] if _has_shaping(font) else None)


def _has_shaping(font: ImageFont.FreeTypeFont) -> bool:
    return font.layout_engine == ImageFont.Layout.RAQM


def _runs(line: str, notes: Notes) -> Iterator[tuple[str, Face]]:
    """Neighbouring characters of one face."""
    run, own = "", notes.face
    for character in line:
        is_bound = bool(run) and unicodedata.category(character) in MARKS
        found = own if is_bound else notes.face_of(character)
        if found is not own and run:
            yield run, own
            run = ""
        run, own = run + character, found
    if run:
        yield run, own


def _clusters(string: str) -> Iterator[str]:
    """Characters, each with the marks that stand on it."""
    cluster = ""
    for character in string:
        if cluster and unicodedata.category(character) not in MARKS:
            yield cluster
            cluster = ""
        cluster += character
    if cluster:
        yield cluster


def _joins(string: str) -> bool:
    """Whether characters change with their neighbours, or run from the right: Arabic, Hebrew, Indic scripts."""
    is_turned = any(unicodedata.bidirectional(character) in ("R", "AL") for character in string)
    return is_turned or any(0x0900 <= ord(character) <= 0x109F or 0x1780 <= ord(character) <= 0x17FF for character in string)


def _draw(
    lines: list[list[Piece]], text: TextAttributes, face: Face, fonts: FontCatalog, density: int
) -> tuple[Alpha, tuple[float, float]]:
    """Coverage of all lines, and the anchor within it."""
    size, starts = text.size_px, [_start(line, text) for line in lines]
    left, top, right, bottom = _edges(lines, starts, size, fonts)
    finer = 8 if size * density <= 64 else 4 if size * density <= 256 else 2
    scale = density * finer
    width, height = (right - left) * scale, (bottom - top) * scale
    if width * height > MAX_PIXELS * finer:
        raise InvalidRequest("size_px", size, f"a smaller size: the text would be {right - left} x {bottom - top} px")
    drawn = Image.new("L", (width, height))
    brush = ImageDraw.Draw(drawn)
    for row, (line, start) in enumerate(zip(lines, starts, strict=True)):
        baseline = (row * LINE_HEIGHT_EM * size - top) * scale
        for piece in line:
            if piece.string.isspace():
                continue
            font = fonts.open(piece.face, size * scale)
            features = ["-liga", "-clig"] if _has_shaping(font) and not piece.joins else None
            place = (((start + piece.x) * size - left) * scale, baseline)
            brush.text(place, piece.string, 255, font, anchor="ls", features=features)
    alpha = cv2.resize(np.asarray(drawn), None, fx=1 / finer, fy=1 / finer, interpolation=cv2.INTER_AREA)
    return alpha, (float(-left * density), float(-top * density))


def _start(line: list[Piece], text: TextAttributes) -> float:
    """Where a line begins, em from the anchor."""
    if not line or text.alignment == "left":
        return 0.0
    width = line[-1].x + line[-1].advance
    return -width / 2 if text.alignment == "center" else -width


def _edges(lines: list[list[Piece]], starts: list[float], size: float, fonts: FontCatalog) -> tuple[int, int, int, int]:
    """The smallest box of whole canvas pixels around the ink, with one to spare; from the anchor."""
    boxes = []
    for row, (line, start) in enumerate(zip(lines, starts, strict=True)):
        for piece in line:
            box = fonts.open(piece.face, REFERENCE_PX).getbbox(piece.string, anchor="ls")
            if box[2] > box[0] and box[3] > box[1]:
                x, y = (start + piece.x) * REFERENCE_PX, row * LINE_HEIGHT_EM * REFERENCE_PX
                boxes.append((box[0] + x, box[1] + y, box[2] + x, box[3] + y))
    if not boxes:
        raise InvalidRequest("string", "only characters without ink", "at least one visible character")
    edges = np.array(boxes) * size / REFERENCE_PX
    left, top = np.floor(edges[:, :2].min(axis=0)).astype(int) - 1
    right, bottom = np.ceil(edges[:, 2:].max(axis=0)).astype(int) + 1
    return int(left), int(top), int(right), int(bottom)


@dataclass(frozen=True)
class LineInk:
    """A lifted line of text, turned upright.

    Attributes:
        alpha: (H, W) float32 in [0, 1], cut to the ink.
        middle: (x, y) of that box's middle in the layer's source, px.
        width, height: Of the ink, px, with the share that it has of the pixels at its rim.
    """

    alpha: NDArray[np.float32]
    middle: tuple[float, float]
    width: float
    height: float


def measure_line(alpha: Alpha, angle_deg: float) -> LineInk:
    """Turn a lifted line upright and cut it to its ink.

    Args:
        alpha: (H, W) uint8 of the layer's source.
        angle_deg: Of its baseline, clockwise.

    Raises:
        InvalidRequest: There is no ink.
    """
    height, width = alpha.shape
    middle = np.array([width / 2, height / 2])
    reach = int(np.ceil(np.hypot(width, height))) + 2
    turn = cv2.getRotationMatrix2D((0, 0), angle_deg, 1.0)
    # Pixel centres lie half a pixel inside; the upright picture has the same middle.
    turn[:, 2] = reach / 2 - 0.5 - turn[:, :2] @ (middle - 0.5)
    upright = cv2.warpAffine(alpha, turn, (reach, reach), flags=cv2.INTER_LINEAR) if angle_deg else alpha
    (top, bottom, tall), (left, right, wide) = _span(upright.max(axis=1)), _span(upright.max(axis=0))
    center = np.array([(left + right) / 2, (top + bottom) / 2])
    if angle_deg:
        angle = np.deg2rad(angle_deg)
        back = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        center = middle + back @ (center - reach / 2)
    cut = upright[top:bottom, left:right].astype(np.float32) / np.float32(255)
    return LineInk(cut, (float(center[0]), float(center[1])), wide, tall)


VISIBLE = 64


def _span(peaks: Alpha) -> tuple[int, int, float]:
    """First and end of the visible ink along an axis, and its length with the shares of the pixels at its ends.

    Args:
        peaks: (n,) uint8: the highest alpha in each row or column.
    """
    seen = np.nonzero(peaks > VISIBLE)[0]
    if not len(seen):
        raise InvalidRequest("layer", "no ink", "a line of text with visible strokes")
    first, end = int(seen[0]), int(seen[-1]) + 1
    shares = peaks.astype(np.float64) / peaks.max()
    around = [shares[place] for place in (first - 1, end) if 0 <= place < len(peaks)]
    rim = [shares[first], shares[end - 1]] if end - first > 1 else [shares[first]]
    return first, end, end - first - len(rim) + float(sum(rim) + sum(around))


def fit_to_line(
    string: str, line: LineInk, fonts: FontCatalog, *, font: str = "", color: str = "#000000", alignment: str = "left"
) -> TextAttributes:
    """The font, size and tracking in which a string looks most like the line that was lifted.

    Args:
        string: What the line says.
        font: Only this font; "" = the likest of those that are there.

    Raises:
        InvalidRequest: As `typeset`.
    """
    return fit_line(string, line, fonts, font=font, color=color, alignment=alignment).text


@dataclass(frozen=True)
class FittedLine:
    """A line as it can be set.

    Attributes:
        rim_px: Width of an outline or halo around the characters, which was lifted with them; 0 = none.
        likeness: Up to 1.
    """

    text: TextAttributes
    rim_px: float
    likeness: float


def fit_line(string: str, line: LineInk, fonts: FontCatalog, *, font: str, color: str, alignment: str, has_rim: bool = True) -> FittedLine:
    """As `fit_to_line`, with the outline that was found; none is looked for without `has_rim`."""
    trials = [TextAttributes(string, name, TRIAL_PX, color, alignment) for name in ([font] if font else _candidates(string, fonts))]
    best = max(
        (fitted for trial in trials for fitted in _fits(trial, line, fonts) if has_rim or not fitted.rim_px),
        key=lambda fitted: fitted.likeness - RARE * is_monospaced(fitted.text.font),
    )
    return best if best.rim_px or not best.text.tracking_px or is_stacked(string) else replace(best, text=_refine(best.text, line, fonts))


MAX_CANDIDATES = 64
RARE = 0.1
"""So much likelier must a monospaced font be: few pictures have type in one, and a damaged line resembles many fonts."""
TRIAL_PX = 48.0
MAX_TRACKING_FIT_EM = 0.6
MIN_RIM_PX, MAX_RIM_EM = 0.6, 0.15


def _candidates(string: str, fonts: FontCatalog) -> list[str]:
    """Names of fonts that have the whole string: the built-in ones first, then others in the catalogue's order."""
    codes = {ord(character) for character in string if not character.isspace()}
    having = [face.name for face in fonts.faces() if all(has_code(face.edges, code) for code in codes)]
    return list(dict.fromkeys(having))[:MAX_CANDIDATES] or [""]


def _fits(trial: TextAttributes, line: LineInk, fonts: FontCatalog) -> Iterator[FittedLine]:
    """A font's version at the line's size: tracked to its width, and, where that explains the size too, with an outline around it."""
    first = _ink_of(trial, fonts)
    if is_stacked(trial.string):  # the distance of lines is the typesetter's own: only the width tells the size
        sized = replace(trial, size_px=round(trial.size_px * line.width / first.width, 2))
        yield FittedLine(sized, 0.0, _likeness_of(sized, line, fonts))
        return
    size = trial.size_px * line.height / first.height
    bound = MAX_TRACKING_FIT_EM * size
    tracking = float(np.clip((line.width - first.width * line.height / first.height) / _gaps(trial), -bound, bound))
    sized = replace(trial, size_px=round(size, 2), tracking_px=round(tracking, 2))
    yield FittedLine(sized, 0.0, _likeness_of(sized, line, fonts) - abs(sized.tracking_px) / sized.size_px / 2)
    if tracking < 0:  # a halo makes lines look higher than they are: rather too large than with characters that touch
        wide = replace(trial, size_px=round(trial.size_px * line.width / first.width, 2))
        yield FittedLine(wide, 0.0, _likeness_of(wide, line, fonts))
    longer = first.width - first.height
    if longer > 0.3 * first.height and line.width > line.height:
        # An outline adds the same to the width and to the height.
        share = (line.width - line.height) / longer
        rim, size = (line.height - share * first.height) / 2, trial.size_px * share
        if MIN_RIM_PX <= rim <= MAX_RIM_EM * size:
            sized = replace(trial, size_px=round(size, 2))
            yield FittedLine(sized, round(rim, 2), _likeness_of(sized, line, fonts, rim) - rim / size / 2)


def _gaps(text: TextAttributes) -> int:
    """Distances between characters."""
    return max(len(text.string.replace("\n", "")) - 1, 1)


def _refine(text: TextAttributes, line: LineInk, fonts: FontCatalog) -> TextAttributes:
    """Size and tracking again, from how the text comes out at the size that was found."""
    own = _ink_of(text, fonts)
    share = line.height / own.height
    tracking = text.tracking_px * share + (line.width - own.width * share) / _gaps(text)
    return replace(text, size_px=round(text.size_px * share, 2), tracking_px=round(tracking, 2))


def _ink_of(text: TextAttributes, fonts: FontCatalog) -> LineInk:
    return measure_line(typeset(text, fonts).pixels[..., 3], 0.0)


def _likeness_of(text: TextAttributes, line: LineInk, fonts: FontCatalog, rim_px: float = 0.0) -> float:
    """Share of common ink when a set text is brought to the line's box: intersection over union of the coverages."""
    height, width = line.alpha.shape
    ours = _ink_of(text, fonts).alpha
    if rim_px:
        reach = round(rim_px)
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
        ours = cv2.dilate(np.pad(ours, reach), disc)
    ours = cv2.resize(ours, (width, height), interpolation=cv2.INTER_AREA)
    union = float(np.maximum(ours, line.alpha).sum())
    # Rounded, so that of fonts with the same characters the first is taken.
    return round(float(np.minimum(ours, line.alpha).sum()) / union, 3) if union else 0.0


def stack(string: str) -> str:
    """A line as one that runs downwards: each character on its own line."""
    return "\n".join(character for character in string if not character.isspace())


def is_stacked(string: str) -> bool:
    """Whether a text is a line that runs downwards."""
    lines = string.split("\n")
    return len(lines) > 1 and all(len(line) == 1 for line in lines)
