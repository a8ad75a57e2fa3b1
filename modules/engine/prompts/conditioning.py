"""Encode prompts into conditioning that is looked up by the number of model calls made so far."""

from __future__ import annotations

from collections.abc import Hashable, MutableMapping, Sequence
from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor

from modules.engine.model import TextEncoder, TokenVectors
from modules.engine.prompts.attention import Fragment, parse_attention
from modules.engine.prompts.chunks import Chunk, EmbeddingTable, chunk_fragments, empty_chunk
from modules.engine.prompts.schedule import schedule_prompt, split_and


class Emphasis(Enum):
    """What a prompt's (weights:1.2) do; values are A1111's option texts."""

    NONE = "None"
    """Brackets are ordinary characters."""
    IGNORE = "Ignore"
    """Brackets are parsed, weights not used."""
    ORIGINAL = "Original"
    """Weights multiply the vectors, then the mean is restored."""
    NO_NORM = "No norm"
    """Weights multiply the vectors."""


@dataclass(frozen=True)
class ScheduledCond:
    """`cond` (tokens, width) float32 holds while the number of model calls made is <= `end_at_step`."""

    end_at_step: int
    cond: Tensor


@dataclass(frozen=True)
class SubPrompt:
    """One AND part of one image's prompt."""

    schedule: tuple[ScheduledCond, ...]
    weight: float = 1.0

    def at(self, call: int) -> Tensor:
        """(tokens, width); past the end, the first entry holds again (as in A1111)."""
        return next((entry.cond for entry in self.schedule if call <= entry.end_at_step), self.schedule[0].cond)


@dataclass(frozen=True)
class CondBatch:
    """Conditioning of one model call.

    Attributes:
        vectors: (sub-prompts of all images, tokens, width) float32, image after image.
        weights: For each image, (row of `vectors`, weight) of its sub-prompts.
    """

    vectors: Tensor
    weights: tuple[tuple[tuple[int, float], ...], ...]


@dataclass(frozen=True)
class Conditioning:
    """Conditioning of a batch of images over a whole job; `images[i]` are the AND parts of image i."""

    images: tuple[tuple[SubPrompt, ...], ...]

    def at(self, call: int) -> CondBatch:
        """What holds for model call number `call` (0 first); shorter texts are extended by their last vector."""
        vectors = [part.at(call) for parts in self.images for part in parts]
        longest = max(len(vector) for vector in vectors)
        stacked = torch.stack([extend(vector, longest) for vector in vectors])
        weights, row = [], 0
        for parts in self.images:
            weights.append(tuple((row + index, part.weight) for index, part in enumerate(parts)))
            row += len(parts)
        return CondBatch(stacked, tuple(weights))


def extend(vectors: Tensor, length: int) -> Tensor:
    """(..., tokens, width) to (..., length, width) by repeating the last vector."""
    missing = length - vectors.shape[-2]
    if missing <= 0:
        return vectors
    return torch.cat([vectors, vectors[..., -1:, :].expand(*vectors.shape[:-2], missing, vectors.shape[-1])], dim=-2)


