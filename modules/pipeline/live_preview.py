"""The picture that is shown of latents while a job runs, as `show_progress_type` wants it."""

from __future__ import annotations

from PIL import Image
from torch import Tensor

from modules.backends.preview_networks import load_preview_networks
from modules.base.paths import Paths
from modules.engine.model import DiffusionModel
from modules.engine.preview import NO_NETWORKS, latent_to_rgb
from modules.pipeline.stages.decode import decode, to_picture

FULL, CHEAP = "Full", "Approx cheap"
APPROXIMATIONS = {FULL: 0, "Approx NN": 1, CHEAP: 2, "TAESD": 3}
"""A1111's names of the ways, and its numbers."""


def show_latent(latent: Tensor, model: DiffusionModel, way: str, paths: Paths) -> Image.Image:
    """Draw one latent.

    Args:
        latent: (C, h, w) float32, scaled.
        way: One of `APPROXIMATIONS`: the VAE, the linear map, or, for the other two, the best tiny network that there is for the model.

    Returns:
        RGB, of the size that the model decodes to.
    """
    if way == FULL:
        return to_picture(decode(latent[None], model)[0])
    networks = NO_NETWORKS if way == CHEAP else load_preview_networks(paths.builtin_models / "preview")
    return Image.fromarray(latent_to_rgb(latent, model, networks))
