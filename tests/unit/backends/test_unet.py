"""Up-sampling to odd sizes, layouts, and padding that wraps around."""

from __future__ import annotations

import pytest
import torch
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from torch import nn

from modules.backends.attention import Attention
from modules.backends.unet import PictureTransformer, SkipSizedUpsample, set_circular_padding


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


@pytest.mark.parametrize("is_linear", [False, True])
def test_the_transformer_is_diffusers_but_for_its_layout(is_linear: bool) -> None:
    torch.manual_seed(0)
    old = Transformer2DModel(2, 16, 32, norm_num_groups=8, cross_attention_dim=12, use_linear_projection=is_linear).requires_grad_(False)
    for layer in old.modules():
        if hasattr(layer, "set_processor"):
            layer.set_processor(Attention())
    x, context = torch.randn(2, 32, 5, 4), torch.randn(2, 7, 12)
    wanted = old(x, encoder_hidden_states=context, return_dict=False)[0]
    new = PictureTransformer(old)
    (got,) = new(x, encoder_hidden_states=context, return_dict=False)
    assert torch.allclose(got, wanted, atol=1e-5) and set(new.state_dict()) == set(old.state_dict())
    assert wanted.is_contiguous() and got.is_contiguous(memory_format=torch.channels_last) and not got.is_contiguous()
