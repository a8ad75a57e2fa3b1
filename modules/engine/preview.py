"""A picture of unfinished latents for next to nothing: a linear map from latent channels to RGB, fitted to the model at hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from modules.engine.model import DiffusionModel

_CELLS = 16
_SEED = 20
_KEPT_AS = "latent_preview"


@dataclass(frozen=True)
class LatentPreview:
    """RGB in [-1, 1] as `weights` (C, 3) times the latent channels, plus `bias` (3,)."""

    weights: Tensor
    bias: Tensor

    def render(self, latent: Tensor, factor: int = 8) -> NDArray[np.uint8]:
        """(C, h, w) latents to an (h * factor, w * factor, 3) picture."""
        colour = torch.einsum("chw,ck->khw", latent.detach().float().cpu(), self.weights) + self.bias[:, None, None]
        large = functional.interpolate(colour[None], scale_factor=factor, mode="bilinear")[0]
        return ((large / 2 + 0.5).clamp(0, 1) * 255).permute(1, 2, 0).to(torch.uint8).numpy()


@torch.no_grad()
def fit_preview(model: DiffusionModel) -> LatentPreview:
    """Fit the map by least squares on one small encoded picture of random smooth colours."""
    generator = torch.Generator().manual_seed(_SEED)
    colours = torch.rand((1, 3, _CELLS // 2, _CELLS // 2), generator=generator) * 2 - 1
    pixels = functional.interpolate(colours, size=(_CELLS * model.latent_factor,) * 2, mode="bilinear")
    latent = model.encode(pixels.to(model.device)).detach().float().cpu()[0].flatten(1).T
    wanted = functional.avg_pool2d(pixels, model.latent_factor)[0].flatten(1).T
    known = torch.cat([latent, torch.ones(len(latent), 1)], dim=1)
    # Channels may depend on one another: small singular values are left out.
    solution = torch.from_numpy(np.linalg.lstsq(known.double().numpy(), wanted.double().numpy(), rcond=1e-4)[0]).float()
    return LatentPreview(solution[:-1], solution[-1])


def latent_to_rgb(latent: Tensor, model: DiffusionModel) -> NDArray[np.uint8]:
    """Preview (C, h, w) latents at the size that `model` will decode them to.

    The map is fitted at the first call, which costs one encoding of a 128 pixel picture, and kept with the model.
    """
    attributes = vars(model)
    if _KEPT_AS not in attributes:
        attributes[_KEPT_AS] = fit_preview(model)
    preview: LatentPreview = attributes[_KEPT_AS]
    return preview.render(latent, model.latent_factor)
