"""Bringing a picture to the canvas: stretch, crop, or fill with stretched edges."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

from PIL import Image

from modules.imaging.geometry import Extent

Upscaler = Callable[[Image.Image, float], Image.Image]
"""(image, factor) -> the image enlarged by about that factor; the exact size is made afterwards."""


class ResizeMode(IntEnum):
    """A1111's `resize_mode`. LATENT leaves the picture alone (its latent is resized) and means FILL for masks."""

    STRETCH = 0
    CROP = 1
    FILL = 2
    LATENT = 3

    @classmethod
    def parse(cls, value: int) -> ResizeMode:
        """The mode of a number; unknown numbers mean FILL, as they always did in A1111."""
        return cls(value) if value in cls._value2member_map_ else cls.FILL


def resize_image(mode: ResizeMode | int, image: Image.Image, extent: Extent, upscaler: Upscaler | None = None) -> Image.Image:
    """Bring `image` to `extent`.

    Args:
        mode: STRETCH keeps the image's mode; CROP and all others return RGB, also for a grey mask.
        image: RGB, RGBA or L; not modified.
        extent: Wanted size, at least 1x1 px.
        upscaler: Enlarges before the exact resize; None, or a mode L image, is resized by Lanczos alone.

    Raises:
        ValueError: `extent` is empty.
    """
    if extent.width < 1 or extent.height < 1:
        raise ValueError(f"cannot resize to {extent.width}x{extent.height}")
    if mode == ResizeMode.STRETCH:
        return _resize(image, extent, upscaler)
    is_crop = mode == ResizeMode.CROP
    inner = inner_extent(Extent(*image.size), extent, is_covering=is_crop)
    resized = _resize(image, inner, upscaler)
    canvas = Image.new("RGB", extent.size)
    canvas.paste(resized, (extent.width // 2 - inner.width // 2, extent.height // 2 - inner.height // 2))
    if not is_crop:
        _stretch_edges(canvas, resized, Extent(*image.size))
    return canvas


def _resize(image: Image.Image, extent: Extent, upscaler: Upscaler | None) -> Image.Image:
    if upscaler is not None and image.mode != "L":
        factor = max(extent.width / image.width, extent.height / image.height)
        if factor > 1:
            image = upscaler(image, factor)
        if image.size == extent.size:
            return image
    return _resize_mask(image, extent) if image.mode == "L" else image.resize(extent.size, Image.Resampling.LANCZOS)


def _resize_mask(mask: Image.Image, extent: Extent) -> Image.Image:
    """The Lanczos resize of a mask, computed only around what is not black.

    Pillow resamples rows, rounds to 8 bits, then resamples columns. Black rows and black columns stay black in either pass,
    so leaving them out changes nothing.
    """
    found = mask.getbbox()
    if found is None or mask.size == extent.size:
        return mask.resize(extent.size, Image.Resampling.LANCZOS)
    _, top, _, bottom = found
    rows = mask.crop((0, top, mask.width, bottom)).resize((extent.width, bottom - top), Image.Resampling.LANCZOS)
    left, _, right, _ = rows.getbbox() or (0, 0, 1, 1)
    columns = Image.new("L", (right - left, mask.height))
    columns.paste(rows.crop((left, 0, right, rows.height)), (0, top))
    resized = Image.new("L", extent.size)
    resized.paste(columns.resize((right - left, extent.height), Image.Resampling.LANCZOS), (left, 0))
    return resized


def inner_extent(source: Extent, target: Extent, *, is_covering: bool) -> Extent:
    """The source's size, scaled in whole pixels to cover the target, or to fit inside it."""
    is_target_wider = target.aspect > source.aspect
    keeps_width = is_target_wider if is_covering else target.aspect < source.aspect
    keeps_height = not keeps_width
    width = target.width if keeps_width else source.width * target.height // source.height
    height = target.height if keeps_height else source.height * target.width // source.width
    return Extent(max(width, 1), max(height, 1))


def _stretch_edges(canvas: Image.Image, resized: Image.Image, source: Extent) -> None:
    """Fill both borders from the outermost line of the resized picture: a Lanczos resize of a box without height."""
    width, height = resized.size
    if canvas.width / canvas.height < source.aspect:
        band = canvas.height // 2 - height // 2
        if band > 0:
            canvas.paste(resized.resize((canvas.width, band), box=(0, 0, width, 0)), (0, 0))
            canvas.paste(resized.resize((canvas.width, band), box=(0, height, width, height)), (0, band + height))
    elif canvas.width / canvas.height > source.aspect:
        band = canvas.width // 2 - width // 2
        if band > 0:
            canvas.paste(resized.resize((band, canvas.height), box=(0, 0, 0, height)), (0, 0))
            canvas.paste(resized.resize((band, canvas.height), box=(width, 0, width, height)), (band + width, 0))
