"""Posters whose truth is known: type set over photographs and flat colours, in both scripts, 18 to 160 px, turned up to 20 degrees.

Photographs are scikit-image's (public domain or CC0 as its data folder says); nothing is stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from skimage import data

Pixels = NDArray[np.uint8]

PHOTOS = ("astronaut", "coffee", "chelsea", "rocket", "camera", "brick", "grass", "hubble_deep_field", "gravel", "coins")
LATIN = (
    "SALE", "Summer 2026", "Grand Opening", "NEW", "Free delivery today", "Jazz Night", "50% OFF", "Fresh coffee", "Limited edition",
    "OPEN", "Photography", "Tickets from 12.50", "Weekend market", "Hello", "Mountain Trail Run", "Quality since 1987", "MAGIC",
    "Art and Design Fair", "Buy one get one", "Midnight Express",
)  # fmt: skip
CHINESE = (
    "夏季促销", "新品上市", "全场五折起", "免费送货", "限时优惠", "欢迎光临", "春节快乐", "咖啡与书", "周末市集", "摄影展览",
    "买一送一", "音乐之夜", "品质生活", "开业大吉", "山水之间", "今日特价", "手工制作", "味道", "梦想", "北京欢迎你",
)  # fmt: skip
MIXED = ("618大促", "VIP会员日", "2026新年", "满100减50", "AI未来")
LEGIBLE_STEP = 40  # of 255, in luma
SIZES_PX = (18, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 120, 160)
FETCHED_FONT = Path(__file__).resolve().parents[3] / "models" / "fonts" / "NotoSansSC-variable.ttf"
"""What set-up fetches; it has both scripts, in weights from 100 to 900."""
WEIGHTS = (700, 400, 900)
LATIN_FACES = (
    "truetype/dejavu/DejaVuSans-Bold.ttf",
    "truetype/dejavu/DejaVuSerif.ttf",
    "truetype/liberation/LiberationSans-Regular.ttf",
    "truetype/liberation/LiberationSerif-BoldItalic.ttf",
)
"""Looked for in the system's folder: the fetched font has no serifs."""
Face = tuple[Path, int]
"""File, and weight; 0 where the file has only one."""


@dataclass(frozen=True)
class Line:
    """One line as it was set.

    Attributes:
        quad: (4, 2) float32: corners of its ink, clockwise from its top left, canvas px.
        alpha: (H, W) float32 over the whole poster.
        inks: Main colour first; a second one is an outline, or the lower end of a gradient.
        angle_deg: Clockwise.
    """

    string: str
    size_px: int
    angle_deg: float
    inks: tuple[tuple[int, int, int], ...]
    quad: NDArray[np.float32]
    alpha: NDArray[np.float32]


@dataclass
class Poster:
    """A poster and its truth.

    Attributes:
        picture: (H, W, 3) uint8.
        bare: The same without its text.
        lines: None of them touches another.
    """

    name: str
    picture: Pixels
    bare: Pixels
    lines: list[Line] = field(default_factory=list)


def has_fonts() -> bool:
    """Whether the font that set-up fetches is there."""
    return FETCHED_FONT.is_file()


def make_posters(count: int = 32, *, size: tuple[int, int] = (640, 480), seed: int = 6) -> Iterator[Poster]:
    """`count` posters of (width, height) `size`; the same seed gives the same ones."""
    for place in range(count):
        yield make_poster(place, size=size, seed=seed)


def make_poster(place: int, *, size: tuple[int, int] = (640, 480), seed: int = 6) -> Poster:
    """The `place`-th poster of a set."""
    chance = np.random.default_rng((seed, place))
    name, bare = _background(place, size, chance)
    poster = Poster(f"{place:02d} {name}", bare.copy(), bare)
    taken = np.zeros(bare.shape[:2], np.bool_)
    for turn in range(4 if place % 2 else 5):
        line = _set_line(poster, taken, place, turn, chance)
        if line is not None:
            poster.lines.append(line)
    return poster


