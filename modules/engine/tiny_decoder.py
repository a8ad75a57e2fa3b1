"""A very small network from latents to pictures, for live previews."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

FACTOR = 8
"""Pixels a latent cell, along each side."""
PROBE_PX = 128
_MIDDLE = 2
_SEED = 21


@dataclass(frozen=True)
class TinyShape:
    """Size of the network.

    Attributes:
        channels: Latent channels that go in.
        width: Features at the latents' resolution.
        blocks: Residual blocks of two convolutions there.
        middle: Features at twice that resolution.
    """

    channels: int
    width: int = 48
    blocks: int = 5
    middle: int = 24


class Residual(nn.Module):
    """Two convolutions beside a path that leaves things as they are."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, values: Tensor) -> Tensor:
        return torch.relu(values + self.second(torch.relu(self.first(values))))


class TinyDecoder(nn.Module):
    """Latents to a picture eight times as large: a linear map of each cell's neighbourhood, plus what a small network adds.

    Nearly all of it runs at the latents' resolution, and the picture is unfolded from channels at the end.

    References:
        Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel CNN", CVPR 2016.
        Boer Bohan, TAESD, https://github.com/madebyollin/taesd (the idea of a tiny decoder for previews).
    """

    def __init__(self, shape: TinyShape) -> None:
        super().__init__()
        self.shape = shape
        self.linear = nn.Conv2d(shape.channels, 3 * FACTOR**2, 3, padding=1, padding_mode="replicate")
        self.enter = nn.Conv2d(shape.channels, shape.width, 3, padding=1, padding_mode="replicate")
        self.blocks = nn.Sequential(*(Residual(shape.width) for _ in range(shape.blocks)))
        self.rise = nn.Conv2d(shape.width, shape.middle * _MIDDLE**2, 3, padding=1)
        self.refine = nn.Conv2d(shape.middle, shape.middle, 3, padding=1)
        self.leave = nn.Conv2d(shape.middle, 3 * (FACTOR // _MIDDLE) ** 2, 3, padding=1)

    def forward(self, latents: Tensor) -> Tensor:
        """(B, channels, h, w) to (B, 3, 8h, 8w), about [-1, 1]."""
        features = self.blocks(torch.relu(self.enter(latents)))
        features = torch.relu(functional.pixel_shuffle(self.rise(features), _MIDDLE))
        features = torch.relu(self.refine(features))
        detail = functional.pixel_shuffle(self.leave(features), FACTOR // _MIDDLE)
        return functional.pixel_shuffle(self.linear(latents), FACTOR) + detail


def draw_probe(size_px: int = PROBE_PX) -> Tensor:
    """A picture that is the same everywhere: soft colours, two shapes with sharp edges, and rings from coarse to fine, which tell
    latent channels of fine detail apart; (1, 3, size, size) in [-1, 1]."""
    generator = torch.Generator().manual_seed(_SEED)
    colours = torch.rand((1, 3, 5, 5), generator=generator) * 1.2 - 0.6
    picture = functional.interpolate(colours, size=(size_px, size_px), mode="bicubic")
    y, x = torch.meshgrid(torch.linspace(-1, 1, size_px), torch.linspace(-1, 1, size_px), indexing="ij")
    picture = picture + 0.4 * torch.cos(40 * (x.square() + y.square()) + torch.arange(3)[:, None, None])
    disc, bar = (x + 0.45).square() + (y + 0.4).square() < 0.05, (x - 0.6 * y - 0.3).abs() < 0.08
    for inside, colour in ((disc, (0.8, -0.2, -0.6)), (bar, (-0.7, 0.1, 0.6))):
        picture = torch.where(inside, torch.tensor(colour)[:, None, None], picture)
    return picture.clamp(-1, 1)


def measure_psnr(found: Tensor, wanted: Tensor) -> float:
    """Peak signal-to-noise ratio of pictures in [-1, 1], in dB."""
    error = (found.clamp(-1, 1) - wanted).square().mean().clamp(min=1e-10)
    return float(10 * torch.log10(4 / error))
