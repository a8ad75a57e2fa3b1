"""CLIP's text model from transformers, behind the `TextEncoder` protocol.

It computes in float32, but rests as the file stores it: half precision takes half the memory (235 MiB less for Stable Diffusion 1), and
casting one layer at a time, while it runs, loses nothing.

References:
    Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", 2021, section 2.4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers.models.clip.configuration_clip import CLIPTextConfig
from transformers.models.clip.modeling_clip import CLIPTextModel

from modules.backends.open_clip import TextTraits
from modules.backends.tokenizer import ClipTokenizer
from modules.engine.model import TokenVectors


def make_clip_text(
    vocabulary: int, width: int, layers: int, heads: int, inner_width: int, positions: int, activation: str = "quick_gelu"
) -> nn.Module:
    """An uninitialised text model on the current device.

    Args:
        vocabulary: Rows of the token embedding.
        positions: Longest sequence, 77 for every published model.
        activation: transformers' name: "quick_gelu" for OpenAI's weights, "gelu" for OpenCLIP's.
    """
    config = CLIPTextConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=inner_width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        max_position_embeddings=positions,
        hidden_act=activation,
        attn_implementation="eager",
    )
    return CLIPTextModel(config)


class ClipTextEncoder:
    """A `TextEncoder` of `engine.model`: tokenizer and transformer.

    Args:
        network: From `make_clip_text`, filled.
        traits: What the weights do not show; None = those of Stable Diffusion 1.
    """

    def __init__(self, tokenizer: ClipTokenizer, network: Any, width: int, device: torch.device, traits: TextTraits | None = None) -> None:
        traits = traits or TextTraits()
        self._tokenizer, self._device = tokenizer, device
        self.network = network
        self.network.final_layer_norm.float()
        for layer in self.network.encoder.layers:
            _compute_in_float32(layer)
        self._missing = traits.missing_layers
        self.width, self.layers, self.own_clip_skip = width, len(self.network.encoder.layers) + self._missing, traits.own_clip_skip
        self.start_token, self.end_token, self.comma_token = tokenizer.start, tokenizer.end, tokenizer.comma
        self.pad_token = tokenizer.end if traits.pad_token is None else traits.pad_token

    def tokenize(self, text: str) -> list[int]:
        """BPE ids of `text`: no start or end token, no truncation."""
        return self._tokenizer.tokenize(text)

    @torch.no_grad()
    def encode(self, tokens: Tensor, clip_skip: int, replaced: Sequence[TokenVectors] = ()) -> Tensor:
        """(B, 77) int64 -> (B, 77, width) float32; `clip_skip` 1 = all layers that are there, the final norm always applied."""
        tokens = tokens.to(self._device)
        # Given here because a model built on the meta device has no values in its buffers.
        positions = torch.arange(tokens.shape[1], device=self._device)[None]
        with self._replacing(replaced):
            states = self.network(input_ids=tokens, position_ids=positions, output_hidden_states=True).hidden_states
        kept = max(0, len(states) - max(1, clip_skip - self._missing))
        result: Tensor = self.network.final_layer_norm(states[kept])
        return result

    @contextmanager
    def _replacing(self, replaced: Sequence[TokenVectors]) -> Iterator[None]:
        def overwrite(_: nn.Module, __: Any, vectors: Tensor) -> Tensor:
            vectors = vectors.float()
            for item in replaced:
                vectors[item.row, item.position : item.position + len(item.vectors)] = item.vectors.to(vectors)
            return vectors

        hook = self.network.embeddings.token_embedding.register_forward_hook(overwrite)
        try:
            yield
        finally:
            hook.remove()


def _compute_in_float32(layer: nn.Module) -> None:
    """Cast the parameters of `layer` whenever it runs; afterwards the stored ones are back."""
    stored: list[tuple[nn.Parameter, Tensor]] = []

    def cast(*_: Any) -> None:
        stored.extend((parameter, parameter.data) for parameter in layer.parameters())
        layer.float()

    def restore(*_: Any) -> None:
        while stored:
            parameter, data = stored.pop()
            parameter.data = data

    layer.register_forward_pre_hook(cast)
    layer.register_forward_hook(restore, always_call=True)
