"""The pictures of a form that a graph was matched to: read from files as ComfyUI's nodes read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageOps

from modules.imaging.picture import open_frames
from modules.pipeline.workflows.form import FormMatch, FormPicture
from modules.pipeline.workflows.form_parts import Said


@dataclass(frozen=True)
class FilledForm:
    """A request with its pictures.

    Attributes:
        request: As `FormMatch.request`, with width and height.
        start: RGB; None where the file cannot be taken as it is.
        mask: L, white = repaint; None = there is none.
        why_not: (text id, values) a reason why these files need the graph; empty = they do not.
    """

    request: Mapping[str, Any]
    start: Image.Image | None
    mask: Image.Image | None
    why_not: tuple[Said, ...] = ()


def fill_form(match: FormMatch, read: Callable[[str], bytes]) -> FilledForm:
    """Open the files of a match.

    Args:
        match: One that fits.
        read: A file of the input folder by its name in the graph; its errors are passed on.

    Raises:
        InvalidImage: A file is no picture, or damaged.
    """
    named = {picture.role: picture for picture in match.pictures}
    files = {name: open_frames(read(name), name) for name in dict.fromkeys(picture.name for picture in match.pictures)}
    why_not: list[Said] = []
    for name, frames in files.items():
        if len(frames) > 1:
            why_not.append(("workflow_form.not.frames", {"name": name, "count": len(frames)}))
        elif frames[0].mode.startswith("I"):
            why_not.append(("workflow_form.not.depth", {"name": name}))
    if why_not or "start" not in named:
        return FilledForm(match.request, None, None, tuple(why_not))
    start = files[named["start"].name][0].convert("RGB")
    mask = _read_mask(files[named["mask"].name][0], named["mask"], start.size) if "mask" in named else None
    if mask is not None and mask.size != start.size:
        why_not.append(("workflow_form.not.mask_size", {"mask": "{}x{}".format(*mask.size), "picture": "{}x{}".format(*start.size)}))
    size = {"width": start.width, "height": start.height}
    return FilledForm(size | dict(match.request), start, mask, tuple(why_not))


def _read_mask(frame: Image.Image, wanted: FormPicture, size: tuple[int, int]) -> Image.Image:
    """What LoadImage's MASK output, or LoadImageMask, gives; 255 stands for 1."""
    if wanted.channel == "picture":
        return frame.convert("L")
    if wanted.channel != "alpha":
        return frame.convert("RGBA").getchannel(wanted.channel[0].upper())
    has_alpha = "A" in frame.getbands() or (frame.mode == "P" and "transparency" in frame.info)
    if has_alpha:
        return ImageOps.invert(frame.convert("RGBA").getchannel("A"))
    return Image.new("L", size)  # LoadImage gives 64x64 zeros, which are zeros in any size
