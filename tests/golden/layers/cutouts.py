"""Pictures in which a subject of known alpha and colour lies over a photograph: emoji, and drawn shapes with hair, soft and blurred edges.

Photographs are scikit-image's (public domain or CC0 as its data folder says); the emoji's origin stands beside them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import data

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

FOLDER = Path(__file__).parents[2] / "data" / "cutouts"
PHOTOS = ("grass", "brick", "gravel", "rocket", "moon", "coffee", "hubble_deep_field", "camera", "retina", "chelsea")
SHAPES = ("fur", "soft", "blurred", "ring")
_FINER = 4


@dataclass(frozen=True)
class Cutout:
    """A picture and its truth.

    Attributes:
        name: What over what.
        picture, background: (H, W, 3) uint8, with the subject and without it.
        alpha: (H, W) float32 in [0, 1].
        colour: (H, W, 3) uint8: the subject's own.
    """

    name: str
    picture: Pixels
    background: Pixels
    alpha: Floats
    colour: Pixels


def make_cutouts(count: int, side_px: int = 512, files: Sequence[Path] | None = None) -> Iterator[Cutout]:
    """The same pictures for the same arguments; every third subject is drawn, the others are emoji.

    Args:
        files: RGBA pictures of subjects; None = those that lie here.
    """
    files = files or sorted(FOLDER.glob("*.webp"))
    for number in range(count):
        rng = np.random.default_rng(number)
        name = SHAPES[number // 3 % len(SHAPES)] if number % 3 == 2 else files[number % len(files)].stem
        photo = PHOTOS[number % len(PHOTOS)]
        subject = _draw(name, rng) if name in SHAPES else np.asarray(Image.open(files[number % len(files)]).convert("RGBA"))
        yield _composite(f"{name} over {photo}", subject, _photo(photo, side_px, rng), rng)


@cache
def _whole(name: str) -> Pixels:
    pixels = getattr(data, name)()
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB) if pixels.ndim == 2 else pixels, np.uint8)


def _photo(name: str, side_px: int, rng: np.random.Generator) -> Pixels:
    whole = _whole(name)
    scale = max(side_px / min(whole.shape[:2]), 1.0)
    if scale > 1:
        whole = np.asarray(cv2.resize(whole, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8)
    top, left = (int(rng.integers(0, side - side_px + 1)) for side in whole.shape[:2])
    return np.ascontiguousarray(whole[top : top + side_px, left : left + side_px])


def _composite(name: str, subject: Pixels, photo: Pixels, rng: np.random.Generator) -> Cutout:
    side = len(photo)
    size = rng.uniform(0.35, 0.55) * side
    scale, angle = size / max(subject.shape[:2]), rng.uniform(-20, 20)
    turn = cv2.getRotationMatrix2D((subject.shape[1] / 2, subject.shape[0] / 2), angle, scale)
    turn[:, 2] += rng.uniform(0.4, 0.6, 2) * side - (subject.shape[1] / 2, subject.shape[0] / 2)
    dense = subject.astype(np.float32) / 255
    dense[..., :3] *= dense[..., 3:]
    shrunk = cv2.GaussianBlur(dense, (0, 0), 0.4 / scale) if scale < 1 else dense
    placed = np.clip(cv2.warpAffine(shrunk, turn, (side, side), flags=cv2.INTER_LINEAR), 0, 1)
    alpha = placed[..., 3]
    colour = np.clip(placed[..., :3] / np.maximum(alpha, 1 / 255)[..., None], 0, 1)
    picture = placed[..., :3] * 255 + (1 - alpha[..., None]) * photo
    return Cutout(name, _rounded(picture), photo, alpha, _rounded(colour * 255))


def _draw(shape: str, rng: np.random.Generator) -> Pixels:
    """(300, 300, 4) uint8, drawn finer and shrunk."""
    side = 300 * _FINER
    mask = np.zeros((side, side), np.uint8)
    middle, radius = (side // 2, side // 2), int(0.33 * side)
    if shape == "ring":
        cv2.circle(mask, middle, radius, 255, side // 9, cv2.LINE_AA)
    else:
        cv2.ellipse(mask, middle, (radius, int(0.8 * radius)), 0, 0, 360, 255, -1, cv2.LINE_AA)
    if shape == "fur":
        _comb(mask, middle, radius, rng)
    alpha = cv2.resize(mask, None, fx=1 / _FINER, fy=1 / _FINER, interpolation=cv2.INTER_AREA).astype(np.float32)
    if shape == "soft":
        alpha = cv2.GaussianBlur(alpha, (0, 0), 4)
    if shape == "blurred":
        alpha = cv2.filter2D(alpha, -1, np.full((1, 15), 1 / 15, np.float32))
    spots = cv2.resize(rng.uniform(-45, 45, (12, 12, 1)).astype(np.float32), (300, 300), interpolation=cv2.INTER_CUBIC)
    colour = rng.uniform((150, 60, 20), (250, 160, 90)) + spots[..., None]
    return _rounded(np.dstack([colour, alpha]))


def _comb(mask: Pixels, middle: tuple[int, int], radius: int, rng: np.random.Generator) -> None:
    """Hair all round, of half a pixel to two at the end."""
    for angle in rng.uniform(0, 2 * np.pi, 700):
        bend, length = rng.normal(0, 0.25), rng.uniform(0.05, 0.2) * radius
        steps = np.linspace(-0.1 * radius, length, 12)
        turned = angle + bend * np.maximum(steps, 0) / (0.2 * radius)
        x = middle[0] + (radius * np.cos(angle)) + steps * np.cos(turned)
        y = middle[1] + (0.8 * radius * np.sin(angle)) + steps * np.sin(turned)
        line = np.rint(np.column_stack([x, y])).astype(np.int32)
        cv2.polylines(mask, [line], False, 255, int(rng.integers(2, 8)), cv2.LINE_AA)


def _rounded(values: NDArray[np.floating]) -> Pixels:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
