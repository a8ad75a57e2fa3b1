"""Names of blend modes, and of the light in which colours are mixed."""

from __future__ import annotations

from enum import Enum


class BlendMode(Enum):
    """How a layer's colour meets what lies below (W3C, "Compositing and Blending Level 1"; ADD and SUBTRACT as in PSD files)."""

    NORMAL = "normal"
    MULTIPLY = "multiply"
    SCREEN = "screen"
    OVERLAY = "overlay"
    DARKEN = "darken"
    LIGHTEN = "lighten"
    COLOR_DODGE = "color-dodge"
    COLOR_BURN = "color-burn"
    HARD_LIGHT = "hard-light"
    SOFT_LIGHT = "soft-light"
    DIFFERENCE = "difference"
    EXCLUSION = "exclusion"
    ADD = "add"
    SUBTRACT = "subtract"


class Light(Enum):
    """In which light colours are mixed."""

    SRGB = "srgb"
    LINEAR = "linear"
