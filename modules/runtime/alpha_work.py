"""A mask laid into its picture's transparency: the one form in which ComfyUI's nodes take both from a single file."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageChops

from modules.base.errors import InvalidRequest
from modules.imaging.metadata import write_png
from modules.runtime.store import Asset, AssetStore

OPAQUE = 255
UNNAMED = "picture"


def lay_into_alpha(store: AssetStore, picture_id: str, mask_id: str | None) -> Asset:
    """Keep a picture with alpha 255 - mask, soft masks included; colours stay, also where nothing of them is seen any more.

    Args:
        picture_id: Its own transparency, if any, is replaced.
        mask_id: L of the picture's size, 255 = repaint; None = nothing is to be repainted, the picture becomes opaque.

    Returns:
        A new RGBA PNG under the picture's name.

    Raises:
        InvalidRequest: The sizes differ.
        UnknownAsset: A picture is gone.
        SaveFailed: The result cannot be kept.
    """
    opened, name = store.open(picture_id), store.describe(picture_id).name
    image = opened.image.convert("RGB")
    alpha = Image.new("L", image.size, OPAQUE)
    if mask_id is not None:
        mask = store.mask(mask_id)
        if mask.size != image.size:
            got, wanted = ("{}x{}".format(*each.size) for each in (mask, image))
            raise InvalidRequest("mask", got, f"a mask of the picture's size, {wanted}")
        alpha = ImageChops.invert(mask)
    image.putalpha(alpha)
    data = write_png(image, None, icc=opened.image.info.get("icc_profile"), compress_level=1)
    return store.add(data, f"{Path(name).stem or UNNAMED}.png")
