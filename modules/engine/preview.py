"""Pictures of unfinished latents for next to nothing: by a linear map to RGB fitted to the model at hand, or by a tiny network."""

from __future__ import annotations

import copy
import logging
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from modules.engine.devices import has_fast_bfloat16
from modules.engine.model import DiffusionModel
from modules.engine.tiny_decoder import FACTOR, TinyDecoder, draw_probe

logger = logging.getLogger(__name__)

_CELLS = 16
_SEED = 20
_KEPT_AS = "latent_previews"
PROBE_ERROR = 0.02
"""Share of a channel's energy by which the probe's latents may differ from those of training: rounding makes far less of it."""
MOST_CELLS = 192 * 192
"""Of larger latents the linear map draws previews: a network would take seconds."""
COLOUR_LIMIT = 1.25


@dataclass(frozen=True)
class LatentPreview:
    """RGB in [-1, 1] as `weights` (C, 3) times the latent channels, plus `bias` (3,)."""

    weights: Tensor
    bias: Tensor

    def colours(self, latent: Tensor) -> Tensor:
        """(C, h, w) latents to the colour of each cell, (3, h, w) float32 on the CPU."""
        return torch.einsum("chw,ck->khw", latent.detach().float().cpu(), self.weights) + self.bias[:, None, None]

    def render(self, latent: Tensor, factor: int = 8) -> NDArray[np.uint8]:
        """(C, h, w) latents to an (h * factor, w * factor, 3) picture."""
        return _to_pixels(functional.interpolate(self.colours(latent)[None], scale_factor=factor, mode="bilinear")[0])


@dataclass(frozen=True)
class TinyPreview:
    """A trained network.

    Attributes:
        name: Of its file, for the log.
        network: In float32, on the CPU.
        probe: (C, h, w) float32: what the encoder that it was trained with makes of `draw_probe`, unscaled.
    """

    name: str
    network: TinyDecoder
    probe: Tensor

    @torch.no_grad()
    def fits(self, model: DiffusionModel) -> bool:
        """Whether the latents of `model` are those that the network was trained on; costs one small encoding where it may be so."""
        if model.latent_channels != self.network.shape.channels or model.latent_factor != FACTOR:
            return False
        latents = model.encode(draw_probe().to(model.device)).detach().float().cpu()[0] / model.scale_factor
        if latents.shape != self.probe.shape:
            return False
        errors = (latents - self.probe).square().mean((1, 2))
        return bool((errors <= PROBE_ERROR * self.probe.square().mean((1, 2))).all())


@dataclass(frozen=True)
class TinyPreviews:
    """The networks that are there.

    Attributes:
        decoders: Each for the latents of one encoder.
        enlarger: For the colours that the linear map sees in the latents of any model.
    """

    decoders: tuple[TinyPreview, ...] = ()
    enlarger: TinyPreview | None = None


NO_NETWORKS = TinyPreviews()


class ModelPreviews:
    """How to draw previews of the latents of one model: found out when first asked, then kept."""

    def __init__(self, model: DiffusionModel) -> None:
        self._model = model.name
        self._device, self._scale, self._factor = model.device, model.scale_factor, model.latent_factor
        self.linear = fit_preview(model)
        self._chosen: dict[TinyPreviews, tuple[TinyDecoder | None, bool]] = {}

    def choose(self, networks: TinyPreviews, model: DiffusionModel) -> tuple[TinyDecoder | None, bool]:
        """The network for the model, on its device, and whether it decodes latents itself; the log tells once which."""
        if networks not in self._chosen:
            found, is_decoder = next(((decoder, True) for decoder in networks.decoders if decoder.fits(model)), (networks.enlarger, False))
            if found is None or self._factor != FACTOR:
                logger.info("live previews of %s: a linear map of its latents", self._model)
                self._chosen[networks] = None, False
            else:
                what = "tiny decoder" if is_decoder else "no tiny decoder knows its latents, so their colours are enlarged by"
                logger.info("live previews of %s: %s %s", self._model, what, found.name)
                self._chosen[networks] = self._place(found.network), is_decoder
        return self._chosen[networks]

    @torch.no_grad()
    def render(self, latent: Tensor, network: TinyDecoder, is_decoder: bool) -> NDArray[np.uint8]:
        """(C, h, w) latents to an (8h, 8w, 3) picture."""
        if is_decoder:
            values = latent.detach().float() / self._scale
        else:
            values = self.linear.colours(latent).clamp(-COLOUR_LIMIT, COLOUR_LIMIT)
        weights = network.linear.weight
        batch = values[None].to(weights.device, weights.dtype, memory_format=torch.channels_last)
        return _to_pixels(network(batch)[0].float().cpu())

    def _place(self, network: TinyDecoder) -> TinyDecoder:
        """A copy where the model is, in what is quickest there: half precision is exact enough for a preview."""
        is_fast = self._device.type == "cpu" and has_fast_bfloat16()
        placed = copy.deepcopy(network).to(self._device, torch.bfloat16 if is_fast else torch.float32)
        for parameter in placed.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        return placed


def _to_pixels(picture: Tensor) -> NDArray[np.uint8]:
    return ((picture / 2 + 0.5).clamp(0, 1) * 255).permute(1, 2, 0).to(torch.uint8).numpy()


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


def latent_to_rgb(latent: Tensor, model: DiffusionModel, networks: TinyPreviews = NO_NETWORKS) -> NDArray[np.uint8]:
    """Preview (C, h, w) latents at the size that `model` will decode them to.

    The linear map is fitted at the first call, which costs one encoding of a 128 pixel picture, and kept with the model; so is
    the choice among `networks`: a decoder that fits, else the enlarger, else the linear map alone.
    """
    attributes = vars(model)
    if _KEPT_AS not in attributes:
        attributes[_KEPT_AS] = ModelPreviews(model)
    previews: ModelPreviews = attributes[_KEPT_AS]
    if networks is not NO_NETWORKS and latent.shape[-1] * latent.shape[-2] <= MOST_CELLS:
        network, is_decoder = previews.choose(networks, model)
        if network is not None:
            return previews.render(latent, network, is_decoder)
    return previews.linear.render(latent, model.latent_factor)