def _background(place: int, size: tuple[int, int], chance: np.random.Generator) -> tuple[str, Pixels]:
    width, height = size
    if place % 4 == 3:
        color = chance.integers(20, 236, 3)
        if place % 8 == 3:
            return "flat", np.broadcast_to(color.astype(np.uint8), (height, width, 3)).copy()
        ramp = np.linspace(0, 1, height)[:, None, None] * (chance.integers(20, 236, 3) - color) + color
        return "gradient", np.broadcast_to(np.rint(ramp).astype(np.uint8), (height, width, 3)).copy()
    name = PHOTOS[(place - place // 4) % len(PHOTOS)]
    photo = np.asarray(getattr(data, name)())
    photo = np.dstack([photo] * 3) if photo.ndim == 2 else photo[:, :, :3]
    image = Image.fromarray(photo)
    scale = max(width / image.width, height / image.height)
    image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
    return name, np.asarray(image.crop((0, 0, width, height))).copy()


def _set_line(poster: Poster, taken: NDArray[np.bool_], place: int, turn: int, chance: np.random.Generator) -> Line | None:
    """Try sizes and places until the line has room of its own."""
    height, width = taken.shape
    words = (LATIN, CHINESE, LATIN, CHINESE, MIXED)[(place + turn) % 5]
    string = words[int(chance.integers(len(words)))]
    angle = 0.0 if place % 2 == 0 else float(chance.uniform(-20, 20))
    wanted = int(SIZES_PX[(place * 5 + turn * 4) % len(SIZES_PX)])
    for size_px in [size for size in reversed(SIZES_PX) if size <= wanted]:
        for _ in range(30):
            drawn = _draw(string, size_px, angle, _face(string, place), _style(place, turn))
            top = int(chance.integers(4, max(height - drawn.alpha.shape[0] - 4, 5)))
            left = int(chance.integers(4, max(width - drawn.alpha.shape[1] - 4, 5)))
            area = (slice(top, top + drawn.alpha.shape[0]), slice(left, left + drawn.alpha.shape[1]))
            if taken[area].shape != drawn.alpha.shape or taken[area].any():
                continue
            inks = _inks(poster.bare[area], drawn, chance)
            if not _is_legible(poster.bare[area], drawn, inks):
                continue
            gap = max(8, size_px // 2)
            taken[max(top - gap // 2, 0) : area[0].stop + gap // 2, max(left - size_px, 0) : area[1].stop + size_px] = True
            return _press(poster, drawn, area, inks)
    return None


@dataclass(frozen=True)
class _Drawn:
    string: str
    size_px: int
    angle_deg: float
    style: str
    alpha: NDArray[np.float32]
    fill: NDArray[np.float32]
    quad: NDArray[np.float32]


def _style(place: int, turn: int) -> str:
    return {3: "outline", 7: "gradient"}.get((place * 3 + turn) % 9, "plain")


def _draw(string: str, size_px: int, angle: float, face: Face, style: str) -> _Drawn:
    """The line alone: its whole alpha and, for outlined type, the share of the fill."""
    font = ImageFont.truetype(face[0], size_px)
    if face[1]:
        font.set_variation_by_axes([face[1]])
    rim = max(round(size_px / 16), 1) if style == "outline" else 0
    left, top, right, bottom = font.getbbox(string, stroke_width=rim)
    extent = (int(right - left) + 4, int(bottom - top) + 4)
    layers = []
    for width in (rim, 0):
        layer = Image.new("L", extent)
        ImageDraw.Draw(layer).text((2 - left, 2 - top), string, font=font, fill=255, stroke_width=width)
        layers.append(np.asarray(layer, np.float32) / 255)
    corners = np.array([[2, 2], [extent[0] - 2, 2], [extent[0] - 2, extent[1] - 2], [2, extent[1] - 2]], np.float32)
    matrix = cv2.getRotationMatrix2D((extent[0] / 2, extent[1] / 2), -angle, 1.0)
    turned = corners @ matrix[:, :2].T + matrix[:, 2]
    low = np.floor(turned.min(axis=0)) - 2
    matrix[:, 2] -= low
    size = tuple(int(edge) for edge in np.ceil(turned.max(axis=0)) + 2 - low)
    alpha, fill = (layer if angle == 0 else np.clip(cv2.warpAffine(layer, matrix, size, flags=cv2.INTER_CUBIC), 0, 1) for layer in layers)
    return _Drawn(string, size_px, angle, style, alpha, fill, (corners if angle == 0 else turned - low).astype(np.float32))


Inks = tuple[tuple[int, int, int], ...]


def _inks(ground: Pixels, drawn: _Drawn, chance: np.random.Generator) -> Inks:
    """Light ones on dark ground, dark ones on light ground."""
    is_light = float(_luma(ground).mean()) < 128
    ink = _ink(chance, is_light)
    if drawn.style == "plain":
        return (ink,)
    return (ink, _ink(chance, is_light != (drawn.style == "outline")))


def _is_legible(ground: Pixels, drawn: _Drawn, inks: Inks) -> bool:
    """Whether a person who sets type would put it here: nearly all of it stands out from what lies below."""
    is_under = cv2.dilate(drawn.alpha, np.ones((5, 5), np.uint8)) > 0.1
    steps = [np.abs(_luma(ground)[is_under] - _luma(np.array(ink))) for ink in inks]
    return float(np.percentile(np.maximum(steps[0], steps[-1]), 5)) >= LEGIBLE_STEP


def _luma(colors: NDArray[np.generic]) -> NDArray[np.float64]:
    return np.asarray(colors, np.float64) @ np.array([0.299, 0.587, 0.114])


def _press(poster: Poster, drawn: _Drawn, area: tuple[slice, slice], inks: Inks) -> Line:
    """Lay the line on the poster."""
    color = np.broadcast_to(np.array(inks[0], np.float32), (*drawn.alpha.shape, 3)).copy()
    if drawn.style == "outline":
        inner = np.clip(drawn.fill / np.maximum(drawn.alpha, 1e-6), 0, 1)[:, :, None]
        color = color * inner + np.array(inks[1], np.float32) * (1 - inner)
    elif drawn.style == "gradient":
        share = np.linspace(0, 1, color.shape[0])[:, None, None]
        color = color * (1 - share) + np.array(inks[1], np.float32) * share
    alpha = drawn.alpha[:, :, None]
    mixed = poster.bare[area] * (1 - alpha) + color * alpha
    poster.picture[area] = np.floor(mixed + 0.5).astype(np.uint8)
    whole = np.zeros(poster.bare.shape[:2], np.float32)
    whole[area] = drawn.alpha
    quad = drawn.quad + np.array([area[1].start, area[0].start], np.float32)
    return Line(drawn.string, drawn.size_px, drawn.angle_deg, inks, quad, whole)


def _ink(chance: np.random.Generator, is_light: bool) -> tuple[int, int, int]:
    """A colour at least as far from the middle as can be read on the other side of it."""
    low, high = (200, 256) if is_light else (0, 56)
    color = [int(value) for value in chance.integers(low, high, 3)]
    if chance.random() < 0.4:  # a strong hue
        color[int(chance.integers(3))] = 20 if is_light else 150
    return (color[0], color[1], color[2])


def _face(string: str, place: int) -> Face:
    faces = _faces(not string.isascii())
    return faces[place % len(faces)]


@cache
def _faces(is_chinese: bool) -> list[Face]:
    fetched = [(FETCHED_FONT, weight) for weight in WEIGHTS]
    if is_chinese:
        return fetched
    installed = (Path("/usr/share/fonts") / path for path in LATIN_FACES)
    return fetched[:2] + [(path, 0) for path in installed if path.is_file()]
