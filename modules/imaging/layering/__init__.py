"""Arithmetic of layers: placing, blending, adjusting, effects, exact differences."""
