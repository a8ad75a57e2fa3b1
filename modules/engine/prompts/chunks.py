"""Weighted fragments to chunks of 77 tokens, the length CLIP reads at a time."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor

from modules.engine.model import TextEncoder
from modules.engine.prompts.attention import Fragment
from modules.engine.prompts.limits import CHUNK_TOKENS, MAX_CHUNKS, require


@dataclass(frozen=True)
class Embedding:
    """A textual inversion: learned vectors that a name in a prompt stands for.

    Attributes:
        vectors: (1 to 75, width of the encoder) float32.
        short_hash: First 12 digits of its file's sha256; "" when it has no file.
    """

    name: str
    vectors: Tensor
    short_hash: str = ""


class EmbeddingTable(Protocol):
    """Textual inversions that a prompt may name.

    Attributes:
        signature: Equal only for tables that find equal vectors under equal names.
    """

    signature: Hashable

    def find(self, tokens: Sequence[int], position: int) -> tuple[Embedding, int] | None:
        """The embedding named by the tokens at `position`, and how many tokens name it."""
        ...

    def named(self, name: str) -> Embedding | None:
        """The embedding of that name, with or without an extension and a folder before it."""
        ...


@dataclass(frozen=True)
class Insertion:
    """A textual inversion `offset` tokens into a chunk (the start token not counted)."""

    offset: int
    embedding: Embedding


@dataclass
class Chunk:
    """77 tokens with their weights.

    Attributes:
        tokens: Start token, 75 of the prompt, end token.
        weights: One a token; 1.0 for start, end and padding.
        insertions: Textual inversions inside.
    """

    tokens: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    insertions: list[Insertion] = field(default_factory=list)


@dataclass(frozen=True)
class ChunkedText:
    """A whole text as chunks; `token_count` is what a token counter shows, padding before a BREAK included."""

    chunks: list[Chunk]
    token_count: int


class _Builder:
    def __init__(self, encoder: TextEncoder, comma_backtrack: int, field: str) -> None:
        self.encoder, self.comma_backtrack, self.field = encoder, comma_backtrack, field
        self.chunks: list[Chunk] = []
        self.token_count = 0
        self.open = Chunk()
        self.last_comma: int | None = None

    @property
    def is_full(self) -> bool:
        return len(self.open.tokens) == CHUNK_TOKENS

    def close(self, is_last: bool = False) -> None:
        """Pad the open chunk and begin another."""
        chunk, length = self.open, len(self.open.tokens)
        self.token_count += length if is_last else CHUNK_TOKENS
        chunk.tokens = [self.encoder.start_token, *chunk.tokens, *[self.encoder.end_token] * (CHUNK_TOKENS - length + 1)]
        chunk.weights = [1.0, *chunk.weights, *[1.0] * (CHUNK_TOKENS - length + 1)]
        self.chunks.append(chunk)
        require(self.field, len(self.chunks), MAX_CHUNKS, "chunks of 75 tokens")
        self.open, self.last_comma = Chunk(), None

    def add_token(self, token: int, weight: float) -> None:
        if token == self.encoder.comma_token:
            self.last_comma = len(self.open.tokens)
        elif self.is_full and self._comma_is_near():
            self._carry_over()
        if self.is_full:
            self.close()
        self.open.tokens.append(token)
        self.open.weights.append(weight)

    def add_vectors(self, first_token: int, embedding: Embedding, weight: float) -> None:
        """Room for a textual inversion; it is never torn apart."""
        count = len(embedding.vectors)
        if first_token == self.encoder.comma_token:
            self.last_comma = len(self.open.tokens)
        elif self.is_full and self._comma_is_near():
            self._carry_over()
        if len(self.open.tokens) + count > CHUNK_TOKENS:
            self.close()
        self.open.insertions.append(Insertion(len(self.open.tokens), embedding))
        self.open.tokens += [0] * count
        self.open.weights += [weight] * count

    def _comma_is_near(self) -> bool:
        return self.last_comma is not None and len(self.open.tokens) - self.last_comma <= self.comma_backtrack

    def _carry_over(self) -> None:
        """Close the chunk after its last comma; what came later opens the next.

        Only tokens move: as in A1111, vectors inserted after the comma stay behind, over the padding of the chunk that is closed.
        """
        assert self.last_comma is not None
        cut = self.last_comma + 1
        tokens, weights = self.open.tokens[cut:], self.open.weights[cut:]
        self.open.tokens, self.open.weights = self.open.tokens[:cut], self.open.weights[:cut]
        self.close()
        self.open.tokens, self.open.weights = tokens, weights


def chunk_fragments(
    fragments: Sequence[Fragment],
    encoder: TextEncoder,
    comma_backtrack: int = 20,
    embeddings: EmbeddingTable | None = None,
    field: str = "prompt",
) -> ChunkedText:
    """Tokenise fragments and cut them into chunks.

    A full chunk is broken at its last comma when that is at most `comma_backtrack` tokens back; BREAK closes a chunk, also an empty one.

    Args:
        fragments: From `parse_attention`; each is tokenised by itself.
        encoder: Its tokenizer and special tokens.
        comma_backtrack: In tokens; 0 = never break at commas.
        embeddings: Textual inversions to look for at every token.
        field: Named in errors.

    Returns:
        At least one chunk.

    Raises:
        InvalidRequest: More than `MAX_CHUNKS` chunks.
    """
    builder = _Builder(encoder, comma_backtrack, field)
    for fragment in fragments:
        if fragment.is_break:
            builder.close()
            continue
        tokens = encoder.tokenize(fragment.text)
        position = 0
        while position < len(tokens):
            found = embeddings.find(tokens, position) if embeddings else None
            if found is None:
                builder.add_token(tokens[position], fragment.weight)
                position += 1
            else:
                embedding, length = found
                builder.add_vectors(tokens[position], embedding, fragment.weight)
                position += length
    if builder.open.tokens or not builder.chunks:
        builder.close(is_last=True)
    return ChunkedText(builder.chunks, builder.token_count)


def empty_chunk(encoder: TextEncoder) -> Chunk:
    """The chunk of an empty prompt."""
    return chunk_fragments([], encoder).chunks[0]
