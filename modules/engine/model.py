"""What the engine asks of a diffusion model; backends fulfil these protocols."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from modules.engine.lora.network import WeightedNetwork
    from modules.engine.word_guide import WordGuide


class ModelKind(Enum):
    """How a UNet takes the picture that is being repainted."""

    BASE = "base"
    """Latents only."""
    INPAINT = "inpaint"
    """Latents, mask and masked-picture latents, concatenated (9 channels for SD1)."""
    EDIT = "edit"
    """Latents and unscaled picture latents, concatenated (InstructPix2Pix, 8 channels for SD1)."""


class Prediction(Enum):
    """What the raw UNet output stands for."""

    EPSILON = "eps"
    V = "v"


class Interrupted(Exception):
    """The person asked to stop; raised before the next model call and caught by `sampling`."""


@dataclass(frozen=True)
class TokenVectors:
    """Learned vectors that take the place of token embeddings (textual inversion).

    Attributes:
        row: Which row of the token batch.
        position: First replaced token in the row; 0 is the start token.
        vectors: (n, width) float32.
    """

    row: int
    position: int
    vectors: Tensor


class TextEncoder(Protocol):
    """CLIP-like: 77 token ids in, one vector a token out.

    Attributes:
        width: Of a vector.
        layers: Of the transformer: the largest `clip_skip` there is.
        own_clip_skip: What the model was trained with: 1, or 2 for Stable Diffusion 2.
    """

    width: int
    layers: int
    own_clip_skip: int
    start_token: int
    end_token: int
    pad_token: int
    comma_token: int

    def tokenize(self, text: str) -> list[int]:
        """BPE ids of `text`: no start or end token, no truncation."""
        ...

    def encode(self, tokens: Tensor, clip_skip: int, replaced: Sequence[TokenVectors] = ()) -> Tensor:
        """Encode token ids.

        Args:
            tokens: (B, 77) int64, start and end tokens included.
            clip_skip: 1 = last layer, 2 = the one before it; the final layer norm is applied in every case.
            replaced: Token embeddings to overwrite before the first layer; left out when there are none.

        Returns:
            (B, 77, width) float32.
        """
        ...


class DiffusionModel(Protocol):
    """A latent diffusion model with its text encoder and VAE.

    Attributes:
        identity: Another one for every loading, so that nothing made by one model is taken for another's; for keys of caches.
        latent_factor: Pixels a latent cell, along each axis.
        scale_factor: Multiplier between VAE latents and the latents that are diffused.
        alphas_cumprod: (1000,) float32, decreasing.
        device: Where latents and conditioning must be when they are handed in.
        dtype: What the UNet computes in; inputs and outputs are float32 all the same.
        word_guide: Pulls towards the things that it knows where a prompt asks for them; None = it has none.
        vae_name, vae_sha256: File name and hash of a VAE that took the place of the checkpoint's own; None and "" otherwise.
    """

    identity: Hashable
    name: str
    title: str
    sha256: str
    kind: ModelKind
    prediction: Prediction
    latent_channels: int
    latent_factor: int
    scale_factor: float
    alphas_cumprod: Tensor
    device: torch.device
    dtype: torch.dtype
    vae_name: str | None
    vae_sha256: str
    text: TextEncoder
    word_guide: WordGuide | None

    @property
    def text_key(self) -> Hashable:
        """What is merged into the text encoder: equal for equal weights, () for its own."""
        ...

    @property
    def empty_prompt(self) -> Tensor:
        """(77, width) float32: the empty text as the checkpoint's own text encoder has it, whatever is merged into it now."""
        ...

    def apply_networks(self, networks: Sequence[WeightedNetwork], *, halves_text: bool = False) -> list[str]:
        """Make the weights the checkpoint's with these LoRA files added in this order; none restores them to the bit.

        The set that is merged already costs nothing. After an error, the weights are the checkpoint's.

        Args:
            halves_text: Round what is merged into the text encoder to half precision, as ComfyUI does, whatever it computes in.

        Returns:
            What a person should know: tensors that found no use.

        Raises:
            UnusableNetwork: A file does not fit the model, or is damaged.
        """
        ...

    def predict(self, x: Tensor, timestep: Tensor, context: Tensor, concat: Tensor | None = None, *, resizes_first: bool = False) -> Tensor:
        """Run the UNet once.

        Args:
            x: (B, C, h, w) float32, already scaled to the model's input range.
            timestep: (B,) float32 in [0, 999], fractions allowed.
            context: (B, 77n, W) float32.
            concat: (B, K, h, w) float32, appended after `x` along channels; None for a `ModelKind.BASE`.
            resizes_first: On the way up, bring pictures to the size of what was seen on the way down before they are convolved, as
                ComfyUI does, not after, as A1111 does; it shows where a latent side is no multiple of 8.

        Returns:
            (B, C, h, w) float32: noise or v, as `prediction` says.
        """
        ...

    def encode(self, pixels: Tensor) -> Tensor:
        """(1, 3, H, W) float32 in [-1, 1] to (1, C, h, w) float32: posterior mean times `scale_factor`."""
        ...

    def decode(self, latent: Tensor) -> Tensor:
        """(1, C, h, w) float32, scaled, to (1, 3, H, W) float32 in [-1, 1]; NaN in half precision is tried again in float32."""
        ...

    def set_tiling(self, is_on: bool) -> None:
        """Switch all convolutions to circular padding, or back."""
        ...
