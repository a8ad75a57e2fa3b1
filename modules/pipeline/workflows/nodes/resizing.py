"""Pictures, masks and latents brought to other sizes, by the rules that ComfyUI's nodes share."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from modules.base.errors import InvalidRequest
from modules.pipeline.workflows.limits import check_pixels

MAX_SIDE = 16384
_PARALLEL = 1 - 1e-5


def resize(values: Tensor, width: int, height: int, method: str, crop: str = "disabled") -> Tensor:
    """Scale without antialiasing.

    Args:
        values: (B, C, H, W) float32.
        width, height: Wanted.
        method: "nearest-exact", "bilinear", "area", "bicubic"; "lanczos" (pictures only: through 8 bits, antialiased); "bislerp"
            (latents: between directions).
        crop: "center" cuts to the wanted aspect first; "disabled" stretches.

    Returns:
        (B, C, height, width) float32.

    Raises:
        InvalidRequest: The result would be too large, or have no pixels.
    """
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
        raise InvalidRequest("width", f"{width}x{height}", f"sides of 1 to {MAX_SIDE}")
    check_pixels(len(values), height, width)
    if crop == "center":
        values = _cut_to_aspect(values, width, height)
    if method == "lanczos":
        return _lanczos(values, width, height)
    if method == "bislerp":
        return _slerp_along(_slerp_along(values, width, 3), height, 2)
    options = {} if method in ("nearest-exact", "area") else {"align_corners": False}
    return F.interpolate(values, size=(height, width), mode=method, **options)


def stretch_mask(mask: Tensor, width: int, height: int) -> Tensor:
    """A mask of any form as (B, 1, height, width), bilinear, not rounded."""
    return resize(mask.reshape(-1, 1, *mask.shape[-2:]), width, height, "bilinear")


def fill_sides(width: int, height: int, old_width: int, old_height: int) -> tuple[int, int]:
    """Width and height, of which one that is 0 is taken from the aspect of the old ones."""
    if width == 0:
        return max(1, round(old_width * height / old_height)), height
    if height == 0:
        return width, max(1, round(old_height * width / old_width))
    return width, height


def match_batch(values: Tensor, count: int) -> Tensor:
    """Repeated, then cut, along the batch: (count, ...)."""
    if len(values) == count:
        return values
    check_pixels(count, *values.shape[-2:], field="batch")
    repeats = -(-count // len(values))
    return values.repeat(repeats, *[1] * (values.ndim - 1))[:count]


def as_channels_first(image: Tensor) -> Tensor:
    """(B, H, W, C) to (B, C, H, W)."""
    return image.movedim(-1, 1)


def as_channels_last(values: Tensor) -> Tensor:
    """(B, C, H, W) to (B, H, W, C), of its own."""
    return values.movedim(1, -1).contiguous()


def _cut_to_aspect(values: Tensor, width: int, height: int) -> Tensor:
    old_height, old_width = values.shape[-2:]
    old_aspect, aspect = old_width / old_height, width / height
    x = round((old_width - old_width * (aspect / old_aspect)) / 2) if old_aspect > aspect else 0
    y = round((old_height - old_height * (old_aspect / aspect)) / 2) if old_aspect < aspect else 0
    return values[..., y : old_height - y, x : old_width - x]


def _lanczos(values: Tensor, width: int, height: int) -> Tensor:
    pictures = np.clip(255.0 * values.movedim(1, -1).numpy(), 0, 255).astype(np.uint8)
    scaled = [np.array(Image.fromarray(one.squeeze(-1) if one.shape[-1] == 1 else one).resize((width, height), Image.Resampling.LANCZOS))
              for one in pictures]  # fmt: skip
    result = torch.from_numpy(np.stack(scaled).astype(np.float32) / 255.0)
    return result.reshape(len(values), height, width, -1).movedim(-1, 1)


def _slerp_along(values: Tensor, length: int, axis: int) -> Tensor:
    """Scale one axis; between two cells the direction over channels turns evenly, and its length changes evenly."""
    old = values.shape[axis]
    places = F.interpolate(torch.arange(old, dtype=torch.float32).reshape(1, 1, -1), length, mode="linear").flatten()
    following = torch.arange(1, old + 1, dtype=torch.float32).clamp(max=old - 1).reshape(1, 1, -1)
    second = F.interpolate(following, length, mode="linear").flatten().long()
    first = places.long()
    shape = [1] * values.ndim
    shape[axis] = length
    share = (places - places.floor()).reshape(shape)
    return slerp(values.index_select(axis, first), values.index_select(axis, second), share)


def slerp(one: Tensor, other: Tensor, share: Tensor) -> Tensor:
    """Spherical interpolation along axis 1, lengths linearly.

    Args:
        one, other: (B, C, H, W).
        share: Of `other`, 0 to 1; broadcast.

    References:
        Shoemake, "Animating Rotation with Quaternion Curves", SIGGRAPH 1985, section 3.3.
    """
    length, other_length = one.norm(dim=1, keepdim=True), other.norm(dim=1, keepdim=True)
    direction, other_direction = _divided(one, length), _divided(other, other_length)
    cosine = (direction * other_direction).sum(1, keepdim=True)
    angle = cosine.clamp(-1, 1).acos()
    turned = (((1 - share) * angle).sin() * direction + (share * angle).sin() * other_direction) / angle.sin()
    mixed = turned * (length * (1 - share) + other_length * share)
    mixed = torch.where(cosine < -_PARALLEL, one * (1 - share) + other * share, mixed)
    return torch.where(cosine > _PARALLEL, one, mixed)


def _divided(vectors: Tensor, lengths: Tensor) -> Tensor:
    return torch.where(lengths == 0, torch.zeros_like(vectors), vectors / lengths)
