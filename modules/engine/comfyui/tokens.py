"""ComfyUI's prompt syntax: round brackets weight, `embedding:NAME` inserts vectors, everything else is text, in chunks of 77 tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from modules.engine.model import TextEncoder
from modules.engine.prompts.chunks import Chunk, Embedding, EmbeddingTable, Insertion
from modules.engine.prompts.limits import CHUNK_TOKENS, MAX_BRACKETS, MAX_CHUNKS, MAX_WEIGHT, check_length, require

_ROUND = 1.1
_LARGE_GROUP = 8
"""Tokens; a group of so many may be cut at the end of a chunk, a smaller one moves on as a whole."""
_MOST_OPENED = 2_000
"""Brackets in one text: each level of them looks at all of its text again."""

_BRACKET = re.compile(r"[()]")
_HIDDEN = {r"\(": "\ue000", r"\)": "\ue001"}
"""What stands for brackets that are meant literally while the others are looked at."""
_MARK = "embedding:"
_BEFORE_MARK = re.compile(rf"(?:^|[ \n])(?={_MARK})")


class Piece(NamedTuple):
    """A stretch of text under one weight."""

    text: str
    weight: float


@dataclass(frozen=True)
class TokenisedText:
    """A whole text as chunks.

    Attributes:
        chunks: At least one.
        unknown: Names of embeddings that were asked for and not found, in order.
        token_count: What a token counter shows: padding between chunks included, behind the last one not.
    """

    chunks: list[Chunk]
    unknown: tuple[str, ...] = ()
    token_count: int = 0


def parse_weights(text: str, field: str = "text") -> list[Piece]:
    r"""Split a text at its brackets.

    `(x)` multiplies the weight around it by 1.1, `(x:1.3)` replaces it; `\(` and `\)` are literal. A bracket that is never closed, and
    whatever follows a `)` too many, is plain text.

    Args:
        text: As it is written in the node.
        field: Named in errors.

    Returns:
        Pieces in order; none for an empty text.

    Raises:
        InvalidRequest: Too many brackets, too deep ones, or a weight beyond `MAX_WEIGHT`.
    """
    for written, hidden in _HIDDEN.items():
        text = text.replace(written, hidden)
    require(field, text.count("("), _MOST_OPENED, 'brackets "("')
    return list(_weigh(text, 1.0, 0, field))


def _weigh(text: str, weight: float, depth: int, field: str) -> Iterator[Piece]:
    require(field, depth, MAX_BRACKETS, 'brackets "(" inside one another')
    for part in _split(text):
        if len(part) > 1 and part[0] == "(" and part[-1] == ")":
            content, given = _read_weight(part[1:-1])
            yield from _weigh(content, weight * _ROUND if given is None else given, depth + 1, field)
        else:
            require(field, abs(weight), MAX_WEIGHT, "as a weight")
            for written, hidden in _HIDDEN.items():
                part = part.replace(hidden, written[1])
            yield Piece(part, weight)


def _split(text: str) -> Iterator[str]:
    """Outermost brackets, each as a part that holds its "(" and ")", and what is between them.

    Only the levels are counted: behind a ")" too many they are below 0, where no "(" begins a part.
    """
    level = start = 0
    for match in _BRACKET.finditer(text):
        at = match.start()
        if match[0] == "(":
            if level == 0 and at > start:
                yield text[start:at]
                start = at
            level += 1
        else:
            level -= 1
            if level == 0:
                yield text[start : at + 1]
                start = at + 1
    if start < len(text):
        yield text[start:]


def _read_weight(content: str) -> tuple[str, float | None]:
    """The text of a bracket, and the number behind its last colon."""
    text, colon, number = content.rpartition(":")
    if not (text and colon):
        return content, None
    try:
        weight = float(number)
    except ValueError:
        return content, None
    return text, weight


def chunk_text(text: str, encoder: TextEncoder, embeddings: EmbeddingTable | None = None, field: str = "text") -> TokenisedText:
    """Tokenise a text and cut it into chunks.

    Args:
        text: As it is written in the node.
        encoder: Its tokenizer and special tokens.
        embeddings: Where names are looked up; without it, all are unknown.
        field: Named in errors.

    Raises:
        InvalidRequest: The text is beyond what `limits` allows.
    """
    check_length([text], field)
    builder = _Builder(encoder, field)
    unknown: list[str] = []
    for piece in parse_weights(text, field):
        for name, rest in _split_at_embeddings(piece.text):
            if name is not None:
                found, commas = _find(name, embeddings)
                rest = f"{commas} {rest}"
                if found is None:
                    unknown.append(name.rstrip(","))
                else:
                    builder.add_vectors(found, piece.weight)
            builder.add_tokens(encoder.tokenize(rest), piece.weight)
    return builder.finish(tuple(unknown))


def _split_at_embeddings(text: str) -> Iterator[tuple[str | None, str]]:
    """(name of an embedding or None, the text behind it up to the next one)."""
    for part in _BEFORE_MARK.split(text):
        if not part.startswith(_MARK):
            yield None, part
            continue
        words = part.removeprefix(_MARK).split(maxsplit=1)
        yield words[0] if words else "", words[1] if len(words) > 1 else ""


def _find(name: str, embeddings: EmbeddingTable | None) -> tuple[Embedding | None, str]:
    """The embedding, and the commas behind its name that do not belong to it."""
    bare = name.rstrip(",")
    found = embeddings.named(name) if embeddings else None
    if found is not None:
        return found, ""
    return embeddings.named(bare) if embeddings and bare != name else None, name[len(bare) :]


class _Builder:
    """Puts groups of tokens into chunks."""

    def __init__(self, encoder: TextEncoder, field: str) -> None:
        self.encoder, self.field = encoder, field
        self.chunks: list[Chunk] = []
        self.open = Chunk()

    def add_tokens(self, tokens: Sequence[int], weight: float) -> None:
        for start, end in self._places(len(tokens)):
            self.open.tokens += tokens[start:end]
            self.open.weights += [weight] * (end - start)

    def add_vectors(self, embedding: Embedding, weight: float) -> None:
        for start, end in self._places(len(embedding.vectors)):
            vectors: Tensor = embedding.vectors[start:end]
            self.open.insertions.append(Insertion(len(self.open.tokens), Embedding(embedding.name, vectors, embedding.short_hash)))
            self.open.tokens += [0] * (end - start)
            self.open.weights += [weight] * (end - start)

    def _places(self, count: int) -> Iterator[tuple[int, int]]:
        """Parts of a group, each of which is to be put into the chunk that is open then."""
        start = 0
        while start < count:
            room = CHUNK_TOKENS - len(self.open.tokens)
            if count - start > room and count < _LARGE_GROUP:
                room = 0
            end = min(start + room, count)
            if end > start:
                yield start, end
            start = end
            if start < count:
                self._close()

    def _close(self) -> None:
        chunk = self.open
        missing = CHUNK_TOKENS - len(chunk.tokens)
        chunk.tokens = [self.encoder.start_token, *chunk.tokens, *[self.encoder.end_token] * (missing + 1)]
        chunk.weights = [1.0, *chunk.weights, *[1.0] * (missing + 1)]
        self.chunks.append(chunk)
        require(self.field, len(self.chunks), MAX_CHUNKS, "chunks of 75 tokens")
        self.open = Chunk()

    def finish(self, unknown: tuple[str, ...]) -> TokenisedText:
        count = len(self.chunks) * CHUNK_TOKENS + len(self.open.tokens)
        self._close()
        return TokenisedText(self.chunks, unknown, count)
