"""Random training masks: strokes, blobs, boxes, ellipses, borders, objects, the whole picture. 1 = repaint."""

from __future__ import annotations

import cv2
import numpy as np

KINDS = ("strokes", "blob", "box", "ellipse", "border", "all")
FREE = (0.26, 0.22, 0.18, 0.10, 0.16, 0.08)
LARGE = (0.10, 0.24, 0.42, 0.08, 0.16, 0.0)
COVERING = (0.45, 0.9)
"""Sides of what shall be covered by a thing, as shares of the picture's."""
_BLOB_PX = 64
_SHIFT = 4


def draw_strokes(size: int, rng: np.random.Generator) -> np.ndarray:
    """A few thick broken lines with round ends, as from a brush."""
    mask = np.zeros((size, size), np.float32)
    for _ in range(rng.integers(1, 4)):
        thickness = max(int(2 * size * rng.uniform(0.05, 0.15)), 1)
        point, angle = rng.uniform(0, size, 2), rng.uniform(0, 2 * np.pi)
        for _ in range(rng.integers(1, 6)):
            angle += rng.normal(0, 0.9)
            end = point + size * rng.uniform(0.08, 0.3) * np.array([np.cos(angle), np.sin(angle)])
            cv2.line(mask, _fixed(point), _fixed(end), 1.0, thickness, cv2.LINE_8, _SHIFT)
            point = end
    return mask


def draw_blob(size: int, rng: np.random.Generator, least: float = 0.05, most: float = 0.5) -> np.ndarray:
    """A smooth, roundish, irregular area, as somebody paints over a thing.

    Args:
        size: Side in pixels.
        rng: Source of chance.
        least: Smallest share of the picture.
        most: Largest share of the picture.
    """
    cells = int(rng.integers(4, 8))
    noise = cv2.resize(rng.standard_normal((cells, cells)).astype(np.float32), (_BLOB_PX, _BLOB_PX), interpolation=cv2.INTER_CUBIC)
    ramp = np.linspace(-1, 1, _BLOB_PX, dtype=np.float32)
    y, x = rng.uniform(-0.6, 0.6, 2).astype(np.float32)
    stretch = np.float32(rng.uniform(0.6, 1.6))
    height = 0.45 * noise - np.hypot((ramp[:, None] - y) * stretch, (ramp[None] - x) / stretch) * 1.6
    rank = int(rng.uniform(least, most) * height.size)
    level = np.partition(height.ravel(), height.size - rank)[height.size - rank]
    return (cv2.resize(height, (size, size), interpolation=cv2.INTER_CUBIC) >= level).astype(np.float32)


def draw_shape(size: int, rng: np.random.Generator, is_box: bool, least: float = 0.25, most: float = 0.75) -> np.ndarray:
    """One box or ellipse, each side between `least` and `most` of the picture's."""
    mask = np.zeros((size, size), np.float32)
    extent = size * rng.uniform(least, most, 2)
    corner = rng.uniform(-0.1 * size, size * 1.1 - extent)
    if is_box:
        (left, top), (right, bottom) = np.maximum(corner, 0).astype(int), np.ceil(corner + extent).astype(int)
        mask[top:bottom, left:right] = 1
    else:
        cv2.ellipse(mask, _fixed(corner + extent / 2), _fixed(extent / 2), float(rng.uniform(-20, 20)), 0, 360, 1.0, -1, cv2.LINE_8, _SHIFT)
    return mask


def draw_border(size: int, rng: np.random.Generator) -> np.ndarray:
    """One to four sides, as when a picture is extended outwards."""
    mask = np.zeros((size, size), np.float32)
    sides = rng.permutation(4)[: rng.choice([1, 2, 4], p=[0.6, 0.25, 0.15])]
    for side in sides:
        depth = int(size * rng.uniform(0.12, 0.5 if len(sides) == 1 else 0.3))
        np.rot90(mask, side)[:depth] = 1
    return mask


def draw_covering(size: int, rng: np.random.Generator) -> np.ndarray:
    """A box, an ellipse or a blob where a person wants some thing: (size, size) float32 of zeros and ones, within the picture."""
    kind = rng.random()
    if kind < 0.2:
        return draw_blob(size, rng, least=0.15, most=0.55)
    mask = np.zeros((size, size), np.float32)
    across, down = size * rng.uniform(*COVERING, 2)
    x, y = rng.random(2) * (size - across, size - down)
    if kind < 0.6:
        mask[round(y) : round(y + down), round(x) : round(x + across)] = 1
    else:
        middle, half = np.array([x + across / 2, y + down / 2]), np.array([across / 2, down / 2])
        cv2.ellipse(mask, _fixed(middle), _fixed(half), 0, 0, 360, 1.0, -1, cv2.LINE_8, _SHIFT)
    return mask


def cover_object(alpha: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cover an object: its outline grown by a margin, roughly painted over, or its bounding box, at times with a wide margin.

    Args:
        alpha: (size, size) float32 in [0, 1].
        rng: Source of chance.

    Returns:
        (size, size) float32 of zeros and ones, covering all of the object.
    """
    size = alpha.shape[0]
    solid = (alpha > 0.1).astype(np.uint8)
    left, top, width, height = cv2.boundingRect(solid)
    if not width:
        return draw_shape(size, rng, is_box=True)
    if rng.random() < 0.4:
        spread = rng.uniform(0.0, 0.15) if rng.random() < 0.6 else rng.uniform(0.25, 0.6)
        below, right_of = spread * rng.random(2)
        mask = np.zeros(alpha.shape, np.float32)
        rows = slice(max(int(top - (spread - below) * height), 0), int(np.ceil(top + height * (1 + below))))
        mask[rows, max(int(left - (spread - right_of) * width), 0) : int(np.ceil(left + width * (1 + right_of)))] = 1
        return mask
    radius = max(int(size * rng.uniform(0.01, 0.06)), 1)
    grown = cv2.dilate(solid, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)))
    if rng.random() < 0.5:
        rough = cv2.GaussianBlur(grown.astype(np.float32), (0, 0), size * rng.uniform(0.02, 0.07))
        grown |= (rough > 0.25).astype(np.uint8)
    return grown.astype(np.float32)


def random_mask(size: int, rng: np.random.Generator, chances: tuple[float, ...] = FREE) -> np.ndarray:
    """Draw one mask of a random kind.

    Args:
        size: Side in pixels.
        rng: Source of chance.
        chances: Of each of `KINDS`; `LARGE` prefers large boxes and blobs.

    Returns:
        (size, size) float32 of zeros and ones, never empty.
    """
    kind = KINDS[min(int(np.searchsorted(np.cumsum(chances), rng.random(), side="right")), len(KINDS) - 1)]
    is_large = chances is LARGE
    if kind == "strokes":
        mask = draw_strokes(size, rng)
    elif kind == "blob":
        mask = draw_blob(size, rng, least=0.15 if is_large else 0.05)
    elif kind == "border":
        mask = draw_border(size, rng)
    elif kind == "all":
        mask = np.ones((size, size), np.float32)
    else:
        mask = draw_shape(size, rng, kind == "box", *((0.5, 0.95) if is_large else (0.25, 0.75)))
    return mask if mask.mean() > 0.01 else draw_shape(size, rng, is_box=True)


def _fixed(point: np.ndarray) -> tuple[int, int]:
    """A point in OpenCV's fixed-point numbers."""
    return round(float(point[0]) * 2**_SHIFT), round(float(point[1]) * 2**_SHIFT)
