"""Pictures in requests and replies: base64 in both forms, addresses where they are allowed, bare base64 out."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from PIL import Image

from modules.base.errors import InvalidImage
from modules.imaging.metadata import WORKFLOW_TAGS, encode_image
from modules.imaging.picture import MAX_PIXELS, Picture, decode_base64_image, open_picture
from modules.settings.options import Options
from modules.web.api.fetch import fetch_picture


def decode_picture(value: object, field: str, options: Options) -> Picture:
    """Decode one picture of a request.

    Raises:
        InvalidImage: Neither base64 of a picture nor an address that may be fetched.
        RefusedAddress: The address must not be fetched.
    """
    if not isinstance(value, str) or not value.strip():
        raise InvalidImage(field, value, "a picture in base64, or a data URL")
    max_pixels = min(MAX_PIXELS, int(options.img_max_size_mp * 1_000_000))
    if value.lstrip()[:8].lower().startswith(("http://", "https://")):
        data = fetch_picture(
            value.strip(),
            is_allowed=options.api_enable_requests,
            allows_local=not options.api_forbid_local_requests,
            user_agent=options.api_useragent,
        )
        return open_picture(data, field, max_pixels=max_pixels)
    return decode_base64_image(value, field, max_pixels=max_pixels)


def encode_pictures(images: Sequence[Image.Image], options: Options) -> list[str]:
    """Encode results in the format of the options.

    Args:
        images: Results, a grid first if there is one; `info["parameters"]` is the text that belongs to a picture.

    Returns:
        Base64 without a prefix, each picture carrying its text if it has one.
    """
    return [_encode(image, image.info.get("parameters"), options) for image in images]


def encode_preview(image: Image.Image, fmt: str) -> str:
    """Base64 of a small picture, without a prefix and without text."""
    return base64.b64encode(encode_image(image, fmt)).decode("ascii")


def _encode(image: Image.Image, infotext: str | None, options: Options) -> str:
    data = encode_image(
        image,
        options.samples_format,
        infotext if options.enable_pnginfo else None,
        quality=options.jpeg_quality,
        is_lossless=options.webp_lossless,
        items={name: image.info[name] for name in WORKFLOW_TAGS if options.enable_pnginfo and isinstance(image.info.get(name), str)},
    )
    return base64.b64encode(data).decode("ascii")
