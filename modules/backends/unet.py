"""diffusers' UNet, changed in two places: up-sampling of odd sizes, and attention."""

from __future__ import annotations

from typing import Any

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn
from torch.nn import functional

from modules.backends.attention import Attention
from modules.backends.weights import picture_layout


class SkipSizedUpsample(nn.Module):
    """Doubles (nearest), convolves, and only then resizes (nearest) to the size of the skip connection.

    diffusers resizes to that size before it convolves, which gives another picture wherever a latent side is no multiple of 8.

    Args:
        conv: The convolution of the block that is replaced.
    """

    def __init__(self, conv: nn.Module) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, hidden_states: Tensor, output_size: Any = None) -> Tensor:
        """(B, C, h, w) -> (B, C', *output_size), or (B, C', 2h, 2w) without `output_size`."""
        result: Tensor = self.conv(functional.interpolate(hidden_states, scale_factor=2.0, mode="nearest"))
        if output_size is not None and tuple(result.shape[-2:]) != tuple(output_size):
            result = functional.interpolate(result, size=tuple(output_size), mode="nearest")
        return result


def make_unet(config: dict[str, Any]) -> nn.Module:
    """An uninitialised `UNet2DConditionModel` on the current device, with our up-sampling and attention."""
    unet = UNet2DConditionModel(**config)
    unet.set_attn_processor(Attention())
    for block in unet.up_blocks:
        if block.upsamplers is not None:
            block.upsamplers = nn.ModuleList(SkipSizedUpsample(old.conv) for old in block.upsamplers)
    return unet


def set_circular_padding(module: nn.Module, is_on: bool) -> None:
    """Make all padded convolutions below `module` wrap around, or pad with zeros again."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d) and layer.padding not in ("valid", 0, (0, 0)):
            layer.padding_mode = "circular" if is_on else "zeros"


def run_unet(unet: nn.Module, sample: Tensor, timestep: Tensor, context: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    """One forward pass in `dtype`; float32 in, float32 out, contiguous."""
    result = unet(
        sample.to(device=device, dtype=dtype, memory_format=picture_layout(dtype)),
        timestep.to(device=device),
        encoder_hidden_states=context.to(device=device, dtype=dtype),
        return_dict=False,
    )[0]
    return result.to(torch.float32, memory_format=torch.contiguous_format)
