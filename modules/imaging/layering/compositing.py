"""Putting one layer onto a canvas of 8 bits: the same bytes for the same pixels, whatever lies around them and on every machine."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from modules.imaging.geometry import Box, Extent
from modules.imaging.layering.blend_mode import BlendMode, Light

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
CHUNK_PX = 1 << 15
"""Pixels that are mixed at a time, so that what is computed in between stays in the processor's cache."""
LINEAR_STEPS = 1 << 16
"""Entries of the table from linear light to 8 bits: twenty for the narrowest of the 256 steps."""


def _decode_srgb(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """From 0..1 encoded to 0..1 linear (IEC 61966-2-1)."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _encoding_table() -> NDArray[np.uint8]:
    linear = np.arange(LINEAR_STEPS) / (LINEAR_STEPS - 1)
    between = _decode_srgb((np.arange(255) + 0.5) / 255)
    return np.searchsorted(between, linear, side="right").astype(np.uint8)


SHARES = (np.arange(256) / 255).astype(np.float32)
DECODED = {Light.SRGB: SHARES, Light.LINEAR: _decode_srgb(np.arange(256) / 255).astype(np.float32)}
_ENCODED = _encoding_table()


def decode(values: Pixels, light: Light) -> Floats:
    """8 bits to float32 0..1 of the given light."""
    return DECODED[light][values]


def encode(values: Floats, light: Light) -> Pixels:
    """0..1 of the given light to 8 bits, rounded half up; values beyond are cut."""
    if light is Light.SRGB:
        return np.clip(np.floor(values * np.float32(255) + np.float32(0.5)), 0, 255).astype(np.uint8)
    places = np.clip(values, 0, 1) * np.float32(LINEAR_STEPS - 1) + np.float32(0.5)
    return _ENCODED[places.astype(np.int32)]


def blend(
    canvas: Pixels, box: Box, pixels: Pixels, mode: BlendMode = BlendMode.NORMAL, opacity: float = 1.0, light: Light = Light.SRGB
) -> None:
    """Blend a layer onto a canvas, in place. Where the layer's alpha is 0 the canvas keeps its bytes.

    Args:
        canvas: (H, W, 4) uint8 RGBA, straight alpha; changed inside the box.
        box: Where the layer lies; what is beyond the canvas is left out.
        pixels: (box.height, box.width, 4) uint8 RGBA, straight alpha.
        mode: How colours meet.
        opacity: 0 to 1.
        light: In which colours are mixed; alpha is always linear.

    References:
        W3C, "Compositing and Blending Level 1", sections 5 and 9.
    """
    here, there = _overlap(canvas, box)
    if here is None or opacity <= 0:
        return
    source, target = pixels[there], canvas[here]
    is_copied = mode is BlendMode.NORMAL and opacity >= 1
    rows = max(1, CHUNK_PX // source.shape[1])
    for top in range(0, len(source), rows):
        _blend_rows(target[top : top + rows], source[top : top + rows], is_copied, mode, np.float32(opacity), light)


def _blend_rows(target: Pixels, source: Pixels, is_copied: bool, mode: BlendMode, opacity: np.float32, light: Light) -> None:
    """Of a few rows, those pixels that the layer covers; where it hides what lies below they are copied."""
    alphas = source[..., 3]
    is_mixed = alphas > 0
    if is_copied:
        is_hiding = alphas == 255
        if is_hiding.all():
            target[...] = source
            return
        if is_hiding.any():
            np.copyto(target, source, where=is_hiding[..., None])
            is_mixed &= ~is_hiding
    if is_mixed.all():
        target[...] = _mix(target.reshape(-1, 4), source.reshape(-1, 4), mode, opacity, light).reshape(target.shape)
    elif is_mixed.any():
        target[is_mixed] = _mix(target[is_mixed], source[is_mixed], mode, opacity, light)


def _mix(below: Pixels, above: Pixels, mode: BlendMode, opacity: np.float32, light: Light) -> Pixels:
    """(n, 4) uint8 each; `above` has no alpha of 0. Where `below` is opaque this is exactly `low + alpha * (met - low)`."""
    alpha = SHARES[above[:, 3:]] * opacity
    backing = SHARES[below[:, 3:]]
    low, high = decode(below[:, :3], light), decode(above[:, :3], light)
    met = high if mode is BlendMode.NORMAL else _MEETINGS[mode](low, high)
    color = low + alpha * (met - low)
    mixed = np.empty_like(below)
    if backing.min() < 1:
        covered = 1 - (1 - alpha) * (1 - backing)
        color = (backing * color + alpha * (1 - backing) * high) / covered
        mixed[:, 3:] = encode(covered, Light.SRGB)
    else:
        mixed[:, 3] = 255
    mixed[:, :3] = encode(color, light)
    return mixed


def apply_difference(canvas: Pixels, box: Box, difference: NDArray[np.int16], opacity: float = 1.0) -> None:
    """Add a signed difference onto a canvas, in place, cut to 0..255.

    Args:
        canvas: (H, W, 4) uint8.
        box: Where it lies; what is beyond the canvas is left out.
        difference: (box.height, box.width, 4) int16, in steps of 8 bits.
        opacity: 0 to 1; the difference is multiplied with it and rounded half up.
    """
    here, there = _overlap(canvas, box)
    if here is None or opacity <= 0:
        return
    part = difference[there]
    if opacity < 1:
        part = np.floor(part * np.float32(opacity) + np.float32(0.5)).astype(np.int16)
    canvas[here] = cv2.add(np.ascontiguousarray(canvas[here]), np.ascontiguousarray(part), dtype=cv2.CV_8U)


def _overlap(canvas: Pixels, box: Box) -> tuple[tuple[slice, slice] | None, tuple[slice, slice]]:
    """Slices of the canvas and of what lies in `box`, where they meet; None = nowhere."""
    cut = box.cut_at(Extent(canvas.shape[1], canvas.shape[0]))
    if cut is None:
        return None, (slice(0), slice(0))
    left, top, right, bottom = cut.edges
    return (slice(top, bottom), slice(left, right)), (slice(top - box.y, bottom - box.y), slice(left - box.x, right - box.x))


Meeting = Callable[[Floats, Floats], Floats]
"""(backdrop, source), both 0..1 -> the colour where both are opaque."""


def _hard_light(low: Floats, high: Floats) -> Floats:
    return np.where(high <= 0.5, 2 * low * high, 1 - 2 * (1 - low) * (1 - high))


def _soft_light(low: Floats, high: Floats) -> Floats:
    curve = np.where(low <= 0.25, ((16 * low - 12) * low + 4) * low, np.sqrt(low))
    return np.where(high <= 0.5, low - (1 - 2 * high) * low * (1 - low), low + (2 * high - 1) * (curve - low))


def _color_dodge(low: Floats, high: Floats) -> Floats:
    room = 1 - high
    quotient = np.minimum(low / np.where(room > 0, room, 1), 1)
    return np.where(low <= 0, 0, np.where(room > 0, quotient, 1)).astype(np.float32)


def _color_burn(low: Floats, high: Floats) -> Floats:
    quotient = np.minimum((1 - low) / np.where(high > 0, high, 1), 1)
    return np.where(low >= 1, 1, np.where(high > 0, 1 - quotient, 0)).astype(np.float32)


_MEETINGS: dict[BlendMode, Meeting] = {
    BlendMode.NORMAL: lambda low, high: high,
    BlendMode.MULTIPLY: lambda low, high: low * high,
    BlendMode.SCREEN: lambda low, high: low + high - low * high,
    BlendMode.OVERLAY: lambda low, high: _hard_light(high, low),
    BlendMode.DARKEN: np.minimum,
    BlendMode.LIGHTEN: np.maximum,
    BlendMode.COLOR_DODGE: _color_dodge,
    BlendMode.COLOR_BURN: _color_burn,
    BlendMode.HARD_LIGHT: _hard_light,
    BlendMode.SOFT_LIGHT: _soft_light,
    BlendMode.DIFFERENCE: lambda low, high: np.abs(low - high),
    BlendMode.EXCLUSION: lambda low, high: low + high - 2 * low * high,
    BlendMode.ADD: lambda low, high: np.minimum(low + high, 1),
    BlendMode.SUBTRACT: lambda low, high: np.maximum(low - high, 0),
}
