"""The guide of words: it pulls towards what is asked for, inside the hole, and leaves everything else alone to the bit."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from modules.engine.word_guide import WordGuide

CHANNELS, THINGS, WIDTH = 4, 3, 6


@pytest.fixture
def guide() -> WordGuide:
    """Reads thing n where component n of the vectors is large, and something else where the last one is."""
    torch.manual_seed(0)
    made = WordGuide(CHANNELS, THINGS, WIDTH, widths=(8, 8, 16), embedded=8).eval().requires_grad_(False)
    made.words.weight.zero_()
    made.words.bias.zero_()
    made.words.weight[:, : THINGS + 1] = 20 * torch.eye(THINGS + 1)
    return made


def prompt(thing: int) -> Tensor:
    vectors = torch.zeros(1, 77, WIDTH)
    vectors[:, :, thing] = 1
    return vectors


def noisy(count: int = 1, side: int = 12) -> Tensor:
    return torch.randn(count, CHANNELS, side, side, generator=torch.Generator().manual_seed(1))


STEP = torch.tensor([500.0])


@pytest.mark.parametrize("thing", range(THINGS))
def test_a_step_along_the_pull_makes_it_likelier(guide: WordGuide, thing: int) -> None:
    x = noisy()
    with torch.inference_mode():
        pull = guide.pull(x, STEP, prompt(thing))
    moved = x + 0.1 * pull / pull.norm()
    before, after = (float(guide(part, STEP).log_softmax(1)[0, thing]) for part in (x, moved))
    assert after > before
    assert after - before == pytest.approx(0.1 * float(pull.norm()), rel=0.1)


def test_other_words_are_left_alone(guide: WordGuide) -> None:
    assert not guide.asked(prompt(THINGS)).any()
    assert not guide.pull(noisy(), STEP, prompt(THINGS)).any()


def test_a_prompt_of_two_things_asks_for_both(guide: WordGuide) -> None:
    asked = guide.asked((prompt(0) + prompt(1)) / 2)[0]
    assert asked[:2].tolist() == pytest.approx([0.5, 0.5], abs=0.01)


def test_chunks_are_read_one_by_one(guide: WordGuide) -> None:
    alone = guide.asked(prompt(0))
    assert torch.allclose(guide.asked(torch.cat([prompt(0), prompt(THINGS), prompt(THINGS)], dim=1)), alone)
    both = guide.asked(torch.cat([prompt(0), prompt(1)], dim=1))[0]
    assert both.tolist() == pytest.approx([0.5, 0.5, 0.0], abs=0.01)


def test_rows_have_nothing_to_do_with_each_other(guide: WordGuide) -> None:
    x = noisy(2)
    both = guide.pull(x, STEP.repeat(2), torch.cat([prompt(1), prompt(THINGS)]))
    assert torch.allclose(both[:1], guide.pull(x[:1], STEP, prompt(1)), atol=1e-6)
    assert not both[1].any()


def test_only_the_hole_is_looked_at_and_pulled(guide: WordGuide) -> None:
    x, mask = noisy(), torch.zeros(1, 1, 12, 12)
    mask[..., 2:8, 3:10] = 1
    mask[..., 2, 3] = 0
    pull = guide.pull(x, STEP, prompt(0), mask)
    assert not pull[(mask == 0).expand_as(pull)].any()
    assert pull[..., 3:8, 4:10].abs().min() > 0
    around = x.clone()
    around[..., 9:, :] += 5
    assert torch.equal(guide.pull(around, STEP, prompt(0), mask), pull)


def test_holes_too_small_to_show_anything_are_left_alone(guide: WordGuide) -> None:
    mask = torch.zeros(1, 1, 12, 12)
    assert not guide.pull(noisy(), STEP, prompt(0), mask).any()
    mask[..., 5:8, 5:11] = 1
    assert not guide.pull(noisy(), STEP, prompt(0), mask).any()
