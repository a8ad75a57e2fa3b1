"""The KL autoencoder between pixels and latents: half precision where it holds, float32 where it gives NaN."""

from __future__ import annotations

import logging
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor, nn

from modules.backends.attention import Attention
from modules.backends.pointwise import replace_pointwise
from modules.backends.weights import picture_layout

log = logging.getLogger(__name__)


def make_vae(config: dict[str, Any]) -> nn.Module:
    """An uninitialised `AutoencoderKL` on the current device, with our attention and 1x1 convolutions."""
    vae = AutoencoderKL(**config)
    vae.set_attn_processor(Attention())
    replace_pointwise(vae)
    return vae


class Vae:
    """Encodes and decodes one picture at a time, in unscaled latents.

    A result with NaN in half precision turns the network to float32 for good, and is computed again.
    """

    def __init__(self, network: nn.Module, device: torch.device, dtype: torch.dtype) -> None:
        self.network: Any = network
        self._device, self.dtype = device, dtype

    def encode(self, pixels: Tensor) -> Tensor:
        """(1, 3, H, W) in [-1, 1] -> (1, C, H // 8, W // 8) float32: mean of the posterior."""
        return self._run(self._encode, pixels)

    def decode(self, latent: Tensor) -> Tensor:
        """(1, C, h, w) -> (1, 3, 8 h, 8 w) float32, about [-1, 1]."""
        return self._run(self._decode, latent)

    def _encode(self, pixels: Tensor) -> Tensor:
        moments = self.network.encoder(pixels)
        if self.network.quant_conv is not None:
            moments = self.network.quant_conv(moments)
        mean: Tensor = moments.chunk(2, dim=1)[0]
        return mean

    def _decode(self, latent: Tensor) -> Tensor:
        if self.network.post_quant_conv is not None:
            latent = self.network.post_quant_conv(latent)
        result: Tensor = self.network.decoder(latent)
        return result

    def _run(self, function: Any, values: Tensor) -> Tensor:
        result = self._in_dtype(function, values)
        if self.dtype != torch.float32 and bool(torch.isnan(result).any()) and not bool(torch.isnan(values).any()):
            log.warning("The VAE gave NaN in %s; it runs in float32 from now on.", self.dtype)
            nn.Module.float(self.network)
            self.dtype = torch.float32
            result = self._in_dtype(function, values)
        return result

    def _in_dtype(self, function: Any, values: Tensor) -> Tensor:
        result = function(values.to(device=self._device, dtype=self.dtype, memory_format=picture_layout(self.dtype)))
        return result.to(torch.float32, memory_format=torch.contiguous_format)
