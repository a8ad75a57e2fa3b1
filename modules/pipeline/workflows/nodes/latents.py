"""Nodes of latents: to and from pictures, for inpainting, and changed as they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from modules.base.errors import InvalidRequest
from modules.engine.comfyui.inpainting import cut_to_cells, grey_out, grow_mask, mask_for_encoding
from modules.pipeline.workflows.context import NodeRun
from modules.pipeline.workflows.limits import check_latents
from modules.pipeline.workflows.nodes.images import QUARTER_TURNS
from modules.pipeline.workflows.nodes.masks import as_masks
from modules.pipeline.workflows.nodes.models import get_codec
from modules.pipeline.workflows.nodes.pasting import paste
from modules.pipeline.workflows.nodes.resizing import as_channels_first, as_channels_last, fill_sides, match_batch, resize
from modules.pipeline.workflows.values import Latent, VaeValue

CELL = 8
"""Pixels a latent cell."""
CHANNELS = 4
MIN_SIDE = 64


def decode(run: NodeRun, samples: Latent, vae: VaeValue) -> tuple[Tensor]:
    """All pictures; a noise mask has no say here."""
    check_latents(1, *samples.samples.shape[-2:], field="samples")
    codec = get_codec(run, vae)
    pictures = _one_by_one(run, samples.samples, lambda one: (codec.decode(one).cpu() + 1.0) / 2.0)
    return (as_channels_last(pictures.clamp(0.0, 1.0)),)


def encode(run: NodeRun, pixels: Tensor, vae: VaeValue) -> tuple[Latent]:
    """Cut to whole cells, centred."""
    return (Latent(encode_pixels(run, as_channels_first(pixels), vae)),)


def encode_pixels(run: NodeRun, pixels: Tensor, vae: VaeValue) -> Tensor:
    """(B, 3 or 4, H, W) in [0, 1] to (B, C, h, w) in the VAE's units."""
    height, width = pixels.shape[-2:]
    if min(height, width) < CELL:
        raise InvalidRequest("pixels", f"{width}x{height} px", f"a picture of {CELL} px or more each way")
    check_latents(1, height // CELL, width // CELL, field="pixels")
    codec = get_codec(run, vae)
    return _one_by_one(run, cut_to_cells(pixels[:, :3]) * 2.0 - 1.0, lambda one: codec.encode(one).cpu())


def _one_by_one(run: NodeRun, values: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    done = []
    for place, one in enumerate(values.split(1)):
        run.go_on()
        done.append(change(one.contiguous()))
        run.tell(place + 1, len(values))
    return torch.cat(done)


def encode_for_inpaint(run: NodeRun, pixels: Tensor, vae: VaeValue, mask: Tensor, grow_mask_by: int) -> tuple[Latent]:
    """Grey where the mask is, then encoded; noise goes where the grown mask is."""
    picture, fitted = mask_for_encoding(mask, as_channels_first(pixels)[:, :3])
    return (Latent(encode_pixels(run, grey_out(picture, fitted), vae), grow_mask(fitted, grow_mask_by)),)


def set_noise_mask(run: NodeRun, samples: Latent, mask: Tensor) -> tuple[Latent]:
    """As it is, of any size: it is stretched to the latents when they are sampled."""
    return (replace(samples, noise_mask=as_masks(mask)[:, None]),)


def make_empty(run: NodeRun, width: int, height: int, batch_size: int) -> tuple[Latent]:
    check_latents(batch_size, height // CELL, width // CELL)
    return (Latent(torch.zeros(batch_size, CHANNELS, height // CELL, width // CELL)),)


def upscale(run: NodeRun, samples: Latent, upscale_method: str, width: int, height: int, crop: str) -> tuple[Latent]:
    """To a size in pixels, at least 64; 0 for one side keeps the aspect, for both the latents. The noise mask stays as it is."""
    if width == 0 and height == 0:
        return (samples,)
    given = (width and max(MIN_SIDE, width), height and max(MIN_SIDE, height))
    wide, high = (max(MIN_SIDE, side) for side in fill_sides(*given, samples.samples.shape[3], samples.samples.shape[2]))
    return (replace(samples, samples=resize(samples.samples, wide // CELL, high // CELL, upscale_method, crop)),)


def upscale_by(run: NodeRun, samples: Latent, upscale_method: str, scale_by: float) -> tuple[Latent]:
    width, height = round(samples.samples.shape[3] * scale_by), round(samples.samples.shape[2] * scale_by)
    return (replace(samples, samples=resize(samples.samples, width, height, upscale_method)),)


def repeat_batch(run: NodeRun, samples: Latent, amount: int) -> tuple[Latent]:
    """The whole batch again and again, and so are its masks, however many they are; a single one stays single."""
    mask, index = samples.noise_mask, samples.batch_index
    check_latents(len(samples.samples) * amount, *samples.samples.shape[-2:], field="amount")
    if mask is not None and len(mask) > 1:
        mask = mask.repeat(amount, 1, 1, 1)
    if index is not None:
        span = max(index) - min(index) + 1
        index = tuple(place + turn * span for turn in range(amount) for place in index)
    return (Latent(samples.samples.repeat(amount, 1, 1, 1), mask, index),)


def take_from_batch(run: NodeRun, samples: Latent, batch_index: int, length: int) -> tuple[Latent]:
    """Some of a batch; each keeps the noise that it would have had in it."""
    count, mask = len(samples.samples), samples.noise_mask
    start = min(batch_index, count - 1)
    end = start + min(count - start, length)
    if mask is not None and count > 1:
        mask = match_batch(mask, max(count, len(mask)))[start:end].clone()
    index = tuple(range(start, end)) if samples.batch_index is None else samples.batch_index[start:end]
    return (Latent(samples.samples[start:end].clone(), mask, index),)


def join_batches(run: NodeRun, samples1: Latent, samples2: Latent) -> tuple[Latent]:
    """The second is brought to the size of the first; the first one's noise mask is kept."""
    check_latents(len(samples1.samples) + len(samples2.samples), *samples1.samples.shape[-2:], field="samples2")
    second = _fit(samples2.samples, samples1.samples, "bilinear")
    index = _places(samples1) + _places(samples2)
    return (replace(samples1, samples=torch.cat([samples1.samples, second]), batch_index=index),)


def _places(latent: Latent) -> tuple[int, ...]:
    return tuple(range(len(latent.samples))) if latent.batch_index is None else latent.batch_index


def _fit(values: Tensor, like: Tensor, method: str) -> Tensor:
    if values.shape[1:] == like.shape[1:]:
        return values
    return resize(values, like.shape[3], like.shape[2], method, "center")


def blend(run: NodeRun, samples1: Latent, samples2: Latent, blend_factor: float) -> tuple[Latent]:
    """`blend_factor` of the first, the rest of the second."""
    second = _fit(samples2.samples, samples1.samples, "bicubic")
    return (replace(samples1, samples=samples1.samples * blend_factor + second * (1.0 - blend_factor)),)


def composite(run: NodeRun, samples_to: Latent, samples_from: Latent, x: int, y: int, feather: int) -> tuple[Latent]:
    """`samples_from` over `samples_to`, fading in from those of its borders that are not the canvas's."""
    x, y, steps = x // CELL, y // CELL, feather // CELL
    height, width = samples_to.samples.shape[-2:]
    source = samples_from.samples[..., : max(0, height - y), : max(0, width - x)]
    high, wide = source.shape[-2:]
    weight = torch.ones(1, 1, high, wide)
    for step in range(min(steps, high, wide)):
        share = (step + 1) / steps
        weight[:, :, step] *= share if y else 1.0
        weight[:, :, high - 1 - step] *= share if y + high < height else 1.0
        weight[..., step] *= share if x else 1.0
        weight[..., wide - 1 - step] *= share if x + wide < width else 1.0
    return (replace(samples_to, samples=paste(samples_to.samples, source, x, y, weight)),)


def composite_masked(
    run: NodeRun, destination: Latent, source: Latent, x: int, y: int, resize_source: bool, mask: Tensor | None = None
) -> tuple[Latent]:
    """`source` over `destination` where the mask says; x and y in pixels."""
    pasted = paste(destination.samples, source.samples, x // CELL, y // CELL, mask, is_stretched=resize_source)
    return (replace(destination, samples=pasted),)


def crop(run: NodeRun, samples: Latent, width: int, height: int, x: int, y: int) -> tuple[Latent]:
    """A part, of which at least 8 cells each way are on the canvas; the noise mask stays as it is."""
    rows, columns = samples.samples.shape[-2:]
    left, top = max(0, min(x // CELL, columns - CELL)), max(0, min(y // CELL, rows - CELL))
    part = samples.samples[..., top : top + height // CELL, left : left + width // CELL]
    return (replace(samples, samples=part.clone()),)


def flip(run: NodeRun, samples: Latent, flip_method: str) -> tuple[Latent]:
    return (replace(samples, samples=samples.samples.flip(2 if flip_method.startswith("x") else 3)),)


def rotate(run: NodeRun, samples: Latent, rotation: str) -> tuple[Latent]:
    """Clockwise."""
    turns = QUARTER_TURNS[rotation.split()[0]]
    return (replace(samples, samples=torch.rot90(samples.samples, turns, (3, 2)).contiguous()),)
