"""How long a prompt is, for a counter beside it."""

from __future__ import annotations

from dataclasses import dataclass

from modules.engine.model import TextEncoder
from modules.engine.prompts.attention import Fragment, parse_attention
from modules.engine.prompts.chunks import EmbeddingTable, chunk_fragments
from modules.engine.prompts.conditioning import Emphasis
from modules.engine.prompts.limits import CHUNK_TOKENS, check_length
from modules.engine.prompts.schedule import schedule_prompt, split_and


@dataclass(frozen=True)
class TokenCount:
    """`tokens` of the longest text a prompt becomes, and the `room` in as many chunks as it takes: "76/150"."""

    tokens: int
    room: int


def count_tokens(
    prompt: str,
    encoder: TextEncoder,
    *,
    steps: int = 20,
    is_composable: bool = True,
    emphasis: Emphasis | str = Emphasis.ORIGINAL,
    use_old_scheduling: bool = False,
    comma_backtrack: int = 20,
    embeddings: EmbeddingTable | None = None,
) -> TokenCount:
    """Count without encoding; arguments as those of `build_conditioning`.

    Raises:
        InvalidRequest: The prompt is beyond what `limits` allows.
    """
    check_length([prompt])
    parts = [text for text, _ in split_and(prompt)] if is_composable else [prompt]
    texts = {entry.text for part in parts for entry in schedule_prompt(part, steps, use_old_scheduling)}
    is_plain = Emphasis(emphasis) is Emphasis.NONE
    chunked = [
        chunk_fragments([Fragment(text)] if is_plain else parse_attention(text), encoder, comma_backtrack, embeddings) for text in texts
    ]
    tokens = max(text.token_count for text in chunked)
    return TokenCount(tokens, max(1, -(-tokens // CHUNK_TOKENS)) * CHUNK_TOKENS)
