"""Colours painted over a picture, as start of a repaint and as its mask."""

from __future__ import annotations

from PIL import Image, ImageChops, ImageEnhance, ImageFilter


def lay_sketch(picture: Image.Image, sketch: Image.Image) -> Image.Image:
    """`picture` with the paint over it.

    Args:
        picture: RGB.
        sketch: RGBA of the same size.

    Returns:
        New RGB picture.

    Raises:
        ValueError: The sizes differ.
    """
    if sketch.size != picture.size:
        raise ValueError(f"a sketch of {sketch.width}x{sketch.height} px does not lie on a picture of {picture.width}x{picture.height} px")
    return Image.alpha_composite(picture.convert("RGBA"), sketch.convert("RGBA")).convert("RGB")


def split_sketch(picture: Image.Image, sketch: Image.Image, mask_transparency: float, blur_px: float) -> tuple[Image.Image, Image.Image]:
    """Start picture and mask of A1111's "Inpaint sketch".

    Args:
        picture: RGB.
        sketch: RGBA of the same size.
        mask_transparency: Percent, 0 to 100: how weakly the painted part is repainted.
        blur_px: Sigma by which paint and its outline run into the picture.

    Returns:
        RGB picture with the blurred paint laid in through the blurred mask, and the unblurred L mask of the pixels that were changed.

    Raises:
        ValueError: The sizes differ.
    """
    painted = lay_sketch(picture, sketch)
    channels = ImageChops.difference(picture.convert("RGB"), painted).split()
    changed = ImageChops.lighter(ImageChops.lighter(channels[0], channels[1]), channels[2]).point([0] + [255] * 255)
    mask = ImageEnhance.Brightness(changed).enhance(1 - mask_transparency / 100)
    blur = ImageFilter.GaussianBlur(blur_px)
    return Image.composite(painted.filter(blur), picture.convert("RGB"), mask.filter(blur)), mask
