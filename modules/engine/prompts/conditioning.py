"""Encode prompts into conditioning that is looked up by the number of model calls made so far."""

from __future__ import annotations

from collections.abc import Hashable, MutableMapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from torch import Tensor

from modules.engine.model import TextEncoder


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
        """What holds for model call number `call` (0 first)."""
        raise NotImplementedError


class EmbeddingTable(Protocol):
    """Textual inversions that a prompt may name."""

    def find(self, tokens: Sequence[int], position: int) -> tuple[str, Tensor, int] | None:
        """The embedding named by the tokens at `position`: its name, vectors (n, width), and how many tokens name it."""
        ...


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
        cache_key: What else the result depends on (model hash, LoRAs, size ...), for `cache`.

    Returns:
        Conditioning on the encoder's device.
    """
    raise NotImplementedError
