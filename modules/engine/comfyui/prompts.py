"""ComfyUI's conditioning: weights pull every vector away from, or towards, that of the empty prompt."""

from __future__ import annotations

import math
from collections.abc import Hashable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from modules.engine.comfyui.tokens import chunk_text
from modules.engine.model import TextEncoder
from modules.engine.prompts.chunks import Chunk, EmbeddingTable, empty_chunk
from modules.engine.prompts.conditioning import Conditioning, PromptUse, ScheduledCond, SubPrompt, describe_use, encode_chunks
from modules.engine.prompts.counting import TokenCount
from modules.engine.prompts.limits import CHUNK_TOKENS, MAX_ENCODED_CHUNKS, require

_FOREVER = 1 << 30
"""Model calls: texts do not change while sampling."""
_LARGEST_CACHED = 8 << 20
"""Bytes; larger conditioning is not kept between jobs."""


@dataclass(frozen=True)
class TextNotes:
    """What a person may want to know of an encoded text.

    Attributes:
        unknown_embeddings: Names that stand behind `embedding:` and were not found; they were left out.
        use: Which embeddings were found.
    """

    unknown_embeddings: tuple[str, ...]
    use: PromptUse


class EncodedText(NamedTuple):
    """`vectors` (1, 77k, width) float32 of k chunks."""

    vectors: Tensor
    notes: TextNotes


def encode_text(
    encoder: TextEncoder, text: str, *, clip_skip: int | None = None, embeddings: EmbeddingTable | None = None, field: str = "text"
) -> EncodedText:
    """Encode one text as CLIPTextEncode does.

    Args:
        encoder: The model's text encoder.
        text: As it is written in the node: brackets weight it, everything else is text.
        clip_skip: N of CLIPSetLastLayer -N: 1 = last layer; more than there are also means the last. None = the model's own.
        embeddings: Textual inversions, by name.
        field: Named in errors.

    Raises:
        InvalidRequest: The text is beyond what `limits` allows.
        UnusableNetwork: The file of an embedding changed since it was listed.
    """
    tokenised = chunk_text(text, encoder, embeddings, field)
    vectors = _encode(tokenised.chunks, encoder, _layer(encoder, clip_skip))
    return EncodedText(vectors[None], TextNotes(tokenised.unknown, describe_use({text: tokenised.chunks})))


def _layer(encoder: TextEncoder, clip_skip: int | None) -> int:
    if clip_skip is None:
        return encoder.own_clip_skip
    return clip_skip if clip_skip <= encoder.layers else 1


def _encode(chunks: Sequence[Chunk], encoder: TextEncoder, clip_skip: int) -> Tensor:
    """(77k, width): z + (z - empty) * (weight - 1), where a weight is not 1."""
    weights = torch.tensor([chunk.weights for chunk in chunks])
    if bool((weights == 1).all()):
        return encode_chunks(chunks, encoder, clip_skip).flatten(0, 1)
    *rows, empty = encode_chunks([*chunks, empty_chunk(encoder)], encoder, clip_skip)
    vectors = torch.stack(rows)
    weighted = empty + (vectors - empty) * weights.unsqueeze(-1).to(vectors)
    return torch.where((weights == 1).unsqueeze(-1).to(vectors.device), vectors, weighted).flatten(0, 1)


def build_conditioning(
    texts: Sequence[str],
    steps: int,
    encoder: TextEncoder,
    *,
    clip_skip: int = 1,
    embeddings: EmbeddingTable | None = None,
    cache: MutableMapping[Hashable, Conditioning] | None = None,
    cache_key: tuple[Hashable, ...] = (),
    field: str = "prompt",
    **others: Any,
) -> Conditioning:
    """Encode one prompt an image: the `Convention`'s form of `encode_text`.

    Nothing is scheduled and nothing is split at AND. Where images of a batch have texts of different length, each is repeated as a whole
    up to the least common multiple, which the attention does not notice.

    Args:
        texts: One for each image of the batch.
        steps: Not used; texts hold for the whole run.
        encoder: The model's text encoder.
        clip_skip: 1 = the model's own layer (a form's "Clip skip" 1 means no CLIPSetLastLayer), N = CLIPSetLastLayer -N.
        embeddings: Textual inversions.
        cache: Kept by the caller between jobs.
        cache_key: What else the result depends on, for `cache`.
        field: Of the request, named in errors.
        others: Options of AUTOMATIC1111's syntax; they do nothing here.

    Raises:
        InvalidRequest: A text is beyond what `limits` allows.
    """
    key = ("comfyui conditioning", tuple(texts), clip_skip, embeddings.signature if embeddings else None, *cache_key)
    if cache is not None and key in cache:
        return cache[key]
    chunked = {text: chunk_text(text, encoder, embeddings, field).chunks for text in dict.fromkeys(texts)}
    longest = math.lcm(*(len(chunks) for chunks in chunked.values()))
    require(field, longest * len(chunked), MAX_ENCODED_CHUNKS, "chunks of 75 tokens in all")
    layer = _layer(encoder, None if clip_skip <= 1 else clip_skip)
    conds = {text: _encode(chunks, encoder, layer).repeat(longest // len(chunks), 1) for text, chunks in chunked.items()}
    images = tuple((SubPrompt((ScheduledCond(_FOREVER, conds[text]),)),) for text in texts)
    conditioning = Conditioning(images, tuple(describe_use({text: chunks}) for text, chunks in chunked.items()))
    if cache is not None and conditioning.size <= _LARGEST_CACHED:
        cache[key] = conditioning
    return conditioning


def count_tokens(text: str, encoder: TextEncoder, embeddings: EmbeddingTable | None = None, field: str = "prompt") -> TokenCount:
    """How long a text is in ComfyUI's chunks, for a counter beside it."""
    tokens = chunk_text(text, encoder, embeddings, field).token_count
    return TokenCount(tokens, max(1, -(-tokens // CHUNK_TOKENS)) * CHUNK_TOKENS)
