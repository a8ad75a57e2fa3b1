"""Pictures for training examples: cropping, varying light and colour, pasting cut-outs. Plain uint8 arrays, (height, width, channels)."""

from __future__ import annotations

import cv2
import numpy as np

STRETCH = 1.25


def scale(image: np.ndarray, size_px: int) -> np.ndarray:
    """Resize to a square."""
    height, width = image.shape[:2]
    if height == width == size_px:
        return image
    mode = cv2.INTER_AREA if min(height, width) > size_px else cv2.INTER_CUBIC
    return cv2.resize(image, (size_px, size_px), interpolation=mode)


def random_square(image: np.ndarray, size_px: int, rng: np.random.Generator, native_share: float, *others: np.ndarray) -> list[np.ndarray]:
    """Cut a random square, scale it to `size_px` and flip it by chance.

    Args:
        image: (height, width, 3) uint8.
        size_px: Side of the result.
        rng: Source of chance.
        native_share: Chance of a crop without scaling, where the picture is large enough for one.
        others: Further arrays of that height and width, cut alike.
    """
    height, width = image.shape[:2]
    short = min(height, width)
    if short >= size_px and rng.random() < native_share:
        side = size_px
    else:
        side = int(rng.integers(int(short * 0.6), short + 1))
    top, left = int(rng.integers(0, height - side + 1)), int(rng.integers(0, width - side + 1))
    return _cut([image, *others], (top, left, side, side), size_px, rng)


def middle_square(image: np.ndarray, size_px: int, share: float = 1.0) -> np.ndarray:
    """Cut the middle square, or `share` of its side, and scale it to (size_px, size_px, channels)."""
    height, width = image.shape[:2]
    side = int(min(height, width) * share)
    top, left = (height - side) // 2, (width - side) // 2
    return scale(image[top : top + side, left : left + side], size_px)


def square_around(
    image: np.ndarray, mask: np.ndarray, size_px: int, rng: np.random.Generator, most_margin: float = 0.9
) -> list[np.ndarray]:
    """Cut a part that holds a whole object wherever the picture allows it, scaled to a square and stretched by a quarter at most.

    Args:
        image: (height, width, 3) uint8.
        mask: (height, width) uint8, the object.
        size_px: Side of the result.
        rng: Source of chance.
        most_margin: Largest margin around the object, as a share of its longer side.

    Returns:
        Picture and mask.
    """
    height, width = image.shape[:2]
    left, top, across, down = cv2.boundingRect((mask > 127).astype(np.uint8))
    side = int(max(across, down) * (1 + rng.uniform(0.08, most_margin)))
    rows, columns = min(side, height), min(side, width)
    rows, columns = min(rows, int(columns * STRETCH)), min(columns, int(rows * STRETCH))
    first_row = _start(top, down, rows, height, rng)
    first_column = _start(left, across, columns, width, rng)
    return _cut([image, mask], (first_row, first_column, rows, columns), size_px, rng)


