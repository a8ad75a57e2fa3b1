"""Stable Diffusion 1 and everything of its architecture, at any width and number of latent channels."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Hashable, Sequence

import torch
from torch import Tensor, nn

from modules.backends.clip_text import ClipTextEncoder
from modules.backends.loras.merger import LoraMerger
from modules.backends.script_view import ScriptView
from modules.backends.unet import run_unet, set_circular_padding
from modules.backends.vae import Vae
from modules.engine.lora.network import WeightedNetwork
from modules.engine.model import ModelKind, Prediction
from modules.engine.prompts.conditioning import encode_texts
from modules.engine.word_guide import WordGuide


class StableDiffusion(ScriptView):
    """A `DiffusionModel` of `engine.model`: UNet and VAE in the running dtype, text encoder in float32."""

    vae_name: str | None = None
    vae_sha256 = ""
    word_guide: WordGuide | None = None

    def __init__(
        self,
        *,
        name: str,
        title: str,
        sha256: str,
        kind: ModelKind,
        prediction: Prediction,
        scale_factor: float,
        alphas_cumprod: Tensor,
        unet: nn.Module,
        vae: Vae,
        text: ClipTextEncoder,
        latent_channels: int,
        latent_factor: int,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self.identity: Hashable = uuid.uuid4().hex
        self.name, self.title, self.sha256 = name, title, sha256
        self.kind, self.prediction = kind, prediction
        self.latent_channels, self.latent_factor, self.scale_factor = latent_channels, latent_factor, scale_factor
        self.alphas_cumprod = alphas_cumprod
        self.device, self.dtype = device, dtype
        self.unet, self.vae, self.text = unet, vae, text
        self._loras = LoraMerger(unet, text.network)

    @property
    def text_key(self) -> Hashable:
        """What is merged into the text encoder; see `engine.model.DiffusionModel`."""
        return self._loras.text_key

    @functools.cached_property
    @torch.no_grad()
    def empty_prompt(self) -> Tensor:
        """(77, width) float32; see `engine.model.DiffusionModel.empty_prompt`."""
        return encode_texts([""], self.text)[0]

    def apply_networks(self, networks: Sequence[WeightedNetwork], *, halves_text: bool = False) -> list[str]:
        """Merge these LoRA files and no others; see `engine.model.DiffusionModel.apply_networks`."""
        if networks:
            _ = self.empty_prompt  # of the text encoder as it is in the file
        return self._loras.apply(networks, halves_text)

    @torch.no_grad()
    def predict(self, x: Tensor, timestep: Tensor, context: Tensor, concat: Tensor | None = None, *, resizes_first: bool = False) -> Tensor:
        """Run the UNet once; see `engine.model.DiffusionModel.predict`."""
        sample = x if concat is None else torch.cat([x, concat.to(x)], dim=1)
        return run_unet(self.unet, sample, timestep, context, self.device, self.dtype, resizes_first)

    @torch.no_grad()
    def encode(self, pixels: Tensor) -> Tensor:
        """(1, 3, H, W) in [-1, 1] -> (1, C, H // 8, W // 8) float32, scaled; the posterior's mean."""
        return self.vae.encode(pixels) * self.scale_factor

    @torch.no_grad()
    def decode(self, latent: Tensor) -> Tensor:
        """(1, C, h, w) scaled -> (1, 3, 8 h, 8 w) float32."""
        return self.vae.decode(latent * (1 / self.scale_factor))

    def set_tiling(self, is_on: bool) -> None:
        """Circular padding in UNet and VAE, or zeros again."""
        set_circular_padding(self.unet, is_on)
        set_circular_padding(self.vae.network, is_on)


def make_alphas_cumprod(start: float, end: float, timesteps: int, schedule: str) -> Tensor:
    """Cumulative products of 1 - beta.

    Args:
        start: First beta.
        end: Last beta.
        timesteps: How many.
        schedule: LDM's "linear" and diffusers' "scaled_linear" mean betas whose square roots are evenly spaced; LDM's "sqrt_linear" and
            diffusers' "linear" ("plain" here) mean evenly spaced betas.

    Returns:
        (timesteps,) float32, decreasing.

    References:
        Ho et al., "Denoising Diffusion Probabilistic Models", NeurIPS 2020; Rombach et al., "Latent Diffusion Models", CVPR 2022.
    """
    if schedule == "plain":
        betas = torch.linspace(start, end, timesteps, dtype=torch.float64)
    else:
        betas = torch.linspace(start**0.5, end**0.5, timesteps, dtype=torch.float64).square()
    return torch.cumprod(1 - betas, dim=0).float()
