"""Keep latents where the mask says so."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class LatentMask:
    """Where latents are repainted.

    Attributes:
        repaint: (h, w) or (C, h, w) or (B, C, h, w) float32 in [0, 1]; 1 = repaint.
    """

    repaint: Tensor


def blend(current: Tensor, original: Tensor, repaint: Tensor) -> Tensor:
    """`current` where `repaint` is 1, `original` where it is 0, linear between (Avrahami et al., "Blended Latent Diffusion", 2023)."""
    return current * repaint + original * (1.0 - repaint)
