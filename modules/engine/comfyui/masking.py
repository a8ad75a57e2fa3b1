"""Repaint under a fractional mask: around it the model sees the start picture, noised to the level in hand, and gives it back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from modules.engine.blending import blend
from modules.engine.callbacks import BlendParams
from modules.engine.levels import NoiseLevels


def fit_mask(mask: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A mask as fractions of latent cells.

    Bilinear without antialiasing: a cell of 8 x 8 pixels is the mean of the four around its centre. Not rounded.

    Args:
        mask: (H, W), (B, H, W) or (B, 1, H, W) float32, 1 = repaint; pixels or latent cells; any number of masks.
        shape: (B, C, h, w) of the latents.

    Returns:
        (B, 1, h, w) float32; masks are repeated, or left out, to make B of them.
    """
    return repeat_to(resize_mask(mask, shape[-2], shape[-1]), shape[0])


def resize_mask(mask: Tensor, rows: int, columns: int) -> Tensor:
    """Any mask to (n, 1, rows, columns), bilinear."""
    masks = mask.float().reshape(-1, 1, *mask.shape[-2:])
    if masks.shape[-2:] == (rows, columns):
        return masks
    return interpolate(masks, size=(rows, columns), mode="bilinear", align_corners=False)


def repeat_to(batch: Tensor, count: int) -> Tensor:
    """`count` entries of a batch: it is repeated as often as need be, and cut."""
    return batch[torch.arange(count, device=batch.device) % len(batch)] if len(batch) != count else batch


def spread_to(batch: Tensor, count: int) -> Tensor:
    """`count` entries of a batch, in its order: each several times, or those at even distances from the first to the last."""
    there = len(batch)
    if there == count:
        return batch
    if there < count:
        return batch[[int((place + 0.5) * there / count) for place in range(count)]]
    return batch[[round(place * (there - 1) / max(count - 1, 1)) for place in range(count)]]


@dataclass(frozen=True)
class Thresholding:
    """The more a place may change, the earlier it is set free: Levin & Fried, "Differential Diffusion", 2023, algorithm 1.

    Attributes:
        levels: Of the model.
        sigmas: (n,) of the run.
        strength: How much of the threshold's mask, and how much of the given one; 0 counts as 1.
    """

    levels: NoiseLevels
    sigmas: Tensor
    strength: float = 1.0

    def __call__(self, sigma: Tensor, mask: Tensor) -> Tensor:
        ends = torch.stack([self.sigmas[0].cpu(), self.sigmas[-1].cpu().clamp(min=self.levels.sigma_min), sigma.cpu()])
        start, end, now = self.levels.timestep(ends).float()
        # A run that begins where it ends has no threshold (0/0): then nothing is free.
        free = (mask >= ((now - end) / (start - end)).to(mask)).to(mask)
        return self.strength * free + (1 - self.strength) * mask if 0 < self.strength < 1 else free


def _as_given(sigma: Tensor, mask: Tensor) -> Tensor:
    return mask


def _ignore(params: BlendParams) -> None:
    return None


@dataclass(frozen=True)
class NoisedBlending:
    """The rule that keeps masked parts: see `engine.blending.MaskBlending`.

    Attributes:
        original: (B, C, h, w) clean latents of the start picture.
        repaint: (B or 1, C or 1, h, w) in [0, 1], 1 = repaint.
        noise: (B, C, h, w) of unit variance, the same at every call; zeros leave the start picture as it is.
        change: The mask that holds at a sigma.
        on_blend: Told of each blend of a prediction; may blend in another way.
    """

    original: Tensor
    repaint: Tensor
    noise: Tensor
    change: Callable[[Tensor, Tensor], Tensor] = field(default=_as_given)
    on_blend: Callable[[BlendParams], None] = field(default=_ignore)

    def enter(self, x: Tensor, levels: Tensor, denoiser: object) -> Tensor:
        sigma = levels.to(x).view(-1, 1, 1, 1)
        return blend(x, self.original + sigma * self.noise, self.change(levels[0], self.repaint))

    def leave(self, prediction: Tensor, levels: Tensor, denoiser: object) -> Tensor:
        repaint = self.change(levels[0], self.repaint)
        blended = blend(prediction, self.original, repaint)
        params = BlendParams(prediction, repaint, self.original, 1.0 - repaint, blended, denoiser, levels)
        self.on_blend(params)
        return params.blended_latent

    def finish(self, latent: Tensor) -> Tensor:
        """As it is: the last step has brought the start picture back already."""
        return latent
