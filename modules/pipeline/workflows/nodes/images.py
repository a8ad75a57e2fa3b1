"""Nodes of pictures: (B, H, W, 3 or 4) float32 in [0, 1]."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from modules.base.errors import InvalidRequest
from modules.pipeline.workflows.context import NodeRun
from modules.pipeline.workflows.limits import check_pixels
from modules.pipeline.workflows.nodes.files import as_pictures
from modules.pipeline.workflows.nodes.pasting import paste
from modules.pipeline.workflows.nodes.resizing import as_channels_first, as_channels_last, fill_sides, match_batch, resize, stretch_mask
from modules.pipeline.workflows.values import UpscalerValue

QUARTER_TURNS = {"none": 0, "90": 1, "180": 2, "270": 3}
GREY = 0.5


def scale(run: NodeRun, image: Tensor, upscale_method: str, width: int, height: int, crop: str) -> tuple[Tensor]:
    """To a size; 0 for one side keeps the aspect, for both the picture."""
    if width == 0 and height == 0:
        return (image,)
    wide, high = fill_sides(width, height, image.shape[2], image.shape[1])
    return (as_channels_last(resize(as_channels_first(image), wide, high, upscale_method, crop)),)


def scale_by(run: NodeRun, image: Tensor, upscale_method: str, scale_by: float) -> tuple[Tensor]:
    width, height = round(image.shape[2] * scale_by), round(image.shape[1] * scale_by)
    return (as_channels_last(resize(as_channels_first(image), width, height, upscale_method)),)


def scale_to_total_pixels(run: NodeRun, image: Tensor, upscale_method: str, megapixels: float, resolution_steps: int) -> tuple[Tensor]:
    """To so many times 1024 x 1024 px, aspect kept, sides in whole steps."""
    factor = math.sqrt(megapixels * 1024 * 1024 / (image.shape[2] * image.shape[1]))
    width, height = (round(side * factor / resolution_steps) * resolution_steps for side in (image.shape[2], image.shape[1]))
    return (as_channels_last(resize(as_channels_first(image), width, height, upscale_method)),)


def upscale_with_model(run: NodeRun, upscale_model: UpscalerValue, image: Tensor) -> tuple[Tensor]:
    # Most networks make four of each side, and only the network knows.
    check_pixels(16 * len(image), image.shape[1], image.shape[2], field="image")
    enlarged = []
    for place, picture in enumerate(as_pictures(image)):
        made = run.graph.upscale(upscale_model.name, picture.convert("RGB"))
        enlarged.append(torch.from_numpy(np.array(made.convert("RGB")).astype(np.float32) / 255.0))
        run.tell(place + 1, len(image))
    return (torch.stack(enlarged),)


def pad_for_outpaint(run: NodeRun, image: Tensor, left: int, top: int, right: int, bottom: int, feathering: int) -> tuple[Tensor, Tensor]:
    """Grey all round, and a mask of what is new, which fades into the picture by the square of the nearness to a padded side."""
    batch, height, width, channels = image.shape
    check_pixels(batch, height + top + bottom, width + left + right, field="left")
    padded = torch.full((batch, height + top + bottom, width + left + right, channels), GREY)
    inside = (slice(top, top + height), slice(left, left + width))
    padded[:, inside[0], inside[1]] = image
    mask = torch.ones(padded.shape[1:3])
    mask[inside] = _fade(height, width, (left, top, right, bottom), feathering)
    return padded, mask[None]


def _fade(height: int, width: int, sides: tuple[int, int, int, int], feathering: int) -> Tensor:
    """(height, width): ((f - d) / f)^2 at less than f px from a side that is padded. Sides: left, top, right, bottom."""
    if feathering <= 0 or feathering * 2 >= height or feathering * 2 >= width:
        return torch.zeros(height, width)
    left, top, right, bottom = sides
    y, x = torch.arange(height, dtype=torch.float64)[:, None], torch.arange(width, dtype=torch.float64)[None]
    away = [far for is_padded, far in ((top, y), (bottom, height - y), (left, x), (right, width - x)) if is_padded]
    distance = torch.full((height, width), math.inf, dtype=torch.float64)
    for far in away:
        distance = torch.minimum(distance, far)
    return ((feathering - distance).clamp(min=0) / feathering).square().float()


def composite_masked(
    run: NodeRun, destination: Tensor, source: Tensor, x: int, y: int, resize_source: bool, mask: Tensor | None = None
) -> tuple[Tensor]:
    """`source` over `destination` at (x, y), where `mask` (stretched to the source) says; all of it without one."""
    source = _with_channels(source, destination.shape[-1])
    result = paste(as_channels_first(destination), as_channels_first(source), x, y, mask, is_stretched=resize_source)
    return (as_channels_last(result),)


def _with_channels(image: Tensor, count: int) -> Tensor:
    """With so many channels: the others cut off, or opaque."""
    if image.shape[-1] >= count:
        return image[..., :count]
    return F.pad(image, (0, count - image.shape[-1]), value=1.0)


def invert(run: NodeRun, image: Tensor) -> tuple[Tensor]:
    return (1.0 - image,)


def join(run: NodeRun, image1: Tensor, image2: Tensor) -> tuple[Tensor]:
    """One batch; the second is brought to the size of the first."""
    check_pixels(len(image1) + len(image2), image1.shape[1], image1.shape[2], field="image2")
    channels = max(image1.shape[-1], image2.shape[-1])
    image1, image2 = _with_channels(image1, channels), _with_channels(image2, channels)
    if image1.shape[1:] != image2.shape[1:]:
        image2 = as_channels_last(resize(as_channels_first(image2), image1.shape[2], image1.shape[1], "bilinear", "center"))
    return (torch.cat([image1, image2]),)


def crop(run: NodeRun, image: Tensor, width: int, height: int, x: int, y: int) -> tuple[Tensor]:
    """A part; smaller where it reaches beyond the border, at least the last pixel."""
    x, y = min(x, image.shape[2] - 1), min(y, image.shape[1] - 1)
    return (image[:, y : y + height, x : x + width].clone(),)


def flip(run: NodeRun, image: Tensor, flip_method: str) -> tuple[Tensor]:
    return (image.flip(1 if flip_method.startswith("x") else 2),)


def rotate(run: NodeRun, image: Tensor, rotation: str) -> tuple[Tensor]:
    """Clockwise."""
    return (torch.rot90(image, QUARTER_TURNS[rotation.split()[0]], (2, 1)).contiguous(),)


def take_from_batch(run: NodeRun, image: Tensor, batch_index: int, length: int) -> tuple[Tensor]:
    start = min(batch_index, len(image) - 1)
    return (image[start : start + length].clone(),)


def repeat_batch(run: NodeRun, image: Tensor, amount: int) -> tuple[Tensor]:
    check_pixels(len(image) * amount, image.shape[1], image.shape[2], field="amount")
    return (image.repeat(amount, 1, 1, 1),)


def make_empty(run: NodeRun, width: int, height: int, batch_size: int, color: int) -> tuple[Tensor]:
    """One colour, 0xRRGGBB."""
    check_pixels(batch_size, height, width)
    parts = torch.tensor([(color >> 16) & 0xFF, (color >> 8) & 0xFF, color & 0xFF], dtype=torch.float32) / 255
    return (parts.expand(batch_size, height, width, 3).clone(),)


def blur(run: NodeRun, image: Tensor, blur_radius: int, sigma: float) -> tuple[Tensor]:
    """By a Gaussian of 2 * radius + 1 px, whose `sigma` is measured in half-widths of it."""
    return (as_channels_last(_smooth(as_channels_first(image), blur_radius, sigma)),)


def sharpen(run: NodeRun, image: Tensor, sharpen_radius: int, sigma: float, alpha: float) -> tuple[Tensor]:
    """Unsharp masking; the difference to the blurred picture counts 10 * alpha."""
    values = as_channels_first(image)
    amount = alpha * 10
    return (as_channels_last((values + amount * (values - _smooth(values, sharpen_radius, sigma))).clamp(0, 1)),)


def _smooth(values: Tensor, radius: int, sigma: float) -> Tensor:
    """(B, C, H, W), blurred; the border mirrored."""
    if radius >= min(values.shape[-2:]):
        raise InvalidRequest("radius", radius, f"less than the sides of the picture, {values.shape[-1]}x{values.shape[-2]}")
    line = torch.exp(-torch.linspace(-1, 1, 2 * radius + 1).square() / (2.0 * sigma * sigma))
    kernel, channels = line / line.sum(), values.shape[1]
    padded = F.pad(values, (radius,) * 4, mode="reflect")
    across = F.conv2d(padded, kernel.reshape(1, 1, 1, -1).repeat(channels, 1, 1, 1), groups=channels)
    return F.conv2d(across, kernel.reshape(1, 1, -1, 1).repeat(channels, 1, 1, 1), groups=channels)


def join_alpha(run: NodeRun, image: Tensor, alpha: Tensor) -> tuple[Tensor]:
    """RGBA: what the mask covers becomes clear."""
    count = min(len(image), len(alpha.reshape(-1, *alpha.shape[-2:])))
    opacity = 1.0 - stretch_mask(alpha, image.shape[2], image.shape[1])[:count]
    return (torch.cat([image[:count, ..., :3], as_channels_last(opacity)], dim=-1),)


def split_alpha(run: NodeRun, image: Tensor) -> tuple[Tensor, Tensor]:
    """Colours, and 1 - alpha; zeros where there is none."""
    return image[..., :3], (1.0 - image[..., 3] if image.shape[-1] > 3 else torch.zeros(image.shape[:3]))
