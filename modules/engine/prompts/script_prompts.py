"""A1111's `prompt_parser`, over our own reading of prompts: its names, its shapes, and the way from them to `Conditioning`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from modules.engine.prompts.attention import parse_attention
from modules.engine.prompts.conditioning import Conditioning, ScheduledCond, SubPrompt, build_conditioning, extend
from modules.engine.prompts.schedule import schedule_prompt, split_and

ENDLESS = 1 << 30


class SdConditioning(list[str]):
    """Prompts that know what they are for.

    Args:
        prompts: Texts, or another `SdConditioning`, whose properties are taken over.
        is_negative_prompt: They are negative ones.
        width, height: Of the picture, px.
        copy_from: Where missing properties come from.
    """

    def __init__(
        self,
        prompts: Iterable[str],
        is_negative_prompt: bool = False,
        width: int | None = None,
        height: int | None = None,
        copy_from: Any = None,
    ) -> None:
        super().__init__(prompts)
        source = prompts if copy_from is None else copy_from
        self.is_negative_prompt = is_negative_prompt or bool(getattr(source, "is_negative_prompt", False))
        self.width: int | None = width or getattr(source, "width", None)
        self.height: int | None = height or getattr(source, "height", None)


class ScheduledPromptConditioning(NamedTuple):
    """`cond` (tokens, width) holds up to model call `end_at_step`."""

    end_at_step: int
    cond: Any


@dataclass
class ComposableScheduledPromptConditioning:
    """One AND part of a prompt."""

    schedules: list[ScheduledPromptConditioning]
    weight: float = 1.0


@dataclass
class MulticondLearnedConditioning:
    """All AND parts of all prompts: `shape` is (prompts,), `batch` a list of parts for each."""

    shape: tuple[int, ...]
    batch: list[list[ComposableScheduledPromptConditioning]]


def parse_prompt_attention(text: str) -> list[list[Any]]:
    """[text, weight] pairs; BREAK has the weight -1."""
    return [[fragment.text, fragment.weight] for fragment in parse_attention(text)]


def get_learned_conditioning_prompt_schedules(
    prompts: Sequence[str], base_steps: int, hires_steps: int | None = None, use_old_scheduling: bool = False
) -> list[list[list[Any]]]:
    """For each prompt, [end at step, text] pairs: which text holds up to which step."""
    steps = int(hires_steps or base_steps)
    return [[[entry.end_at_step, entry.text] for entry in schedule_prompt(text, steps, use_old_scheduling)] for text in prompts]


def get_multicond_prompt_list(prompts: Sequence[str]) -> tuple[list[list[tuple[int, float]]], list[str], dict[str, int]]:
    """AND parts: for each prompt, (index of text, weight) pairs; all texts once; their indexes."""
    indexes: dict[str, int] = {}
    listed = [[(indexes.setdefault(text, len(indexes)), weight) for text, weight in split_and(prompt)] for prompt in prompts]
    return listed, list(indexes), indexes


def get_learned_conditioning(
    model: Any, prompts: Sequence[str], steps: int, hires_steps: int | None = None, use_old_scheduling: bool = False
) -> list[list[ScheduledPromptConditioning]]:
    """Encode prompts as they are: what each means at which step."""
    made = _encode(model, prompts, hires_steps or steps, use_old_scheduling, is_composable=False)
    return [_schedules(parts[0]) for parts in made.images]


def get_multicond_learned_conditioning(
    model: Any, prompts: Sequence[str], steps: int, hires_steps: int | None = None, use_old_scheduling: bool = False
) -> MulticondLearnedConditioning:
    """Encode prompts, split at AND."""
    made = _encode(model, prompts, hires_steps or steps, use_old_scheduling, is_composable=True)
    batch = [[ComposableScheduledPromptConditioning(_schedules(part), part.weight) for part in parts] for parts in made.images]
    return MulticondLearnedConditioning((len(prompts),), batch)


def reconstruct_cond_batch(c: Any, current_step: int) -> Tensor:
    """(B, tokens, width): what holds at a step, of what `get_learned_conditioning` gave."""
    return as_conditioning(c).at(current_step).vectors


def reconstruct_multicond_batch(c: Any, current_step: int) -> tuple[list[list[tuple[int, float]]], Tensor]:
    """For each prompt (row, weight) pairs, and the rows: what holds at a step, of what `get_multicond_learned_conditioning` gave."""
    batch = as_conditioning(c).at(current_step)
    return [list(pairs) for pairs in batch.weights], batch.vectors


def stack_conds(tensors: Sequence[Tensor]) -> Tensor:
    """Texts of different lengths in one tensor; shorter ones repeat their last vector."""
    longest = max(len(tensor) for tensor in tensors)
    return torch.stack([extend(tensor, longest) for tensor in tensors])


def as_conditioning(given: Any) -> Conditioning:
    """What scripts hand to a sampler, as the engine takes it.

    Args:
        given: A `Conditioning`; what the functions here gave; or (B, tokens, width) vectors that hold throughout.

    Raises:
        TypeError: It is none of these.
    """
    if isinstance(given, Conditioning):
        return given
    if isinstance(given, MulticondLearnedConditioning):
        return Conditioning(tuple(tuple(_part(part.schedules, part.weight) for part in parts) for parts in given.batch), ())
    if isinstance(given, Tensor):
        return Conditioning(tuple((SubPrompt((ScheduledCond(ENDLESS, row),)),) for row in given.float()), ())
    if isinstance(given, list | tuple) and given and all(isinstance(schedule, list | tuple) and schedule for schedule in given):
        return Conditioning(tuple((_part(schedule, 1.0),) for schedule in given), ())
    raise TypeError(f"conditioning: got {type(given).__name__}, wanted what p.get_conds() or prompt_parser gives")


def _encode(model: Any, prompts: Sequence[str], steps: int, use_old_scheduling: bool, *, is_composable: bool) -> Conditioning:
    return build_conditioning(list(prompts), int(steps), model.text, is_composable=is_composable, use_old_scheduling=use_old_scheduling)


def _schedules(part: SubPrompt) -> list[ScheduledPromptConditioning]:
    return [ScheduledPromptConditioning(entry.end_at_step, entry.cond) for entry in part.schedule]


def _part(schedules: Sequence[Any], weight: float) -> SubPrompt:
    return SubPrompt(tuple(ScheduledCond(int(entry[0]), entry[1]) for entry in schedules), float(weight))
