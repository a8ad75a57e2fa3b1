"""A small network that tells what noisy latents show, and pulls them towards what the prompt asks for.

It knows a fixed list of everyday things. What of them a prompt asks for, it reads from the text encoder's vectors, so any wording does that
the encoder understands; a prompt that asks for none of them, or the empty one, is left alone to the bit.

References:
    Dhariwal & Nichol, "Diffusion Models Beat GANs on Image Synthesis", NeurIPS 2021, section 4 (classifier guidance).
    Perez et al., "FiLM: Visual Reasoning with a General Conditioning Layer", AAAI 2018.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from modules.engine.pixel_range import PixelRange

STRENGTH = 20.0
"""Factor of the gradient: by trial, on fills judged by another network."""
SURE = 0.5
"""A prompt is left alone where something unknown is likelier than this."""
MASKED = 0.5
"""Cells with more of the mask than this are pulled."""
_GROUPS = 8
_WAVES = 8
_LONGEST_WAVE = 200.0
_TIMESTEPS = 1000
_CHUNK = 77
_LEAST_SIDE = 4
"""Latent cells; smaller holes show nothing to tell."""


class _Residual(nn.Module):
    """Two 3x3 convolutions, changed by how noisy the latents are; `stride` 2 halves the side."""

    def __init__(self, inputs: int, outputs: int, stride: int, embedded: int) -> None:
        super().__init__()
        self.norm_in, self.conv_in = nn.GroupNorm(_GROUPS, inputs), nn.Conv2d(inputs, outputs, 3, stride, 1)
        self.norm_out, self.conv_out = nn.GroupNorm(_GROUPS, outputs), nn.Conv2d(outputs, outputs, 3, 1, 1)
        self.film = nn.Linear(embedded, 2 * outputs)
        self.bypass = nn.Identity() if inputs == outputs and stride == 1 else nn.Conv2d(inputs, outputs, 1)
        self.pool = nn.AvgPool2d(2, ceil_mode=True) if stride == 2 else nn.Identity()

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        y = self.conv_in(functional.silu(self.norm_in(x)))
        scale, shift = self.film(embedding)[:, :, None, None].chunk(2, dim=1)
        y = self.conv_out(functional.silu(self.norm_out(y) * (1 + scale) + shift))
        result: Tensor = y + self.bypass(self.pool(x))
        return result


class WordGuide(nn.Module):
    """The network: noisy latents and prompts to the same list of things.

    Args:
        channels: Of the latents.
        things: How many it knows.
        text_width: Of the text encoder's vectors.
        widths: Channels at the full, half and quarter side.
        embedded: Width of the timestep's embedding.
        has_pixels: It has `pixels`.

    Attributes:
        things: Their names, where the file tells them.
        pixels: Tells how much of pulled latents lies beyond black and white; None = nobody does.
    """

    things: tuple[str, ...] = ()

    def __init__(
        self,
        channels: int,
        things: int,
        text_width: int,
        widths: tuple[int, int, int] = (96, 128, 192),
        embedded: int = 128,
        has_pixels: bool = False,
    ) -> None:
        super().__init__()
        full, half, quarter = widths
        self.embed = nn.Sequential(nn.Linear(2 * _WAVES, embedded), nn.SiLU(), nn.Linear(embedded, embedded))
        self.stem = nn.Conv2d(channels, full, 3, 1, 1)
        sizes = ((full, full, 1), (full, half, 2), (half, half, 1), (half, quarter, 2), (quarter, quarter, 1))
        self.blocks = nn.ModuleList([_Residual(*size, embedded) for size in sizes])
        self.norm, self.head = nn.GroupNorm(_GROUPS, quarter), nn.Linear(quarter, things)
        self.words = nn.Linear(text_width, things + 1)
        self.pixels = PixelRange(channels) if has_pixels else None

    def forward(self, x: Tensor, timestep: Tensor) -> Tensor:
        """Tell what is seen.

        Args:
            x: (B, C, h, w) float32, noisy, of variance-preserving scale; sides of 4 and more.
            timestep: (B,) in [0, 999].

        Returns:
            (B, things) logits.
        """
        waves = torch.exp(torch.linspace(0, math.log(_LONGEST_WAVE), _WAVES, device=x.device))
        phases = waves * (timestep.float()[:, None] / _TIMESTEPS)
        embedding = functional.silu(self.embed(torch.cat([phases.sin(), phases.cos()], dim=1)))
        y = self.stem(x)
        for block in self.blocks:
            y = block(y, embedding)
        logits: Tensor = self.head(functional.silu(self.norm(y)).mean((2, 3)))
        return logits

    def read(self, context: Tensor) -> Tensor:
        """(B, 77, text_width) vectors of prompts -> (B, things + 1) logits; the last is for anything else."""
        logits: Tensor = self.words(context.float().mean(1))
        return logits

    def asked(self, context: Tensor) -> Tensor:
        """(B, 77 n, text_width) vectors of prompts -> (B, things): how likely each is meant; rows of zeros where none of them is.

        Chunks are read one by one, and what one of them asks for is asked for: a long neighbour in the batch brings empty ones behind it.
        """
        chunks = context.unflatten(1, (-1, _CHUNK)) if context.shape[1] % _CHUNK == 0 else context[:, None]
        chances = self.read(chunks.flatten(0, 1)).softmax(1).unflatten(0, chunks.shape[:2])
        asked = (chances[..., :-1] * (chances[..., -1:] < SURE)).amax(1)
        return asked / asked.sum(1, keepdim=True).clamp(min=1)

    def pull(self, x: Tensor, timestep: Tensor, context: Tensor, mask: Tensor | None = None) -> Tensor:
        """Which way the latents show more of what is asked for.

        Args:
            x: (B, C, h, w), as for `forward`.
            timestep: (B,) in [0, 999].
            context: (B, n, text_width).
            mask: (B, 1, h, w), 1 = repainted: what lies in its bounding box is looked at, and only masked cells are pulled.

        Returns:
            (B, C, h, w) float32: gradient by `x` of the log likelihood of what is asked for; 0 where nothing is.
        """
        found, asked = torch.zeros_like(x, dtype=torch.float32), self.asked(context)
        for row in asked.any(1).nonzero().flatten().tolist():
            rows, columns = (slice(None), slice(None)) if mask is None else _box(mask[row, 0] > MASKED)
            part = x[row : row + 1, :, rows, columns]
            if min(part.shape[2:]) < _LEAST_SIDE:
                continue
            gradient = self._gradient(part, timestep[row : row + 1], asked[row])
            found[row, :, rows, columns] = gradient if mask is None else gradient * (mask[row, :, rows, columns] > MASKED)
        return found

    def _gradient(self, part: Tensor, timestep: Tensor, asked: Tensor) -> Tensor:
        with torch.inference_mode(False), torch.enable_grad():
            seen = part.float().clone().requires_grad_()
            likelihood = (self(seen, timestep.clone()).log_softmax(1)[0] * asked.clone()).sum()
            (gradient,) = torch.autograd.grad(likelihood, seen)
        return gradient[0]


def _box(mask: Tensor) -> tuple[slice, slice]:
    """Rows and columns that hold all of a (h, w) mask; empty slices where there is nothing."""
    rows, columns = mask.any(1).nonzero().flatten(), mask.any(0).nonzero().flatten()
    if not len(rows):
        return slice(0, 0), slice(0, 0)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
