"""Nodes that name models and say what is to be done to them; and the one place where such values become models that run."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from modules.engine.lora.network import WeightedNetwork
from modules.engine.model import DiffusionModel
from modules.pipeline.workflows.context import LatentCodec, NodeRun
from modules.pipeline.workflows.values import ClipValue, LoraUse, ModelValue, UpscalerValue, VaeValue


def load_checkpoint(run: NodeRun, ckpt_name: str) -> tuple[ModelValue, ClipValue, VaeValue]:
    """Only names; what cannot be loaded fails here all the same."""
    run.graph.checkpoint(ckpt_name)
    return ModelValue(ckpt_name), ClipValue(ckpt_name), VaeValue(checkpoint=ckpt_name)


def load_vae(run: NodeRun, vae_name: str) -> tuple[VaeValue]:
    run.graph.vae(vae_name)
    return (VaeValue(file=vae_name),)


def load_lora(
    run: NodeRun, model: ModelValue, clip: ClipValue, lora_name: str, strength_model: float, strength_clip: float
) -> tuple[ModelValue, ClipValue]:
    """One more file on top of those that are there; both strengths 0 = nothing."""
    if strength_model == 0 and strength_clip == 0:
        return model, clip
    run.graph.lora(lora_name)
    use = LoraUse(lora_name, strength_model, strength_clip)
    return replace(model, loras=(*model.loras, use)), replace(clip, loras=(*clip.loras, use))


def load_lora_model_only(run: NodeRun, model: ModelValue, lora_name: str, strength_model: float) -> tuple[ModelValue]:
    if strength_model == 0:
        return (model,)
    run.graph.lora(lora_name)
    return (replace(model, loras=(*model.loras, LoraUse(lora_name, strength_model, 0.0))),)


def load_upscaler(run: NodeRun, model_name: str) -> tuple[UpscalerValue]:
    return (UpscalerValue(model_name),)


def use_differential_diffusion(run: NodeRun, model: ModelValue, strength: float) -> tuple[ModelValue]:
    return (replace(model, differential=strength),)


def get_model(run: NodeRun, value: ModelValue | ClipValue) -> DiffusionModel:
    """The checkpoint, loaded, with exactly these LoRA files merged."""
    model = run.graph.checkpoint(value.checkpoint)
    uses = [use for use in value.loras if use.model_strength or use.clip_strength]
    networks = [WeightedNetwork(run.graph.lora(use.name), te=use.clip_strength, unet=use.model_strength) for use in uses]
    for note in model.apply_networks(networks, halves_text=True):
        run.graph.note(note)
    return model


def get_codec(run: NodeRun, value: VaeValue) -> LatentCodec:
    """What encodes and decodes, in the VAE's own units."""
    if value.file:
        return run.graph.vae(value.file)
    return _OwnVae(run.graph.checkpoint(value.checkpoint))


@dataclass(frozen=True)
class _OwnVae:
    """The VAE of a checkpoint, which scales by itself."""

    model: DiffusionModel

    def encode(self, pixels: Tensor) -> Tensor:
        return self.model.encode(pixels) / self.model.scale_factor

    def decode(self, latent: Tensor) -> Tensor:
        return self.model.decode(latent * self.model.scale_factor)
