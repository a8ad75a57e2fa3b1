"""What flows along the links of a workflow.

Plain tensors flow as they are: IMAGE is (B, H, W, 3 or 4) float32 in [0, 1]; MASK is (B, H, W) float32, 1 = repaint; SIGMAS is (n,)
float32, falling. CONDITIONING is a tuple of `engine.comfyui.conditioning.CondPart`. Models flow as names with what is to be done to
them: one checkpoint at a time is in memory, and LoRA files are merged just before it is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from modules.engine.comfyui.conditioning import CondPart
    from modules.pipeline.layers.document import LayerDocument
    from modules.pipeline.layers.sources import Sources

    Conditioning = tuple[CondPart, ...]


@dataclass(frozen=True)
class Latent:
    """LATENT.

    Attributes:
        samples: (B, C, h, w) float32 in the VAE's own units: not multiplied by the model's scale factor.
        noise_mask: (B or 1, 1, H, W) float32 of any size, 1 = repaint; None = everywhere.
        batch_index: Which slices of the seed's noise the pictures get; None = 0, 1, 2 ...
    """

    samples: Tensor
    noise_mask: Tensor | None = None
    batch_index: tuple[int, ...] | None = None


@dataclass(frozen=True)
class LoraUse:
    """A LoRA file and how strongly it counts. Model and text encoder of one node carry equal uses, so that both are merged at once."""

    name: str
    model_strength: float
    clip_strength: float


@dataclass(frozen=True)
class ModelValue:
    """MODEL.

    Attributes:
        checkpoint: File name.
        loras: Added in this order; only `model_strength` matters here.
        differential: Strength of DifferentialDiffusion; None = off.
    """

    checkpoint: str
    loras: tuple[LoraUse, ...] = ()
    differential: float | None = None


@dataclass(frozen=True)
class ClipValue:
    """CLIP.

    Attributes:
        checkpoint: File name.
        loras: Added in this order; only `clip_strength` matters here.
        last_layer: -1 = last, -2 = last but one; None = the layer that the checkpoint was trained with.
    """

    checkpoint: str
    loras: tuple[LoraUse, ...] = ()
    last_layer: int | None = None


@dataclass(frozen=True)
class VaeValue:
    """VAE: of a checkpoint, or a file of its own; the other one is ""."""

    checkpoint: str = ""
    file: str = ""


@dataclass(frozen=True)
class UpscalerValue:
    """UPSCALE_MODEL: a file name."""

    name: str


@dataclass(frozen=True)
class SamplerValue:
    """SAMPLER: one of `engine.comfyui.sampling.SAMPLERS`, with what is set otherwise than by default."""

    name: str
    options: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class NoiseValue:
    """NOISE: a seed; None = zeros."""

    seed: int | None


@dataclass(frozen=True)
class GuiderValue:
    """GUIDER: a model with its conditioning; `negative` is empty where there is only one."""

    model: ModelValue
    positive: Conditioning
    negative: Conditioning = ()
    cfg: float = 1.0


@dataclass(frozen=True)
class LayersValue:
    """PENTIMENTO_LAYERS: a document and the pixels it names."""

    document: LayerDocument
    sources: Sources
