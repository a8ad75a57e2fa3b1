"""Noise by place: parts that overlap agree, and nothing repeats."""

from __future__ import annotations

import torch

from modules.engine.placed_noise import BLOCK, PlacedNoise


def test_parts_agree_where_they_overlap_at_every_draw() -> None:
    one, other = PlacedNoise((4, 96, 80), 7, [(0, 0)]), PlacedNoise((4, 96, 80), 7, [(40, 50)])
    for _ in range(3):
        first, second = one.next(), other.next()
        assert torch.equal(first[0, :, 40:, 50:], second[0, :, :56, :30])


def test_draws_blocks_and_seeds_differ() -> None:
    noise = PlacedNoise((1, 2 * BLOCK, BLOCK), 7, [(0, 0)])
    first, second = noise.first()[0, 0], noise.next()[0, 0]
    other = PlacedNoise((1, 2 * BLOCK, BLOCK), 8, [(0, 0)]).first()[0, 0]
    assert not torch.equal(first, second) and not torch.equal(first, other) and not torch.equal(first[:BLOCK], first[BLOCK:])
    assert abs(float(first.mean())) < 0.05 and abs(float(first.std()) - 1) < 0.05


def test_a_batch_holds_a_part_for_each_place_with_a_seed_of_its_own() -> None:
    noise = PlacedNoise((2, 8, 8), -1, [(0, 0), (0, 8), (60, 3)])
    assert noise.first().shape == (3, 2, 8, 8) and len(set(noise.seeds)) == 3
