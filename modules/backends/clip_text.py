"""CLIP's text transformer, with parameter names as transformers writes them.

It computes in float32, while its weights stay as the file stores them: half precision takes half the memory, and casting it when it is
used loses nothing.

References:
    Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", 2021, section 2.4.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from modules.backends.tokenizer import ClipTokenizer
from modules.engine.model import TokenVectors


class _Linear(nn.Linear):
    def forward(self, input: Tensor) -> Tensor:
        return functional.linear(input, self.weight.float(), self.bias.float())


class _LayerNorm(nn.LayerNorm):
    def forward(self, input: Tensor) -> Tensor:
        return functional.layer_norm(input, self.normalized_shape, self.weight.float(), self.bias.float(), self.eps)


class _Embedding(nn.Embedding):
    def forward(self, input: Tensor) -> Tensor:
        return functional.embedding(input, self.weight).float()


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (_Linear(width, width) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (
            project(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        result = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.out_proj(result.transpose(1, 2).flatten(-2))


class _Mlp(nn.Module):
    def __init__(self, width: int, inner_width: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = _Linear(width, inner_width), _Linear(inner_width, width)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.fc1(x)
        return self.fc2(hidden * torch.sigmoid(1.702 * hidden))


class _Layer(nn.Module):
    def __init__(self, width: int, heads: int, inner_width: int) -> None:
        super().__init__()
        self.layer_norm1, self.layer_norm2 = _LayerNorm(width), _LayerNorm(width)
        self.self_attn, self.mlp = _Attention(width, heads), _Mlp(width, inner_width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.self_attn(self.layer_norm1(x))
        return x + self.mlp(self.layer_norm2(x))


class ClipText(nn.Module):
    """The transformer: token ids in, normed hidden states out.

    Args:
        vocabulary: Rows of the token embedding.
        positions: Longest sequence, 77 for every published model.
    """

    def __init__(self, vocabulary: int, width: int, layers: int, heads: int, inner_width: int, positions: int) -> None:
        super().__init__()
        self.embeddings = nn.ModuleDict(
            {"token_embedding": _Embedding(vocabulary, width), "position_embedding": _Embedding(positions, width)}
        )
        self.encoder = nn.ModuleDict({"layers": nn.ModuleList(_Layer(width, heads, inner_width) for _ in range(layers))})
        self.final_layer_norm = _LayerNorm(width)

    @property
    def layers(self) -> nn.ModuleList:
        layers = self.encoder["layers"]
        assert isinstance(layers, nn.ModuleList)
        return layers

    def forward(self, tokens: Tensor, clip_skip: int, replaced: Sequence[TokenVectors] = ()) -> Tensor:
        """(B, n) int64 -> (B, n, width); the last `clip_skip - 1` layers are left out."""
        x = self.embeddings["token_embedding"](tokens)
        for item in replaced:
            x[item.row, item.position : item.position + len(item.vectors)] = item.vectors.to(x)
        x = x + self.embeddings["position_embedding"](torch.arange(tokens.shape[1], device=tokens.device))
        kept = max(0, len(self.layers) + 1 - max(1, clip_skip))
        for layer in self.layers[:kept]:
            x = layer(x)
        result: Tensor = self.final_layer_norm(x)
        return result


class ClipTextEncoder:
    """A `TextEncoder` of `engine.model`: tokenizer and transformer, in float32.

    Args:
        pad_token: What fills a chunk: 49407 for Stable Diffusion 1.
    """

    def __init__(self, tokenizer: ClipTokenizer, network: ClipText, width: int, device: torch.device, pad_token: int | None = None) -> None:
        self._tokenizer, self.network, self._device = tokenizer, network, device
        self.width = width
        self.start_token, self.end_token, self.comma_token = tokenizer.start, tokenizer.end, tokenizer.comma
        self.pad_token = tokenizer.end if pad_token is None else pad_token

    def tokenize(self, text: str) -> list[int]:
        """BPE ids of `text`: no start or end token, no truncation."""
        return self._tokenizer.tokenize(text)

    @torch.no_grad()
    def encode(self, tokens: Tensor, clip_skip: int, replaced: Sequence[TokenVectors] = ()) -> Tensor:
        """(B, 77) int64 -> (B, 77, width) float32; `clip_skip` 1 = all layers, the final norm always applied."""
        result: Tensor = self.network(tokens.to(self._device), clip_skip, replaced)
        return result
