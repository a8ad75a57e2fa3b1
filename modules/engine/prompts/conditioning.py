"""Encode prompts into conditioning that is looked up by the number of model calls made so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, MutableMapping, Sequence
from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor

from modules.engine.model import TextEncoder, TokenVectors
from modules.engine.prompts.attention import Fragment, parse_attention
from modules.engine.prompts.chunks import Chunk, EmbeddingTable, chunk_fragments, empty_chunk
from modules.engine.prompts.limits import MAX_ENCODED_CHUNKS, check_length, require
from modules.engine.prompts.schedule import TimedText, schedule_prompt, split_and

_ROWS_AT_ONCE = 32
"""Chunks that the text encoder is given in one call."""
_LARGEST_CACHED = 8 << 20
"""Bytes; larger conditioning is not kept between jobs."""


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
class PromptUse:
    """What one sub-prompt, in all its alternatives, made use of.

    Attributes:
        embeddings: (name, short hash) of textual inversions, by first occurrence.
        has_brackets: Whether "(" or "[" is left in a text when its edits are resolved.
    """

    embeddings: tuple[tuple[str, str], ...]
    has_brackets: bool


@dataclass(frozen=True)
class Conditioning:
    """Conditioning of a batch of images over a whole job.

    Attributes:
        images: `images[i]` are the AND parts of image i.
        uses: One for each different sub-prompt, in order.
    """

    images: tuple[tuple[SubPrompt, ...], ...]
    uses: tuple[PromptUse, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of all its tensors, shared ones counted once."""
        conds = {id(entry.cond): entry.cond for parts in self.images for part in parts for entry in part.schedule}
        return sum(cond.nelement() * cond.element_size() for cond in conds.values())

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
    field: str = "prompt",
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
        cache_key: What else the result depends on (model hash, LoRAs, size ...), for `cache`.
        field: Of the request, named in errors.

    Returns:
        Conditioning on the encoder's device.

    Raises:
        InvalidRequest: A text is beyond what `limits` allows.
    """
    rules = _Rules(encoder, clip_skip, Emphasis(emphasis), comma_backtrack, embeddings, field)
    how = (steps, clip_skip, rules.emphasis, is_composable, use_old_scheduling, comma_backtrack)
    key = ("conditioning", tuple(texts), how, embeddings.signature if embeddings else None, *cache_key)
    if cache is not None and key in cache:
        return cache[key]
    check_length(texts, field)
    split = [split_and(text, field) if is_composable else [(text, 1.0)] for text in texts]
    timed = {text: schedule_prompt(text, steps, use_old_scheduling, field) for parts in split for text, _ in parts}
    chunked = {text: _chunk_texts([entry.text for entry in entries], rules) for text, entries in timed.items()}
    require(field, sum(_count_chunks(texts) for texts in chunked.values()), MAX_ENCODED_CHUNKS, "chunks of 75 tokens in all")
    schedules = {text: _encode_schedule(entries, chunked[text], rules) for text, entries in timed.items()}
    images = tuple(tuple(SubPrompt(schedules[text], weight) for text, weight in parts) for parts in split)
    conditioning = Conditioning(images, tuple(describe_use(texts) for texts in chunked.values()))
    if cache is not None and conditioning.size <= _LARGEST_CACHED:
        cache[key] = conditioning
    return conditioning


@dataclass(frozen=True)
class _Rules:
    """How texts become vectors."""

    encoder: TextEncoder
    clip_skip: int
    emphasis: Emphasis
    comma_backtrack: int
    embeddings: EmbeddingTable | None
    field: str

    @property
    def layer(self) -> int:
        """Of the encoder; A1111 gives Stable Diffusion 2's its own, whatever "Clip skip" says."""
        return self.clip_skip if self.encoder.own_clip_skip == 1 else self.encoder.own_clip_skip


_ChunkedTexts = dict[str, list[Chunk]]


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
    rules = _Rules(encoder, clip_skip, emphasis, comma_backtrack, embeddings, "prompt")
    conds = _encode_together(texts, _chunk_texts(texts, rules), rules)
    return torch.stack([conds[text] for text in texts])


def _chunk_texts(texts: Sequence[str], rules: _Rules) -> _ChunkedTexts:
    return {text: _chunk_text(text, rules) for text in dict.fromkeys(texts)}


def _chunk_text(text: str, rules: _Rules) -> list[Chunk]:
    fragments = [Fragment(text)] if rules.emphasis is Emphasis.NONE else parse_attention(text, rules.field)
    return chunk_fragments(fragments, rules.encoder, rules.comma_backtrack, rules.embeddings, rules.field).chunks