def vary_colour(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Change brightness, contrast, saturation and warmth a little."""
    contrast, saturation = rng.uniform(0.8, 1.2, 2)
    warmth = rng.normal(0, 0.03)
    matrix = contrast * (saturation * np.eye(3) + (1 - saturation) / 3)
    matrix = np.diag((1 + warmth, 1.0, 1 - warmth)) @ matrix
    offset = np.full((3, 1), 127.5 * (1 - contrast + rng.uniform(-0.12, 0.12)))
    return cv2.transform(image, np.concatenate([matrix, offset], 1).astype(np.float32))


def paste(
    image: np.ndarray, cutout: np.ndarray, rng: np.random.Generator, least: float = 0.3, most: float = 0.75
) -> tuple[np.ndarray, np.ndarray]:
    """Paste one cut-out at a random place, size, tilt and light, most often with a shadow.

    Args:
        image: (size, size, 3) uint8.
        cutout: (height, width, 4) uint8.
        rng: Source of chance.
        least: Smallest longer side of the object, as a share of the picture's.
        most: Largest one.

    Returns:
        The picture with the object, and the object's alpha as (size, size) float32 in [0, 1].
    """
    size = image.shape[0]
    sprite = _place(cutout, size, rng, least, most)
    alpha = sprite[..., 3]
    colour = _light(sprite[..., :3], alpha, rng)
    canvas = image.astype(np.float32)
    if rng.random() < 0.75:
        canvas *= (1 - _shadow(alpha, rng))[..., None]
    pasted = canvas * (1 - alpha[..., None]) + colour
    return np.clip(pasted + 0.5, 0, 255).astype(np.uint8), np.ascontiguousarray(alpha)


def _place(cutout: np.ndarray, size: int, rng: np.random.Generator, least: float, most: float) -> np.ndarray:
    """Return (size, size, 4) float32: the turned cut-out, colour (0 to 255) times alpha, alpha (0 to 1)."""
    left, top, across, down = cv2.boundingRect((cutout[..., 3] > 25).astype(np.uint8))
    part = cutout[top : top + down, left : left + across].astype(np.float32)
    part[..., 3] *= 1 / 255
    part[..., :3] *= part[..., 3:]
    target = size * rng.uniform(least, most)
    factor = target / max(across, down)
    if factor < 1:
        shape = max(round(across * factor), 2), max(round(down * factor), 2)
        part = cv2.resize(part, shape, interpolation=cv2.INTER_AREA)
        factor = 1.0
    height, width = part.shape[:2]
    angle = np.deg2rad(rng.normal(0, 10))
    cos, sin = factor * np.cos(angle), factor * np.sin(angle)
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    turn = np.array([[cos * mirror, -sin], [sin * mirror, cos]])
    half = np.abs(turn) @ (width / 2, height / 2)
    inset = np.minimum(half * rng.uniform(0.75, 1.0), size / 2)
    centre = rng.uniform(inset, size - inset)
    shift = centre - turn @ (width / 2, height / 2)
    matrix = np.concatenate([turn, shift[:, None]], 1)
    return cv2.warpAffine(part, matrix, (size, size), flags=cv2.INTER_LINEAR)


def _light(colour: np.ndarray, alpha: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Change brightness, contrast and warmth of an object (colour times alpha), with more light from one side."""
    contrast, warmth = rng.uniform(0.75, 1.1), rng.normal(0, 0.06)
    gain = contrast * np.array([1 + warmth, 1.0, 1 - warmth], np.float32)
    offset = np.float32(127.5 * (1 - contrast) + 255 * rng.uniform(-0.12, 0.06))
    size = alpha.shape[0]
    ramp = np.linspace(-1, 1, size, dtype=np.float32)
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.3)
    shade = 1 + strength * (np.float32(np.cos(angle)) * ramp[None] + np.float32(np.sin(angle)) * ramp[:, None])
    lit = (colour * gain + (offset * alpha)[..., None]) * shade[..., None].astype(np.float32)
    return np.clip(lit, 0, 255 * alpha[..., None])


def _shadow(alpha: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return (size, size) float32 in [0, 1], how much darker the ground gets: a soft copy, or a flat one under the foot."""
    size = alpha.shape[0]
    strength = rng.uniform(0.15, 0.6)
    if rng.random() < 0.55:
        shift = size * np.array([rng.uniform(-0.06, 0.06), rng.uniform(0.0, 0.06)])
        moved = cv2.warpAffine(alpha, np.array([[1, 0, shift[0]], [0, 1, shift[1]]]), (size, size), flags=cv2.INTER_NEAREST)
        return strength * cv2.GaussianBlur(moved, (0, 0), size * rng.uniform(0.01, 0.05))
    left, top, across, down = cv2.boundingRect((alpha > 0.3).astype(np.uint8))
    flat = np.zeros_like(alpha)
    centre = (int(left + across / 2 + across * rng.uniform(-0.1, 0.1)), int(top + down * rng.uniform(0.93, 1.0)))
    axes = (max(int(across * rng.uniform(0.35, 0.6)), 1), max(int(across * rng.uniform(0.06, 0.16)), 1))
    cv2.ellipse(flat, centre, axes, 0, 0, 360, 1.0, -1)
    return strength * cv2.GaussianBlur(flat, (0, 0), max(size * rng.uniform(0.01, 0.03), 0.6))


def _start(first: int, extent: int, window: int, whole: int, rng: np.random.Generator) -> int:
    """Where a window starts so that it holds an extent, or lies inside of it."""
    low, high = sorted((first, first + extent - window))
    low, high = max(low, 0), min(high, whole - window)
    return int(rng.integers(low, high + 1)) if high > low else min(max(low, 0), whole - window)


def _cut(images: list[np.ndarray], box: tuple[int, int, int, int], size_px: int, rng: np.random.Generator) -> list[np.ndarray]:
    top, left, rows, columns = box
    step = -1 if rng.random() < 0.5 else 1
    return [np.ascontiguousarray(scale(image[top : top + rows, left : left + columns], size_px)[:, ::step]) for image in images]
