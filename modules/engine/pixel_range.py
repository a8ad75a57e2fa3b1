"""What latents of a linear encoder show, and how much of it lies beyond black and white.

Guidance pushes clean latents to where no picture has any; a picture of them is shrill, and what the denoiser makes of them next is not what
it has learned. Pixels are clipped at every step for that, where a model works on pixels; a linear encoder lets the same be done to latents.

References:
    Saharia et al., "Photorealistic Text-to-Image Diffusion Models with Deep Language Understanding", NeurIPS 2022, section 2.3 (static
    thresholding).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PixelRange(nn.Module):
    """The linear map between patches of a picture and latent cells.

    Args:
        channels: Of the latents.
        patch_px: Side of a patch.

    Attributes:
        analysis: (channels, 3 * patch_px ** 2), a patch to a cell.
        synthesis: (3 * patch_px ** 2, channels), a cell to the patch that it stands for, less the mean.
        mean: (3 * patch_px ** 2,), the mean patch, in [-1, 1].
    """

    analysis: Tensor
    synthesis: Tensor
    mean: Tensor

    def __init__(self, channels: int, patch_px: int = 8) -> None:
        super().__init__()
        values = 3 * patch_px**2
        self.register_buffer("analysis", torch.zeros(channels, values))
        self.register_buffer("synthesis", torch.zeros(values, channels))
        self.register_buffer("mean", torch.zeros(values))

    def excess(self, latents: Tensor) -> Tensor:
        """What to take away from clean latents to have those of their picture, clipped to black and white.

        With fewer channels than values, what is left may lie beyond again, by less: a cell stands for the nearest patch that it can. The
        edges of true pictures have some excess, too.

        Args:
            latents: (B, channels, h, w) float32.

        Returns:
            The same shape; exactly 0 in cells that show nothing beyond.
        """
        pixels = torch.einsum("pc,bchw->bphw", self.synthesis, latents) + self.mean[:, None, None]
        return torch.einsum("cp,bphw->bchw", self.analysis, pixels - pixels.clamp(-1, 1))
