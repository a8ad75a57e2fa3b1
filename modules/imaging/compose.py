"""Putting a repainted picture back, so that what was not masked stays as it was, bit for bit."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps

from modules.imaging.geometry import Box, Extent
from modules.imaging.resize import ResizeMode, Upscaler, resize_image


def make_overlay(image: Image.Image, overlay_mask: Image.Image) -> Image.Image:
    """The part of a picture that lies over every result: opaque where nothing is repainted.

    Args:
        image: RGB, full canvas.
        overlay_mask: L, same size; 0 keeps the picture's pixel exactly, 255 shows the result.

    Returns:
        RGBA; made in premultiplied alpha, so partly transparent colours are rounded as A1111 rounds them.

    Raises:
        ValueError: The sizes differ.
    """
    _same_size(image, overlay_mask)
    held = Image.new("RGBa", image.size)
    held.paste(image.convert("RGBA").convert("RGBa"), mask=ImageOps.invert(overlay_mask.convert("L")))
    return held.convert("RGBA")


def paste_back(
    patch: Image.Image, overlay: Image.Image | None, box: Box | None, canvas: Extent, upscaler: Upscaler | None = None
) -> Image.Image:
    """Composite a result below the overlay, on its place on the canvas.

    Args:
        patch: RGB, what the model made.
        overlay: RGBA from `make_overlay`; None shows the patch alone. One of another size than the
            patch (latent resize) is laid at the top left corner and cut.
        box: Where the patch belongs, in canvas pixels; it is scaled to cover the box. None: it is the whole picture.
        canvas: Full size when a box is given.
        upscaler: Enlarges the patch where the box is larger; None = Lanczos.

    Returns:
        RGB, of the canvas's extent with a box, else of the patch's.
    """
    base = place_patch(patch, box, canvas, upscaler)
    if overlay is not None:
        base.alpha_composite(overlay.crop((0, 0, *base.size)) if overlay.size != base.size else overlay)
    return base.convert("RGB")


def place_patch(patch: Image.Image, box: Box | None, canvas: Extent, upscaler: Upscaler | None = None) -> Image.Image:
    """A result on its place on a transparent canvas (RGBA); arguments as for `paste_back`."""
    if box is None:
        return patch.convert("RGBA")
    base = Image.new("RGBA", canvas.size)
    base.paste(resize_image(ResizeMode.CROP, patch, box.extent, upscaler), (box.x, box.y))
    return base


def cut_out(picture: Image.Image, mask: Image.Image) -> Image.Image:
    """The repainted part of a picture alone, on transparent ground.

    Colours pass through premultiplied alpha, so those of nearly transparent pixels are coarse: at alpha 10, in steps of 25.

    Args:
        picture: RGB or RGBA.
        mask: L, the overlay's; brought to the picture's size as in resize mode "fill".

    Returns:
        RGBA.
    """
    fitted = resize_image(ResizeMode.FILL, mask, Extent(*picture.size)).convert("L")
    return Image.composite(picture.convert("RGBA").convert("RGBa"), Image.new("RGBa", picture.size), fitted).convert("RGBA")


def keep_outside(original: Image.Image, result: Image.Image, mask: Image.Image) -> Image.Image:
    """Take every pixel whose mask is 0 from the original, all others from the result.

    Args:
        original: RGB (or RGBA), not modified.
        result: Same mode and size.
        mask: L, same size; the mask of the overlay.

    Raises:
        ValueError: The sizes differ.
    """
    _same_size(original, result)
    _same_size(original, mask)
    kept = original.convert(result.mode)
    changed = mask.convert("L").point([0] + [255] * 255)
    return Image.composite(result, kept, changed)


def count_changed(original: Image.Image, result: Image.Image, mask: Image.Image) -> int:
    """How many pixels with mask 0 differ between the two pictures; 0 is the promise.

    Raises:
        ValueError: The sizes differ.
    """
    _same_size(original, result)
    _same_size(original, mask)
    before, after = np.asarray(original.convert(result.mode)), np.asarray(result)
    differs = before != after
    differs = differs.any(axis=-1) if differs.ndim == 3 else differs
    return int(np.count_nonzero(differs & (np.asarray(mask.convert("L")) == 0)))


def _same_size(first: Image.Image, second: Image.Image) -> None:
    if first.size != second.size:
        raise ValueError(f"sizes differ: {first.width}x{first.height} and {second.width}x{second.height}")
