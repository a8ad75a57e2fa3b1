"""PNG files for other programs."""

from __future__ import annotations

import io

from PIL import Image

from modules.pipeline.layers.exchange.pieces import Pixels

LEVEL = 4
"""Of zlib: half the time of Pillow's own choice, for files that are hardly larger."""


def encode_rgba(pixels: Pixels) -> bytes:
    """(H, W, 4) uint8 RGBA as a PNG that keeps colours under alpha 0."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=LEVEL)
    return buffer.getvalue()


def encode_picture(pixels: Pixels) -> bytes:
    """The same, without an alpha channel where everything is opaque."""
    buffer = io.BytesIO()
    image = Image.fromarray(pixels)
    is_opaque = bool((pixels[..., 3] == 255).all())
    (image.convert("RGB") if is_opaque else image).save(buffer, "PNG", compress_level=LEVEL)
    return buffer.getvalue()
