"""Random training masks: strokes, boxes, ellipses, borders, objects, the whole picture. 1 = repaint."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter


def draw_strokes(size: int, rng: np.random.Generator) -> np.ndarray:
    """A few thick broken lines with round ends, as from a brush."""
    mask = Image.new("L", (size, size))
    draw = ImageDraw.Draw(mask)
    for _ in range(rng.integers(1, 4)):
        radius = size * rng.uniform(0.05, 0.15)
        point, angle = rng.uniform(0, size, 2), rng.uniform(0, 2 * np.pi)
        for _ in range(rng.integers(1, 6)):
            angle += rng.normal(0, 0.9)
            end = point + size * rng.uniform(0.08, 0.3) * np.array([np.cos(angle), np.sin(angle)])
            draw.line([*point, *end], fill=255, width=int(2 * radius))
            draw.ellipse([*(point - radius), *(point + radius)], fill=255)
            draw.ellipse([*(end - radius), *(end + radius)], fill=255)
            point = end
    return np.asarray(mask) / np.float32(255)


def draw_shape(size: int, rng: np.random.Generator, is_box: bool) -> np.ndarray:
    """One box or ellipse, 25 to 75 % of the picture on each side."""
    mask = Image.new("L", (size, size))
    extent = size * rng.uniform(0.25, 0.75, 2)
    corner = rng.uniform(-0.1 * size, size * 1.1 - extent)
    draw = ImageDraw.Draw(mask)
    (draw.rectangle if is_box else draw.ellipse)([*corner, *(corner + extent)], fill=255)
    return np.asarray(mask) / np.float32(255)


def draw_border(size: int, rng: np.random.Generator) -> np.ndarray:
    """One to four sides, as when a picture is extended outwards."""
    mask = np.zeros((size, size), np.float32)
    sides = rng.permutation(4)[: rng.choice([1, 2, 4], p=[0.6, 0.25, 0.15])]
    for side in sides:
        depth = int(size * rng.uniform(0.12, 0.5 if len(sides) == 1 else 0.3))
        np.rot90(mask, side)[:depth] = 1
    return mask


def cover_object(alpha: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cover an object: its outline grown by a margin, or its bounding box."""
    solid = alpha > 0.1
    if not solid.any():
        return draw_shape(alpha.shape[0], rng, is_box=True)
    if rng.random() < 0.3:
        rows, columns = np.where(solid.any(1))[0], np.where(solid.any(0))[0]
        mask = np.zeros(alpha.shape, np.float32)
        mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = 1
        return mask
    margin = int(rng.integers(1, 6)) * 2 + 1
    grown = Image.fromarray(solid.astype(np.uint8) * 255).filter(ImageFilter.MaxFilter(margin))
    return (np.asarray(grown) > 0).astype(np.float32)


def random_mask(size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw one mask of a random kind.

    Returns:
        (size, size) float32 of zeros and ones, never empty.
    """
    kind = rng.choice(["strokes", "box", "ellipse", "border", "all"], p=[0.34, 0.24, 0.16, 0.18, 0.08])
    if kind == "strokes":
        mask = draw_strokes(size, rng)
    elif kind == "border":
        mask = draw_border(size, rng)
    elif kind == "all":
        mask = np.ones((size, size), np.float32)
    else:
        mask = draw_shape(size, rng, is_box=kind == "box")
    return mask if mask.mean() > 0.01 else draw_shape(size, rng, is_box=True)
