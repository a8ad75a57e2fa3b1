"""1x1 convolutions as matrix products."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from modules.backends.pointwise import PointwiseConv, replace_pointwise


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("has_bias", [True, False])
def test_it_is_the_convolution(layout: torch.memory_format, has_bias: bool) -> None:
    torch.manual_seed(0)
    plain = nn.Conv2d(48, 20, 1, bias=has_bias)
    block = nn.Sequential(nn.Sequential(plain), nn.Conv2d(20, 8, 3, padding=1), nn.Conv2d(8, 8, 1, stride=2))
    pictures = torch.randn(2, 48, 7, 5).to(memory_format=layout)
    wanted = plain(pictures)
    replace_pointwise(block)
    replaced = block[0][0]
    assert isinstance(replaced, PointwiseConv) and type(block[1]) is type(block[2]) is nn.Conv2d
    replaced.load_state_dict(plain.state_dict())
    with torch.no_grad():
        made = replaced(pictures)
    assert torch.allclose(made, wanted, atol=1e-5) and made.is_contiguous(memory_format=layout)


def test_other_precisions_are_left_to_torch() -> None:
    layer = PointwiseConv(16, 4, 1).to(torch.bfloat16)
    pictures = torch.randn(1, 16, 3, 3, dtype=torch.bfloat16)
    assert torch.equal(layer(pictures), nn.functional.conv2d(pictures, layer.weight, layer.bias))