def build_conditioning(
    texts: Sequence[str],
    steps: int,
    encoder: TextEncoder,
    *,
    clip_skip: int = 1,
    emphasis: Emphasis | str = Emphasis.ORIGINAL,
    is_composable: bool = True,
    use_old_scheduling: bool = False,
    comma_backtrack: int = 20,
    embeddings: EmbeddingTable | None = None,
    cache: MutableMapping[Hashable, Conditioning] | None = None,
    cache_key: tuple[Hashable, ...] = (),
) -> Conditioning:
    """Parse and encode one prompt an image.

    Args:
        texts: One prompt for each image of the batch; extra networks already removed.
        steps: The request's steps, doubled for second-order samplers: what `[a:b:0.5]` counts in.
        encoder: The model's text encoder.
        clip_skip: 1 = last layer.
        emphasis: What weights do.
        is_composable: Split at AND (prompts: yes, negative prompts: no).
        use_old_scheduling: Numbers below 1 are fractions, others steps.
        comma_backtrack: How many tokens back a full chunk may be broken at a comma; 0 = never.
        embeddings: Textual inversions.
        cache: Kept by the caller between jobs.
        cache_key: What else the result depends on (model hash, LoRAs, embeddings, size ...), for `cache`.

    Returns:
        Conditioning on the encoder's device.
    """
    emphasis = Emphasis(emphasis)
    key = ("conditioning", tuple(texts), steps, clip_skip, emphasis, is_composable, use_old_scheduling, comma_backtrack, *cache_key)
    if cache is not None and key in cache:
        return cache[key]
    split = [split_and(text) if is_composable else [(text, 1.0)] for text in texts]
    schedules: dict[str, tuple[ScheduledCond, ...]] = {}
    for text in dict.fromkeys(text for parts in split for text, _ in parts):
        timed = schedule_prompt(text, steps, use_old_scheduling)
        conds = encode_texts([entry.text for entry in timed], encoder, clip_skip, emphasis, comma_backtrack, embeddings)
        schedules[text] = tuple(ScheduledCond(entry.end_at_step, cond) for entry, cond in zip(timed, conds, strict=True))
    conditioning = Conditioning(tuple(tuple(SubPrompt(schedules[text], weight) for text, weight in parts) for parts in split))
    if cache is not None:
        cache[key] = conditioning
    return conditioning


def encode_texts(
    texts: Sequence[str],
    encoder: TextEncoder,
    clip_skip: int = 1,
    emphasis: Emphasis = Emphasis.ORIGINAL,
    comma_backtrack: int = 20,
    embeddings: EmbeddingTable | None = None,
) -> Tensor:
    """Encode plain texts together: (texts, 77n, width) float32, n = chunks of the longest.

    They belong together: each chunk's mean is restored over all of `texts` (repetitions counted), as A1111 does with the
    alternatives of one edited prompt.
    """
    unique = list(dict.fromkeys(texts))
    rows = [unique.index(text) for text in texts]
    chunked = [chunk_fragments(_fragments(text, emphasis), encoder, comma_backtrack, embeddings).chunks for text in unique]
    columns = []
    for index in range(max(len(chunks) for chunks in chunked)):
        column = [chunks[index] if index < len(chunks) else empty_chunk(encoder) for chunks in chunked]
        vectors = _encode_chunks(column, encoder, clip_skip)[rows]
        if emphasis in (Emphasis.ORIGINAL, Emphasis.NO_NORM):
            weights = torch.tensor([chunk.weights for chunk in column], device=vectors.device)[rows]
            vectors = _apply_weights(vectors, weights, keep_mean=emphasis is Emphasis.ORIGINAL)
        columns.append(vectors)
    return torch.hstack(columns)


def _fragments(text: str, emphasis: Emphasis) -> list[Fragment]:
    return [Fragment(text)] if emphasis is Emphasis.NONE else parse_attention(text)


def _encode_chunks(chunks: Sequence[Chunk], encoder: TextEncoder, clip_skip: int) -> Tensor:
    tokens = torch.tensor([_padded(chunk.tokens, encoder) for chunk in chunks])
    replaced = [
        TokenVectors(row, insertion.offset + 1, insertion.vectors) for row, chunk in enumerate(chunks) for insertion in chunk.insertions
    ]
    return encoder.encode(tokens, clip_skip, replaced) if replaced else encoder.encode(tokens, clip_skip)


def _padded(tokens: list[int], encoder: TextEncoder) -> list[int]:
    """Models that pad with another token than the end token (SD2) get it after the first end token."""
    if encoder.pad_token == encoder.end_token:
        return tokens
    length = tokens.index(encoder.end_token) + 1
    return tokens[:length] + [encoder.pad_token] * (len(tokens) - length)


def _apply_weights(vectors: Tensor, weights: Tensor, keep_mean: bool) -> Tensor:
    weighted = vectors * weights.unsqueeze(-1)
    return weighted * (vectors.mean() / weighted.mean()) if keep_mean else weighted
