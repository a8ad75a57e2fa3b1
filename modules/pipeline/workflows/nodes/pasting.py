"""One batch laid over another, for pictures and latents."""

from __future__ import annotations

import torch
from torch import Tensor

from modules.pipeline.workflows.nodes.resizing import match_batch, resize, stretch_mask


def paste(destination: Tensor, source: Tensor, x: int, y: int, mask: Tensor | None = None, *, is_stretched: bool = False) -> Tensor:
    """`source` over `destination`.

    Args:
        destination: (B, C, H, W); not modified.
        source: (B', C, h, w); repeated, or cut, to B.
        x, y: Where its top left corner comes to lie, from 0; what sticks out is cut off.
        mask: Of any form and size, 1 = source; stretched to the source. None = all of it.
        is_stretched: Bring the source to the destination's size first.
    """
    height, width = destination.shape[-2:]
    source = match_batch(source, len(destination))
    if is_stretched:
        source = resize(source, width, height, "bilinear")
    high, wide = min(source.shape[-2], height - y), min(source.shape[-1], width - x)
    result = destination.clone()
    if high <= 0 or wide <= 0:
        return result
    weight = torch.ones_like(source[:, :1]) if mask is None else match_batch(stretch_mask(mask, *reversed(source.shape[-2:])), len(source))
    weight = weight[..., :high, :wide]
    area = (..., slice(y, y + high), slice(x, x + wide))
    result[area] = weight * source[..., :high, :wide] + (1.0 - weight) * result[area]
    return result
