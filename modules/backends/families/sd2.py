"""Stable Diffusion 2 runs as `families.sd1.StableDiffusion` does; here is what tells its two kinds of training apart."""

from __future__ import annotations

import torch
from torch import nn

from modules.backends.unet import run_unet

_LAST_TIMESTEP, _SIDE, _FILL = 999.0, 8, 0.5
_BELOW = -1.0


@torch.no_grad()
def predicts_v(unet: nn.Module, channels: int, context_width: int, device: torch.device, dtype: torch.dtype) -> bool:
    """Try a UNet on plain grey at the noisiest timestep.

    There, x is nearly all noise: a model that predicts the noise gives x back, one that predicts v = alpha noise - sigma x0 gives the
    opposite of what it takes for the picture, which lies far below.

    Args:
        channels: Of its input.
        context_width: Of the text's vectors.
    """
    x = torch.full((1, channels, _SIDE, _SIDE), _FILL)
    context = torch.full((1, 2, context_width), _FILL)
    output = run_unet(unet, x, torch.tensor([_LAST_TIMESTEP]), context, device, dtype).cpu()
    return bool((output - x).mean() < _BELOW)
