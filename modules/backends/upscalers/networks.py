"""The two networks of the ESRGAN family, in torch.

References:
    Wang et al., "ESRGAN", ECCV workshops 2018, arXiv:1809.00219 (RRDB: residual in residual dense blocks).
    Wang et al., "Real-ESRGAN", ICCV workshops 2021, arXiv:2107.10833 (pixel unshuffle before x2 and x1; the compact network).
    Rakotonirina & Rasoanaivo, "ESRGAN+", ICASSP 2020, arXiv:2001.08073 (a further residual within the dense block).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_RESIDUAL_SHARE = 0.2
_LEAK = 0.2


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, 1, 1)


def _leaky(x: Tensor) -> Tensor:
    return F.leaky_relu(x, _LEAK, inplace=True)


class DenseBlock(nn.Module):
    """Five convolutions, each of which sees all before it.

    Args:
        features: Channels in and out.
        growth: Channels that each inner convolution adds.
        is_plus: With ESRGAN+'s further residual.
    """

    def __init__(self, features: int, growth: int, *, is_plus: bool = False) -> None:
        super().__init__()
        self.conv1 = _convolution(features, growth)
        self.conv2 = _convolution(features + growth, growth)
        self.conv3 = _convolution(features + 2 * growth, growth)
        self.conv4 = _convolution(features + 3 * growth, growth)
        self.conv5 = _convolution(features + 4 * growth, features)
        self.conv1x1 = nn.Conv2d(features, growth, 1, bias=False) if is_plus else None

    def forward(self, x: Tensor) -> Tensor:
        """(B, features, h, w) to the same shape."""
        one = _leaky(self.conv1(x))
        two = _leaky(self.conv2(torch.cat((x, one), 1)))
        if self.conv1x1 is not None:
            two = two + self.conv1x1(x)
        three = _leaky(self.conv3(torch.cat((x, one, two), 1)))
        four = _leaky(self.conv4(torch.cat((x, one, two, three), 1)))
        if self.conv1x1 is not None:
            four = four + two
        return torch.add(x, self.conv5(torch.cat((x, one, two, three, four), 1)), alpha=_RESIDUAL_SHARE)


class ResidualBlock(nn.Module):
    """Three dense blocks and a way around them."""

    def __init__(self, features: int, growth: int, *, is_plus: bool = False) -> None:
        super().__init__()
        self.rdb1 = DenseBlock(features, growth, is_plus=is_plus)
        self.rdb2 = DenseBlock(features, growth, is_plus=is_plus)
        self.rdb3 = DenseBlock(features, growth, is_plus=is_plus)

    def forward(self, x: Tensor) -> Tensor:
        """(B, features, h, w) to the same shape."""
        return torch.add(x, self.rdb3(self.rdb2(self.rdb1(x))), alpha=_RESIDUAL_SHARE)


class RRDBNet(nn.Module):
    """ESRGAN's generator.

    Args:
        blocks: Residual blocks.
        features: Channels between them.
        growth: Channels that a dense block adds at each step.
        doublings: How often the picture is doubled after the blocks.
        unshuffle: Side of the squares of pixels that become channels before the blocks; 1 = none.
        is_plus: ESRGAN+.

    Attributes:
        scale: Output side by input side.
        multiple: Sides of the input must be multiples of this.
    """

    def __init__(self, blocks: int, features: int, growth: int, doublings: int, unshuffle: int = 1, *, is_plus: bool = False) -> None:
        super().__init__()
        self.scale, self.multiple, self._doublings = 2**doublings // unshuffle, unshuffle, doublings
        self.conv_first = _convolution(3 * unshuffle**2, features)
        self.body = nn.Sequential(*(ResidualBlock(features, growth, is_plus=is_plus) for _ in range(blocks)))
        self.conv_body = _convolution(features, features)
        for index in range(doublings):
            self.add_module(f"conv_up{index + 1}", _convolution(features, features))
        self.conv_hr = _convolution(features, features)
        self.conv_last = _convolution(features, 3)

    def forward(self, x: Tensor) -> Tensor:
        """RGB (B, 3, h, w) float32 in [0, 1] to (B, 3, scale * h, scale * w) float32, about [0, 1]."""
        if self.multiple > 1:
            x = F.pixel_unshuffle(x, self.multiple)
        x = self.conv_first(x.to(self.conv_first.weight.dtype))
        x = x + self.conv_body(self.body(x))
        for index in range(self._doublings):
            x = _leaky(self.get_submodule(f"conv_up{index + 1}")(F.interpolate(x, scale_factor=2, mode="nearest")))
        last: Tensor = self.conv_last(_leaky(self.conv_hr(x)))
        return last.float()


class CompactNet(nn.Module):
    """Real-ESRGAN's compact network (SRVGGNetCompact): a plain row of convolutions; what it gives is added to the enlarged input.

    Args:
        inner: Convolutions between the first and the last.
        features: Channels between them.
        scale: Output side by input side.
    """

    multiple = 1

    def __init__(self, inner: int, features: int, scale: int) -> None:
        super().__init__()
        self.scale = scale
        layers: list[nn.Module] = [_convolution(3, features), nn.PReLU(features)]
        for _ in range(inner):
            layers += [_convolution(features, features), nn.PReLU(features)]
        self.body = nn.Sequential(*layers, _convolution(features, 3 * scale**2))

    def forward(self, x: Tensor) -> Tensor:
        """RGB (B, 3, h, w) float32 in [0, 1] to (B, 3, scale * h, scale * w) float32, about [0, 1]."""
        details = self.body(x.to(next(self.parameters()).dtype)).float()
        return F.pixel_shuffle(details, self.scale) + F.interpolate(x, scale_factor=self.scale, mode="nearest")
