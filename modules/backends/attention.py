"""Attention for diffusers' `Attention` modules: plain matrix products on a CPU, torch's fused kernels elsewhere.

On a CPU plain products over so few query rows at a time that the scores stay in the cache are A1111's arithmetic, which float32 keeps
to the last bit for 4 to 8 % of attention's time, and much faster in bfloat16 (torch 2.13, 4096 tokens, against the fused kernel:
float32 1.08 x at head width 40, 1.04 x at 512; bfloat16 0.47 x and 0.27 x).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

_ROWS = 256
_FEWEST_KEYS = 256
_SCORES = 1 << 20
"""Most scores at a time in float32: 4 MiB."""


class Attention:
    """An attention processor in diffusers' sense: projections, attention, output projection, residual."""

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        """(B, n, C) or (B, C, h, w) -> the same shape; keys and values come from `encoder_hidden_states` (B, m, W) if given.

        The names of the parameters are diffusers'; `attention_mask` and `temb` have no use in these networks.
        """
        x = hidden_states
        if hidden_states.ndim == 4:
            x = hidden_states.permute(0, 2, 3, 1).flatten(1, 2)
        if attn.group_norm is not None:
            x = attn.group_norm(x.transpose(1, 2)).transpose(1, 2)
        source = x if encoder_hidden_states is None else encoder_hidden_states
        query, key, value = (
            project(y).unflatten(-1, (attn.heads, -1)).transpose(1, 2)
            for project, y in ((attn.to_q, x), (attn.to_k, source), (attn.to_v, source))
        )
        x = attn.to_out[0](attend(query, key, value, scales_scores=hidden_states.ndim == 4).transpose(1, 2).flatten(2))
        if hidden_states.ndim == 4:
            x = x.unflatten(1, hidden_states.shape[2:]).permute(0, 3, 1, 2)
        if attn.residual_connection:
            x = hidden_states + x  # in this order, for the sum has the layout of its first term
        return x if attn.rescale_output_factor == 1 else x / attn.rescale_output_factor


def attend(query: Tensor, key: Tensor, value: Tensor, scales_scores: bool = False) -> Tensor:
    """Scaled dot-product attention.

    Args:
        query: (B, heads, n, d).
        key: (B, heads, m, d).
        value: As `key`.
        scales_scores: In float32 on a CPU, scale the products (as A1111 does in the autoencoder), not the keys (as in the UNet).

    Returns:
        (B, heads, n, d).

    References:
        Vaswani et al., "Attention Is All You Need", NeurIPS 2017, equation 1.
        Rabe & Staats, "Self-attention Does Not Need O(n^2) Memory", 2021 (a few query rows at a time).
    """
    if query.device.type == "cpu" and query.dtype == torch.float32:
        return _attend_plainly(query, key, value, scales_scores)
    if query.device.type == "cpu" and query.dtype == torch.bfloat16 and key.shape[2] >= _FEWEST_KEYS:
        return _attend_row_by_row(query, key, value)
    return functional.scaled_dot_product_attention(query, key, value)


def _attend_plainly(query: Tensor, key: Tensor, value: Tensor, scales_scores: bool) -> Tensor:
    """As many heads, or rows of one head, at a time as `_SCORES` allows."""
    batch, heads, rows, width = query.shape
    scale = width**-0.5
    if not scales_scores:
        key = key * scale
    query, key, value = (x.reshape(batch * heads, -1, width) for x in (query, key, value))
    rows_at_once = max(1, min(rows, _SCORES // key.shape[1]))
    heads_at_once = max(1, _SCORES // (rows_at_once * key.shape[1]))
    result = torch.empty_like(query)
    for head in range(0, batch * heads, heads_at_once):
        part = slice(head, head + heads_at_once)
        keys, values = key[part].transpose(1, 2), value[part]
        for first in range(0, rows, rows_at_once):
            block = slice(first, first + rows_at_once)
            scores = torch.bmm(query[part, block], keys)
            if scales_scores:
                scores *= scale
            result[part, block] = torch.bmm(torch.softmax(scores, dim=-1), values)
    return result.view(batch, heads, rows, width)


def _attend_row_by_row(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """`_ROWS` rows of one head at a time, which suits bfloat16's matrix products."""
    result = torch.empty_like(query)
    scaled = query * query.shape[-1] ** -0.5
    for batch in range(query.shape[0]):
        for head in range(query.shape[1]):
            keys, values = key[batch, head].transpose(0, 1), value[batch, head]
            for first in range(0, query.shape[2], _ROWS):
                rows = slice(first, first + _ROWS)
                result[batch, head, rows] = torch.softmax(scaled[batch, head, rows] @ keys, dim=-1) @ values
    return result
