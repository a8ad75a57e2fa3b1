"""diffusers' UNet, changed in three places: up-sampling of odd sizes, attention, and the layout behind attention."""

from __future__ import annotations

from typing import Any

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn
from torch.nn import functional

from modules.backends.attention import Attention
from modules.backends.pointwise import replace_pointwise
from modules.backends.weights import FED_CHANNELS_LAST, picture_layout


class SkipSizedUpsample(nn.Module):
    """Doubles (nearest), convolves, and only then resizes (nearest) to the size of the skip connection: A1111's way.

    diffusers and ComfyUI resize to that size before they convolve, which gives another picture wherever a latent side is no multiple of 8.

    Args:
        conv: The convolution of the block that is replaced.

    Attributes:
        resizes_first: Go the other way.
    """

    def __init__(self, conv: nn.Module) -> None:
        super().__init__()
        self.conv, self.resizes_first = conv, False

    def forward(self, hidden_states: Tensor, output_size: Any = None) -> Tensor:
        """(B, C, h, w) -> (B, C', *output_size), or (B, C', 2h, 2w) without `output_size`."""
        if self.resizes_first and output_size is not None:
            direct: Tensor = self.conv(functional.interpolate(hidden_states, size=tuple(output_size), mode="nearest"))
            return direct
        result: Tensor = self.conv(functional.interpolate(hidden_states, scale_factor=2.0, mode="nearest"))
        if output_size is not None and tuple(result.shape[-2:]) != tuple(output_size):
            result = functional.interpolate(result, size=tuple(output_size), mode="nearest")
        return result


class PictureNorm(nn.GroupNorm):
    """Normalises groups of channels of a picture.

    In float32 on a CPU torch has two formulas, one for each layout of its input; see `PictureTransformer`.

    Attributes:
        is_precise: Bring the picture to the layout of the more precise one first, as ComfyUI does, where A1111 does not.
    """

    is_precise = False

    def forward(self, input: Tensor) -> Tensor:
        is_plain = self.is_precise and input.device.type == "cpu" and input.dtype == torch.float32
        return super().forward(input.contiguous() if is_plain else input)


def _replace_norms(unet: Any) -> None:
    """Make every group norm a `PictureNorm`, and list them for `run_unet`."""
    norms = []
    for parent in list(unet.modules()):
        for name, layer in list(parent.named_children()):
            if type(layer) is nn.GroupNorm:
                norms.append(PictureNorm(layer.num_groups, layer.num_channels, layer.eps, layer.affine))
                setattr(parent, name, norms[-1])
    unet.picture_norms = norms


class PictureTransformer(nn.Module):
    """Normalises a picture, runs transformer blocks over its cells, and adds the result to it.

    What comes out is laid out channels last, which spares copies, and which A1111 does too. It shows in float32 on a CPU: there torch
    normalises groups of channels-last pictures by mean squares less squared means, with about 60 times the rounding error of its other
    formula. Equal pictures need the same error.

    Args:
        old: diffusers' module, whose layers are taken over under their names.
    """

    def __init__(self, old: Any) -> None:
        super().__init__()
        self.norm, self.proj_in, self.proj_out = old.norm, old.proj_in, old.proj_out
        self.transformer_blocks = old.transformer_blocks
        self.is_linear = isinstance(old.proj_in, nn.Linear)

    def forward(self, hidden_states: Tensor, encoder_hidden_states: Tensor | None = None, **_: Any) -> tuple[Tensor]:
        """(B, C, h, w) and (B, m, W) -> (B, C, h, w); diffusers' other arguments have no use in these networks."""
        height, width = hidden_states.shape[2:]
        x = self.norm(hidden_states)
        if not self.is_linear:
            x = self.proj_in(x)
        x = x.permute(0, 2, 3, 1).flatten(1, 2)
        if self.is_linear:
            x = self.proj_in(x)
        for block in self.transformer_blocks:
            x = block(x, encoder_hidden_states=encoder_hidden_states)
        if self.is_linear:
            x = self.proj_out(x)
        x = x.unflatten(1, (height, width)).permute(0, 3, 1, 2)
        if not self.is_linear:
            x = self.proj_out(x)
        return (x + hidden_states,)


def _mark_layouts(unet: Any) -> None:
    """Mark the convolutions that pictures reach laid out channels last, for `weights.build_module`.

    Those behind a `PictureTransformer` do. A skip connection from before the first one brings the other layout back, for one block.
    """
    plain: list[nn.Module] = [unet.conv_in]
    skips = 1
    for block in unet.down_blocks:
        if getattr(block, "attentions", None) is not None:
            plain.append(block.resnets[0])
            break
        plain.append(block)
        skips += len(block.resnets) + (block.downsamplers is not None)
    plain += [resnet for block in unet.up_blocks for resnet in block.resnets][-skips:]
    excepted = {layer for module in plain for layer in module.modules()}
    for layer in unet.modules():
        if isinstance(layer, nn.Conv2d) and layer not in excepted:
            setattr(layer, FED_CHANNELS_LAST, True)


def make_unet(config: dict[str, Any]) -> nn.Module:
    """An uninitialised `UNet2DConditionModel` on the current device, with our up-sampling, attention and layout."""
    unet = UNet2DConditionModel(**config)
    unet.set_attn_processor(Attention())
    for block in (*unet.down_blocks, unet.mid_block, *unet.up_blocks):
        if getattr(block, "attentions", None) is not None:
            block.attentions = nn.ModuleList(PictureTransformer(old) for old in block.attentions)
    for block in unet.up_blocks:
        if block.upsamplers is not None:
            block.upsamplers = nn.ModuleList(SkipSizedUpsample(old.conv) for old in block.upsamplers)
    replace_pointwise(unet)
    _replace_norms(unet)
    _mark_layouts(unet)
    return unet


def set_circular_padding(module: nn.Module, is_on: bool) -> None:
    """Make all padded convolutions below `module` wrap around, or pad with zeros again."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d) and layer.padding not in ("valid", 0, (0, 0)):
            layer.padding_mode = "circular" if is_on else "zeros"


def run_unet(
    unet: Any, sample: Tensor, timestep: Tensor, context: Tensor, device: torch.device, dtype: torch.dtype, resizes_first: bool = False
) -> Tensor:
    """One forward pass in `dtype`; float32 in, float32 out, contiguous. `resizes_first`: as ComfyUI; `PictureNorm` is precise then, too."""
    for block in unet.up_blocks:
        for upsampler in block.upsamplers or ():
            upsampler.resizes_first = resizes_first
    for norm in unet.picture_norms:
        norm.is_precise = resizes_first
    result = unet(
        sample.to(device=device, dtype=dtype, memory_format=picture_layout(dtype)),
        timestep.to(device=device),
        encoder_hidden_states=context.to(device=device, dtype=dtype),
        return_dict=False,
    )[0]
    return result.to(torch.float32, memory_format=torch.contiguous_format)
