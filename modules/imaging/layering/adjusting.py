"""Changes of colour that keep alpha."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from modules.imaging.color import LUMA

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
MAX_GAIN = 1000.0
STRIP_ROWS = 64
"""Rows that are changed at a time, so that large pictures take no multiples of their memory."""


def parse_color(color: str) -> Floats:
    """(3,) float32 0..1 of "#rrggbb"."""
    return np.array([int(color[start : start + 2], 16) for start in (1, 3, 5)], np.float32) / np.float32(255)


def adjust_colors(
    pixels: Pixels,
    *,
    hue_deg: float = 0.0,
    saturation: float = 0.0,
    lightness: float = 0.0,
    gradient_map: Sequence[tuple[float, str]] = (),
    tint: str = "",
    tint_strength: float = 1.0,
) -> Pixels:
    """Change the straight colour of RGBA pixels, in the order of the arguments; alpha stays.

    Args:
        pixels: (h, w, 4) uint8; not modified.
        hue_deg: Turns the hue.
        saturation: -1 grey, 0 as it is, towards 1 ever more colourful; greys stay grey.
        lightness: -1 black, 0 as it is, 1 white.
        gradient_map: (position 0 to 1, "#rrggbb") of stops: the colour at the pixel's luma takes its place.
        tint: "#rrggbb" that is mixed in.
        tint_strength: 0 to 1; 1 = nothing but the tint.

    Returns:
        New pixels, or the same ones where nothing changes.
    """
    has_tone = hue_deg % 360 != 0 or saturation != 0 or lightness != 0
    has_tint = bool(tint) and tint_strength > 0
    if not (has_tone or gradient_map or has_tint):
        return pixels
    adjusted = pixels.copy()
    for top in range(0, len(pixels), STRIP_ROWS):
        color = pixels[top : top + STRIP_ROWS, :, :3].astype(np.float32) / np.float32(255)
        if has_tone:
            color = _change_tone(color, hue_deg, saturation, lightness)
        if gradient_map:
            color = _map_luma(color, gradient_map)
        if has_tint:
            color = color + np.float32(tint_strength) * (parse_color(tint) - color)
        adjusted[top : top + STRIP_ROWS, :, :3] = np.clip(np.floor(color * np.float32(255) + np.float32(0.5)), 0, 255)
    return adjusted


def _change_tone(color: Floats, hue_deg: float, saturation: float, lightness: float) -> Floats:
    if hue_deg % 360 != 0 or saturation != 0:
        hls = cv2.cvtColor(color, cv2.COLOR_RGB2HLS)
        hls[..., 0] = (hls[..., 0] + np.float32(hue_deg)) % 360
        gain = 1 + saturation if saturation <= 0 else min(1 / max(1 - saturation, 1 / MAX_GAIN), MAX_GAIN)
        hls[..., 2] = np.minimum(hls[..., 2] * np.float32(gain), 1)
        color = cv2.cvtColor(hls, cv2.COLOR_HLS2RGB)
    if lightness > 0:
        color = color + np.float32(lightness) * (1 - color)
    elif lightness < 0:
        color = color * np.float32(1 + lightness)
    return color


def _map_luma(color: Floats, stops: Sequence[tuple[float, str]]) -> Floats:
    ordered = sorted(stops, key=lambda stop: stop[0])
    positions = np.array([position for position, _ in ordered])
    colors = np.array([parse_color(name) for _, name in ordered])
    luma = color @ LUMA.astype(np.float32)
    return np.stack([np.interp(luma, positions, colors[:, channel]) for channel in range(3)], axis=-1).astype(np.float32)
