"""A loaded model as A1111's scripts look at `shared.sd_model`: its kind, and VAE and text encoder under their names there."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from modules.engine.model import ModelKind, Prediction
from modules.engine.prompts.conditioning import encode_texts

CONDITIONING_KEYS = {ModelKind.BASE: "crossattn", ModelKind.INPAINT: "hybrid", ModelKind.EDIT: "edit"}
SD2_WIDTH = 1024


class ScriptView:
    """Mixed into a `DiffusionModel`. The networks themselves are not A1111's: replacing parts of them is not offered.

    Attributes:
        sd_checkpoint_info: The `CheckpointInfo` it was loaded from; None for a model without a file.
    """

    sd_checkpoint_info: Any = None
    is_sdxl = is_sdxl_inpaint = is_sd3 = is_ssd = is_flux = False
    lowvram = False
    cond_stage_key = "txt"

    @property
    def is_sd2(self) -> bool:
        return bool(self._model.text.width == SD2_WIDTH)

    @property
    def is_sd1(self) -> bool:
        return not self.is_sd2

    @property
    def sd_model_hash(self) -> str:
        return str(self._model.sha256[:10])

    @property
    def sd_model_checkpoint(self) -> str | None:
        """Path of its file."""
        return None if self.sd_checkpoint_info is None else str(self.sd_checkpoint_info.filename)

    @property
    def parameterization(self) -> str:
        """ "eps" or "v"."""
        return "v" if self._model.prediction is Prediction.V else "eps"

    @property
    def model(self) -> SimpleNamespace:
        """What scripts ask of the UNet's wrapper: "crossattn", "hybrid" (inpainting) or "edit"."""
        return SimpleNamespace(conditioning_key=CONDITIONING_KEYS[self._model.kind])

    def encode_first_stage(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) in [-1, 1] -> (B, C, h, w), not scaled; the posterior's mean."""
        return torch.cat([self._model.encode(part.float()) for part in x.split(1)]) / self._model.scale_factor

    def get_first_stage_encoding(self, encoder_posterior: Tensor) -> Tensor:
        """What `encode_first_stage` gave, scaled as latents are diffused."""
        return encoder_posterior * self._model.scale_factor

    def decode_first_stage(self, z: Tensor) -> Tensor:
        """(B, C, h, w) scaled latents -> (B, 3, H, W), about [-1, 1]."""
        return torch.cat([self._model.decode(part.float()) for part in z.split(1)])

    def get_learned_conditioning(self, c: Sequence[str]) -> Tensor:
        """(B, 77n, width) float32: the texts with their emphasis, without embeddings."""
        return encode_texts([str(text) for text in c], self._model.text)

    @property
    def _model(self) -> Any:
        return self
