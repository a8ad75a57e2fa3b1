"""Nodes of text and of where and when it holds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from modules.engine.comfyui.conditioning import Area, CondPart
from modules.engine.comfyui.inpainting import grey_out, mask_for_encoding
from modules.engine.comfyui.prompts import encode_text as encode
from modules.engine.prompts.limits import CHUNK_TOKENS, MAX_CHUNKS, MAX_PARTS, require
from modules.pipeline.workflows.context import NodeRun
from modules.pipeline.workflows.nodes.latents import CELL, encode_pixels
from modules.pipeline.workflows.nodes.models import get_model
from modules.pipeline.workflows.nodes.resizing import as_channels_first
from modules.pipeline.workflows.values import ClipValue, Latent, VaeValue

if TYPE_CHECKING:
    from modules.pipeline.workflows.values import Conditioning


def encode_text(run: NodeRun, text: str, clip: ClipValue) -> tuple[Conditioning]:
    model = get_model(run, clip)
    clip_skip = None if clip.last_layer is None else -clip.last_layer
    encoded = encode(model.text, text, clip_skip=clip_skip, embeddings=run.graph.embeddings(model))
    for name in encoded.notes.unknown_embeddings:
        run.graph.note(f"node {run.node}: found no embedding named {name[:100]!r}, the text was used without it")
    return ((CondPart(encoded.vectors),),)


def set_last_layer(run: NodeRun, clip: ClipValue, stop_at_clip_layer: int) -> tuple[ClipValue]:
    return (replace(clip, last_layer=stop_at_clip_layer),)


def combine(run: NodeRun, conditioning_1: Conditioning, conditioning_2: Conditioning) -> tuple[Conditioning]:
    """Both texts, each in its place."""
    require("conditioning_2", len(conditioning_1) + len(conditioning_2), MAX_PARTS, "texts in one conditioning")
    return ((*conditioning_1, *conditioning_2),)


def concat(run: NodeRun, conditioning_to: Conditioning, conditioning_from: Conditioning) -> tuple[Conditioning]:
    """The first text of the second behind each of the first."""
    added = conditioning_from[0].vectors
    longest = max(part.vectors.shape[1] for part in conditioning_to) + added.shape[1]
    require("conditioning_from", longest, MAX_CHUNKS * (CHUNK_TOKENS + 2), "tokens")
    return (tuple(replace(part, vectors=torch.cat([part.vectors, added], dim=1)) for part in conditioning_to),)


def average(
    run: NodeRun, conditioning_to: Conditioning, conditioning_from: Conditioning, conditioning_to_strength: float
) -> tuple[Conditioning]:
    """Each of the first mixed with the first text of the second, which is cut, or filled up with zeros, to its length."""
    other, share = conditioning_from[0].vectors, conditioning_to_strength
    mixed = []
    for part in conditioning_to:
        length = part.vectors.shape[1]
        fitted = torch.nn.functional.pad(other[:, :length], (0, 0, 0, max(0, length - other.shape[1])))
        mixed.append(replace(part, vectors=part.vectors * share + fitted * (1.0 - share)))
    return (tuple(mixed),)


def set_area(run: NodeRun, conditioning: Conditioning, width: int, height: int, x: int, y: int, strength: float) -> tuple[Conditioning]:
    """A box in pixels."""
    area = Area(height // CELL, width // CELL, y // CELL, x // CELL)
    return (tuple(replace(part, area=area, strength=strength, is_area_of_mask=False) for part in conditioning),)


def set_area_percentage(
    run: NodeRun, conditioning: Conditioning, width: float, height: float, x: float, y: float, strength: float
) -> tuple[Conditioning]:
    """A box in shares of the picture."""
    area = Area(height, width, y, x, is_share=True)
    return (tuple(replace(part, area=area, strength=strength, is_area_of_mask=False) for part in conditioning),)


def set_area_strength(run: NodeRun, conditioning: Conditioning, strength: float) -> tuple[Conditioning]:
    return (tuple(replace(part, strength=strength) for part in conditioning),)


def set_mask(run: NodeRun, conditioning: Conditioning, mask: Tensor, strength: float, set_cond_area: str) -> tuple[Conditioning]:
    """Only where the mask is; with "mask bounds" the model sees no more than its box."""
    is_box = set_cond_area != "default"
    return (tuple(replace(part, mask=mask, mask_strength=strength, is_area_of_mask=is_box) for part in conditioning),)


def set_timestep_range(run: NodeRun, conditioning: Conditioning, start: float, end: float) -> tuple[Conditioning]:
    """From one share of the denoising to another."""
    return (tuple(replace(part, start_percent=start, end_percent=end) for part in conditioning),)


def zero_out(run: NodeRun, conditioning: Conditioning) -> tuple[Conditioning]:
    """Zeros in place of every vector: not the empty text."""
    return (tuple(replace(part, vectors=torch.zeros_like(part.vectors)) for part in conditioning),)


def condition_inpaint_model(
    run: NodeRun, positive: Conditioning, negative: Conditioning, vae: VaeValue, pixels: Tensor, mask: Tensor, noise_mask: bool
) -> tuple[Conditioning, Conditioning, Latent]:
    """What 9-channel models are shown: the mask, and the picture with grey where it is. The latents are those of the whole picture."""
    picture, fitted = mask_for_encoding(mask, as_channels_first(pixels)[:, :3])
    shown = encode_pixels(run, grey_out(picture, fitted), vae)
    latent = Latent(encode_pixels(run, as_channels_first(pixels), vae), fitted if noise_mask else None)

    def with_picture(parts: Conditioning) -> Conditioning:
        return tuple(replace(part, concat_latent=shown, concat_mask=fitted) for part in parts)

    return with_picture(positive), with_picture(negative), latent