def _count_chunks(chunked: _ChunkedTexts) -> int:
    """What the encoder will be given: the shorter texts are filled up with empty chunks."""
    return len(chunked) * max(len(chunks) for chunks in chunked.values())


def _encode_schedule(entries: Sequence[TimedText], chunked: _ChunkedTexts, rules: _Rules) -> tuple[ScheduledCond, ...]:
    conds = _encode_together([entry.text for entry in entries], chunked, rules)
    return tuple(ScheduledCond(entry.end_at_step, conds[entry.text]) for entry in entries)


def _encode_together(texts: Sequence[str], chunked: _ChunkedTexts, rules: _Rules) -> dict[str, Tensor]:
    """Each different text's vectors; `texts` says how often each one counts in the mean."""
    counts = Counter(texts)
    repeats = torch.tensor([counts[text] for text in chunked], dtype=torch.float64)
    columns = []
    for index in range(max(len(chunks) for chunks in chunked.values())):
        column = [chunks[index] if index < len(chunks) else empty_chunk(rules.encoder) for chunks in chunked.values()]
        vectors = encode_chunks(column, rules.encoder, rules.layer)
        if rules.emphasis in (Emphasis.ORIGINAL, Emphasis.NO_NORM):
            weights = torch.tensor([chunk.weights for chunk in column], device=vectors.device)
            weighted = vectors * weights.unsqueeze(-1)
            is_scaled = rules.emphasis is Emphasis.ORIGINAL
            vectors = weighted * _mean_ratio(vectors, weighted, repeats) if is_scaled else weighted
        columns.append(vectors)
    return dict(zip(chunked, torch.hstack(columns), strict=True))


def encode_chunks(chunks: Sequence[Chunk], encoder: TextEncoder, clip_skip: int) -> Tensor:
    """(chunks, 77, width) float32, weights not yet applied; `clip_skip` 1 = last layer."""
    parts = [chunks[start : start + _ROWS_AT_ONCE] for start in range(0, len(chunks), _ROWS_AT_ONCE)]
    return torch.cat([_encode_rows(part, encoder, clip_skip) for part in parts])


def _encode_rows(chunks: Sequence[Chunk], encoder: TextEncoder, clip_skip: int) -> Tensor:
    tokens = torch.tensor([_padded(chunk.tokens, encoder) for chunk in chunks])
    replaced = [
        TokenVectors(row, insertion.offset + 1, insertion.embedding.vectors)
        for row, chunk in enumerate(chunks)
        for insertion in chunk.insertions
    ]
    return encoder.encode(tokens, clip_skip, replaced) if replaced else encoder.encode(tokens, clip_skip)


def _padded(tokens: list[int], encoder: TextEncoder) -> list[int]:
    """Models that pad with another token than the end token (SD2) get it after the first end token."""
    if encoder.pad_token == encoder.end_token:
        return tokens
    length = tokens.index(encoder.end_token) + 1
    return tokens[:length] + [encoder.pad_token] * (len(tokens) - length)


def _mean_ratio(vectors: Tensor, weighted: Tensor, repeats: Tensor) -> Tensor:
    """What restores the mean of `vectors` in `weighted`; 1 where there is none to restore, as behind a layer norm that is not trained."""
    mean = _mean(weighted, repeats)
    return (_mean(vectors, repeats) / mean if mean != 0 else torch.ones_like(mean)).to(weighted)


def _mean(vectors: Tensor, repeats: Tensor) -> Tensor:
    """Mean (a scalar) of all of `vectors` (n, tokens, width), row i counted `repeats[i]` times.

    In float32, as A1111 takes it: the mean is small beside the values, so that its rounding shows in the ratio of two.
    """
    rows = torch.stack([row.mean() for row in vectors]).cpu()
    return ((rows * repeats).sum() / repeats.sum()).float()


def describe_use(chunked: _ChunkedTexts) -> PromptUse:
    """What the chunks of these texts made use of. Textual inversions in A1111's order: first chunks of all texts, then second ones."""
    inside = [(index, item.embedding) for chunks in chunked.values() for index, chunk in enumerate(chunks) for item in chunk.insertions]
    inside.sort(key=lambda found: found[0])
    named = {embedding.name: embedding.short_hash for _, embedding in inside}
    return PromptUse(tuple(named.items()), any(sign in text for text in chunked for sign in "(["))
