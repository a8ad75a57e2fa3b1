"""Nodes of masks: (B, H, W) float32, 1 = repaint."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import torch
from torch import Tensor

from modules.base.errors import InvalidRequest
from modules.pipeline.workflows.context import NodeRun
from modules.pipeline.workflows.limits import check_pixels
from modules.pipeline.workflows.nodes.resizing import match_batch

CHANNELS = ("red", "green", "blue", "alpha")
_PLUS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)
_SQUARE = np.ones((3, 3), np.uint8)
_AT_ONCE = 64
"""Passes between two looks at whether to stop."""


def as_masks(mask: Tensor) -> Tensor:
    """(B, H, W) of a mask in any of the forms that nodes give."""
    return mask.reshape(-1, *mask.shape[-2:])


def grow(run: NodeRun, mask: Tensor, expand: int, tapered_corners: bool) -> tuple[Tensor]:
    """Grey dilation by `expand` px, or erosion where it is negative; tapered corners grow as diamonds.

    What lies beyond the border never counts, which is what mirroring it comes to with a kernel of 3 px.
    """
    kernel, change = (_PLUS if tapered_corners else _SQUARE), (cv2.dilate if expand > 0 else cv2.erode)
    grown, passes = list(as_masks(mask).contiguous().numpy()), min(abs(expand), sum(mask.shape[-2:]))
    for done in range(0, passes, _AT_ONCE):
        run.go_on()
        grown = [change(one, kernel, iterations=min(_AT_ONCE, passes - done)) for one in grown]
    return (torch.from_numpy(np.stack(grown)),)


def feather(run: NodeRun, mask: Tensor, left: int, top: int, right: int, bottom: int) -> tuple[Tensor]:
    """Faded towards the borders. At the right and below the first factor falls on the opposite border, as it does in ComfyUI."""
    result = as_masks(mask).clone()
    height, width = result.shape[-2:]
    left, right, top, bottom = min(left, width), min(right, width), min(top, height), min(bottom, height)
    for step in range(left):
        result[:, :, step] *= (step + 1.0) / left
    for step in range(right):
        result[:, :, -step] *= (step + 1.0) / right
    for step in range(top):
        result[:, step] *= (step + 1.0) / top
    for step in range(bottom):
        result[:, -step] *= (step + 1.0) / bottom
    return (result,)


def invert(run: NodeRun, mask: Tensor) -> tuple[Tensor]:
    return (1.0 - mask,)


def make_solid(run: NodeRun, value: float, width: int, height: int) -> tuple[Tensor]:
    check_pixels(1, height, width)
    return (torch.full((1, height, width), value),)


def composite(run: NodeRun, destination: Tensor, source: Tensor, x: int, y: int, operation: str) -> tuple[Tensor]:
    """`source` on `destination` at (x, y); what sticks out is cut off."""
    result, source = as_masks(destination).clone(), as_masks(source)
    height, width = min(source.shape[-2], result.shape[-2] - y), min(source.shape[-1], result.shape[-1] - x)
    if width <= 0 or height <= 0:
        return (result,)
    area = (slice(None), slice(y, y + height), slice(x, x + width))
    result[area] = _combine(result[area], match_batch(source, len(result))[:, :height, :width], operation)
    return (result.clamp(0.0, 1.0),)


ARITHMETIC: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"multiply": torch.mul, "add": torch.add, "subtract": torch.sub}
LOGIC: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"and": torch.logical_and, "or": torch.logical_or, "xor": torch.logical_xor}


def _combine(one: Tensor, other: Tensor, operation: str) -> Tensor:
    if operation in ARITHMETIC:
        return ARITHMETIC[operation](one, other)
    if operation not in LOGIC:
        raise InvalidRequest("operation", operation, ", ".join((*ARITHMETIC, *LOGIC)))
    return LOGIC[operation](one.round().bool(), other.round().bool()).float()


def crop(run: NodeRun, mask: Tensor, x: int, y: int, width: int, height: int) -> tuple[Tensor]:
    """A part; smaller where it reaches beyond the border."""
    part = as_masks(mask)[:, y : y + height, x : x + width]
    if not part.numel():
        raise InvalidRequest("x", f"{x}, {y}", f"a place within the mask of {mask.shape[-1]}x{mask.shape[-2]}")
    return (part.clone(),)


def threshold(run: NodeRun, mask: Tensor, value: float) -> tuple[Tensor]:
    return ((mask > value).float(),)


def from_image(run: NodeRun, image: Tensor, channel: str) -> tuple[Tensor]:
    """One channel as it is; alpha not turned round."""
    place = CHANNELS.index(channel)
    if place >= image.shape[-1]:
        raise InvalidRequest("channel", channel, f"one of the {image.shape[-1]} channels of the picture")
    return (image[..., place].clone(),)


def to_image(run: NodeRun, mask: Tensor) -> tuple[Tensor]:
    """Grey."""
    return (as_masks(mask)[..., None].expand(-1, -1, -1, 3),)


def from_color(run: NodeRun, image: Tensor, color: int) -> tuple[Tensor]:
    """1 where the picture has exactly this colour (0xRRGGBB) in 8 bits."""
    bytes_ = (image.clamp(0, 1) * 255.0).round().long()
    found = (bytes_[..., 0] << 16) + (bytes_[..., 1] << 8) + bytes_[..., 2]
    return ((found == color).float(),)
