"""A picture in overlapping tiles, worked on one by one and blended by weights that add up to one, so that no border shows.

References:
    Bar-Tal et al., "MultiDiffusion: Fusing Diffusion Paths for Controlled Image Generation", ICML 2023 (the weighted mean of all tiles
    that hold a pixel); Jiménez, "Mixture of Diffusers for Scene Composition and High Resolution Image Generation", 2023 (weights that
    fall towards a tile's border).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image

from modules.imaging.geometry import Box, Extent

STRIP_ROWS = 256


def spread(length: int, piece: int, shared: int, grain: int = 1) -> list[int]:
    """Where pieces begin that cover a length, evenly, and share at least about `shared` with their neighbours.

    Args:
        length: To be covered.
        piece: Length of each; one that is longer begins at 0 all the same.
        shared: Less than `piece`.
        grain: Pieces begin at multiples of it, where `length` and `piece` are such, too.
    """
    if piece >= length:
        return [0]
    count = math.ceil((length - piece) / (piece - shared)) + 1
    return [round(index * (length - piece) / (count - 1) / grain) * grain for index in range(count)]


def plan_tiles(picture: Extent, tile: Extent, overlap_px: int, grain: int = 1) -> list[Box]:
    """Tiles of one size that cover a picture, row by row.

    Args:
        tile: At most the picture's size.
        overlap_px: Neighbours share at least this, less rounding to `grain`; less than a tile's sides.
        grain: Corners lie at multiples of it.
    """
    rows = spread(picture.height, tile.height, overlap_px, grain)
    columns = spread(picture.width, tile.width, overlap_px, grain)
    return [Box(x, y, *tile.size) for y in rows for x in columns]


def blend_tiles(picture: Extent, boxes: Sequence[Box], tiles: Sequence[Image.Image]) -> Image.Image:
    """Join tiles: each pixel is the weighted mean of the tiles that hold it.

    Args:
        boxes: From `plan_tiles`; together they cover the picture.
        tiles: RGB, of the boxes' sizes.

    Raises:
        ValueError: A tile has another size than its box.
    """
    for box, tile in zip(boxes, tiles, strict=True):
        if tile.size != box.extent.size:
            raise ValueError(f"a tile of {tile.width}x{tile.height} for a box of {box.width}x{box.height}")
    across = _weights([(box.x, box.width) for box in boxes])
    down = _weights([(box.y, box.height) for box in boxes])
    result = np.empty((*picture.shape, 3), np.uint8)
    for top in range(0, picture.height, STRIP_ROWS):  # strips, so that a large picture is never held in floats
        bottom = min(top + STRIP_ROWS, picture.height)
        total, weight = np.zeros((bottom - top, picture.width, 3), np.float32), np.zeros((bottom - top, picture.width, 1), np.float32)
        for box, tile in zip(boxes, tiles, strict=True):
            first, last = max(top, box.y), min(bottom, box.y + box.height)
            if first >= last:
                continue
            rows = down[box.y, box.height][first - box.y : last - box.y]
            share = (rows[:, None] * across[box.x, box.width])[..., None]
            at = slice(first - top, last - top), slice(box.x, box.x + box.width)
            total[at] += share * np.asarray(tile.crop((0, first - box.y, box.width, last - box.y)).convert("RGB"), np.float32)
            weight[at] += share
        result[top:bottom] = np.clip(np.rint(total / weight), 0, 255)
    return Image.fromarray(result)


def _weights(spans: list[tuple[int, int]]) -> dict[tuple[int, int], np.ndarray]:
    """For each (start, length) on an axis, (length,) float32: 1 within, falling to nearly 0 over what is shared with a neighbour."""
    known = sorted(set(spans))
    found = {}
    for index, (start, length) in enumerate(known):
        position = np.arange(length, dtype=np.float32) + 0.5
        weight = np.ones(length, np.float32)
        if index > 0:
            shared = known[index - 1][0] + known[index - 1][1] - start
            weight = np.minimum(weight, _fade(position / max(shared, 1)))
        if index + 1 < len(known):
            shared = start + length - known[index + 1][0]
            weight = np.minimum(weight, _fade((length - position) / max(shared, 1)))
        found[start, length] = np.maximum(weight, 1e-4)
    return found


def _fade(share: np.ndarray) -> np.ndarray:
    share = np.clip(share, 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)


def keep_tones(painted: Image.Image, source: Image.Image, sigma_px: float) -> Image.Image:
    """A repainted picture with its own detail and the source's tones: what a wide blur leaves is taken from the source.

    Args:
        painted, source: RGB, of one size.
        sigma_px: Of the blur; detail finer than about this stays as it was painted.

    References:
        Wang et al., "Exploiting Diffusion Prior for Real-World Image Super-Resolution", IJCV 2024 (tints of a diffusion model's results,
        mended by the low band of a wavelet).
    """
    new, old = (np.asarray(image.convert("RGB"), np.float32) for image in (painted, source))
    mended = new + cv2.GaussianBlur(old - new, (0, 0), sigma_px, borderType=cv2.BORDER_REFLECT_101)
    return Image.fromarray(np.clip(np.rint(mended), 0, 255).astype(np.uint8))
