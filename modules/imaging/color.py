"""Colour correction: give a result the colour distribution of the picture it came from, keeping its own luminosity."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image
from skimage.exposure import match_histograms

LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
STRIP_ROWS = 32


def correction_target(image: Image.Image) -> np.ndarray:
    """What `correct_color` aims at: (height, width, 3) uint8, the picture in OpenCV's 8-bit CIELAB."""
    return cv2.cvtColor(np.asarray(image.convert("RGB")), cv2.COLOR_RGB2LAB)


def correct_color(target: np.ndarray, image: Image.Image) -> Image.Image:
    """Match the CIELAB histograms of `image` to `target`, then put the image's own luminosity back.

    Args:
        target: From `correction_target`; any size.
        image: The result to correct; not modified.

    Returns:
        RGB, of the image's size.

    References:
        Gonzalez & Woods, "Digital Image Processing", section 3.3.2 (histogram specification);
        W3C Compositing and Blending Level 1, section 10.1 (luminosity).
    """
    pixels = np.asarray(image.convert("RGB"))
    lab = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB)
    matched = match_histograms(lab, target, channel_axis=-1).astype(np.uint8)
    colors = cv2.cvtColor(matched, cv2.COLOR_LAB2RGB)
    result = np.empty_like(pixels)
    for top in range(0, len(pixels), STRIP_ROWS):  # strips keep the floating-point pictures in the cache
        strip = slice(top, top + STRIP_ROWS)
        blended = _set_luminosity(colors[strip] / 255.0, pixels[strip] / 255.0 @ LUMA)
        result[strip] = np.clip(blended, 0.0, 1.0) * 255
    return Image.fromarray(result)


def _set_luminosity(color: np.ndarray, luminosity: np.ndarray) -> np.ndarray:
    """Hue and saturation of `color` (h, w, 3) with another luminosity (h, w), all in [0, 1]; colours out of gamut are desaturated."""
    level = luminosity[..., None]
    shifted = color + (level - (color @ LUMA)[..., None])
    level = (shifted @ LUMA)[..., None]
    lowest = shifted.min(axis=-1, keepdims=True)
    highest = shifted.max(axis=-1, keepdims=True)
    below, above = lowest < 0, highest > 1
    shifted = np.where(below, level + (shifted - level) * level / np.where(below, level - lowest, 1), shifted)
    return np.where(above, level + (shifted - level) * (1 - level) / np.where(above, highest - level, 1), shifted)
