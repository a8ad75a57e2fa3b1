"""Keep latents where the mask says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from modules.engine.callbacks import BlendParams


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


class MaskBlending(Protocol):
    """How the latents outside a mask are kept during a run; all tensors (B, C, h, w), `levels` (B,)."""

    def enter(self, x: Tensor, levels: Tensor, denoiser: object) -> Tensor:
        """What the model is shown instead of `x`."""
        ...

    def leave(self, prediction: Tensor, levels: Tensor, denoiser: object) -> Tensor:
        """What the sampler is given instead of the guided prediction."""
        ...

    def finish(self, latent: Tensor) -> Tensor:
        """The result of the whole run, from the sampler's last latents."""
        ...


@dataclass(frozen=True)
class CleanBlending:
    """The clean start latents are laid under every prediction, or under every input, and under the result.

    Attributes:
        original: (B, C, h, w) clean latents.
        repaint: 1 = repaint; broadcastable to `original`.
        is_before: Blend the model's input, not its output.
        on_blend: Told of every blend; may blend in another way.
    """

    original: Tensor
    repaint: Tensor
    is_before: bool
    on_blend: Callable[[BlendParams], None] = lambda params: None

    def enter(self, x: Tensor, levels: Tensor, denoiser: object) -> Tensor:
        return self._blend(x, denoiser, levels) if self.is_before else x

    def leave(self, prediction: Tensor, levels: Tensor, denoiser: object) -> Tensor:
        return prediction if self.is_before else self._blend(prediction, denoiser, levels)

    def finish(self, latent: Tensor) -> Tensor:
        return self._blend(latent)

    def _blend(self, current: Tensor, denoiser: object = None, levels: Tensor | None = None) -> Tensor:
        blended = blend(current, self.original, self.repaint)
        params = BlendParams(current, self.repaint, self.original, 1.0 - self.repaint, blended, denoiser, levels)
        self.on_blend(params)
        return params.blended_latent
