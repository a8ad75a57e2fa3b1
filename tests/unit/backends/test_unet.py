"""Up-sampling to odd sizes, and padding that wraps around."""

from __future__ import annotations

import torch
from torch import nn

from modules.backends.unet import SkipSizedUpsample, set_circular_padding


def test_upsampling_convolves_before_it_fits_the_skip() -> None:
    conv = nn.Conv2d(2, 2, 3, padding=1).requires_grad_(False)
    x = torch.randn(1, 2, 3, 4, generator=torch.Generator().manual_seed(0))
    doubled = conv(x.repeat_interleave(2, dim=-1).repeat_interleave(2, dim=-2))
    layer = SkipSizedUpsample(conv)
    assert torch.equal(layer(x), doubled) and torch.equal(layer(x, (6, 8)), doubled)
    assert torch.equal(layer(x, torch.Size([5, 7])), doubled[:, :, [0, 1, 2, 3, 4]][..., [0, 1, 2, 3, 4, 5, 6]])


def test_circular_padding_and_back() -> None:
    network = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 1, 1)).requires_grad_(False)
    x = torch.randn(1, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    plain = network(x)
    set_circular_padding(network, True)
    assert torch.allclose(network(x.roll(2, -1)).roll(-2, -1), network(x), atol=1e-6)
    set_circular_padding(network, False)
    assert torch.equal(network(x), plain)
