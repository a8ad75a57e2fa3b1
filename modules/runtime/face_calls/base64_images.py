"""Pictures as base64 text, as `modules.api.api` reads and writes them."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any

from PIL import Image

from modules.base.errors import InvalidRequest
from modules.imaging.metadata import encode_image
from modules.imaging.picture import decode_base64_image
from modules.runtime.shared_objects import OPTS


def decode_base64_to_image(encoding: str) -> Image.Image:
    """The picture in base64 text or a data URI; nothing is fetched from addresses.

    Raises:
        InvalidImage: It is neither, or no picture, or larger than the option allows.
    """
    return decode_base64_image(encoding, max_pixels=int(OPTS.img_max_size_mp * 1_000_000)).image


def encode_pil_to_base64(image: Any) -> bytes:
    """A picture, with the text it carries, as base64, in the format of the option `samples_format`; bytes, as in A1111.

    Args:
        image: PIL picture, or text that is base64 already.
    """
    if isinstance(image, str):
        return image.encode()
    try:
        data = encode_image(
            image, OPTS.samples_format, image.info.get("parameters"), quality=OPTS.jpeg_quality, is_lossless=OPTS.webp_lossless
        )
    except InvalidRequest:  # too large for the format
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        data = buffer.getvalue()
    return base64.b64encode(data)


class Api:
    """What is left of A1111's `Api` for extensions: a place to add routes. Our own routes are not its methods.

    Args:
        app: FastAPI application, as `on_app_started` gets it.
        queue_lock: Accepted.
    """

    def __init__(self, app: Any, queue_lock: Any = None) -> None:
        self.app, self.queue_lock = app, queue_lock

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **kwargs: Any) -> Any:
        """Serve `endpoint` at `path`."""
        return self.app.add_api_route(path, endpoint, **kwargs)
