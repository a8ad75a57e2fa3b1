"""From latents to 8-bit pictures."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from modules.engine.model import DiffusionModel


def decode(latents: Tensor, model: DiffusionModel) -> Tensor:
    """Decode one latent at a time.

    Args:
        latents: (B, C, h, w) float32, scaled.

    Returns:
        (B, 3, H, W) float32 in [0, 1], on the CPU.
    """
    return torch.cat([(model.decode(latent[None]) / 2.0 + 0.5).clamp(0.0, 1.0).cpu() for latent in latents])


def to_picture(pixels: Tensor) -> Image.Image:
    """(3, H, W) float32 in [0, 1] to RGB; fractions are cut off, as in A1111."""
    array = (255.0 * np.moveaxis(pixels.float().numpy(), 0, 2)).astype(np.uint8)
    return Image.fromarray(array)
