"""How much prompt is taken: generous for a person, small enough that no text keeps the program busy for long."""

from __future__ import annotations

from collections.abc import Sequence

from modules.base.errors import InvalidRequest

CHUNK_TOKENS = 75
"""What CLIP reads at a time, its start and end token not counted."""
MAX_CHARACTERS = 100_000
"""In one prompt."""
MAX_PARTS = 100
"""Joined by AND, in one prompt; each is a further row of every model call."""
MAX_BRACKETS = 200
"""Open inside one another; 1.1 to the power of it is 2e8."""
MAX_WEIGHT = 1e30
"""Of a piece of text, in size; larger ones leave the range of 32-bit floats."""
MAX_SCHEDULE_WORK = 2_000_000
"""Moments at which a prompt changes, times the pieces that it is put together from."""
MAX_SCHEDULED_CHARACTERS = 1_000_000
"""In all texts that a prompt becomes over the steps, repetitions left out."""
MAX_CHUNKS = 100
"""Of 75 tokens, in one text."""
MAX_ENCODED_CHUNKS = 1000
"""In all texts of one batch; for Stable Diffusion 1 that much conditioning takes 240 MB."""


def check_length(prompts: Sequence[str], field: str = "prompt") -> None:
    """Refuse texts that are too long to be looked into.

    Raises:
        InvalidRequest: One has more than `MAX_CHARACTERS`.
    """
    longest = max((len(prompt) for prompt in prompts), default=0)
    require(field, longest, MAX_CHARACTERS, "characters")


def require(field: str, got: float, most: float, what: str) -> None:
    """Refuse more than `most` of something.

    Raises:
        InvalidRequest: Says how much came and how much is taken.
    """
    if not got <= most:
        raise InvalidRequest(field, Amount(got, what), f"at most {_shown(most)} {what}")


class Amount:
    """So many of something, as a message shows it."""

    def __init__(self, count: float, what: str) -> None:
        self.count, self.what = count, what

    def __repr__(self) -> str:
        return f"{_shown(self.count)} {self.what}"


def _shown(count: float) -> str:
    return f"{count:,}" if isinstance(count, int) else f"{count:g}"
