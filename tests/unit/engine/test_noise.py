from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from modules.engine.brownian import BrownianNoise, BrownianTree
from modules.engine.noise import ImageNoise, NoiseSource, paste_centred, slerp
from modules.engine.philox import PhiloxGenerator, philox_4x32

SHAPE = (5, 6, 7)
CPU = torch.device("cpu")


def test_philox_known_answers() -> None:
    # Random123's kat_vectors for philox4x32-10: counters and keys all zero.
    zero = philox_4x32(np.zeros((4, 1), dtype=np.uint32), 0)
    assert [f"{word:08x}" for word in zero[:, 0]] == ["6627e8d5", "e169c58d", "bc57ac4c", "9b00dbd8"]
    ones = philox_4x32(np.full((4, 1), 0xFFFFFFFF, dtype=np.uint32), 0xFFFFFFFFFFFFFFFF)
    assert [f"{word:08x}" for word in ones[:, 0]] == ["408f276d", "41c83b0e", "a20bc7c6", "6d5451fd"]


def test_philox_is_normal_and_moves_on() -> None:
    generator = PhiloxGenerator(3)
    first, second = generator.randn((100_000,)), generator.randn((100_000,))
    assert abs(first.mean()) < 0.02 and abs(first.std() - 1) < 0.02 and not np.array_equal(first, second)
    assert np.array_equal(PhiloxGenerator(3).randn((4, 4)).ravel(), first[:16])


@pytest.mark.parametrize("source", NoiseSource)
def test_each_image_has_its_own_generator(source: NoiseSource) -> None:
    both, alone = ImageNoise(SHAPE, [1, 2], source=source), ImageNoise(SHAPE, [2], source=source)
    assert torch.equal(both.first()[1], alone.first()[0])
    assert torch.equal(both.next()[1], alone.next()[0])


def test_next_begins_with_the_first() -> None:
    assert torch.equal(ImageNoise(SHAPE, [4]).next(), ImageNoise(SHAPE, [4]).first())


def test_ensd_changes_only_later_noise() -> None:
    plain, shifted, other = ImageNoise(SHAPE, [4]), ImageNoise(SHAPE, [4], ensd=10), ImageNoise(SHAPE, [14])
    assert torch.equal(plain.first(), shifted.first())
    assert torch.equal(shifted.next(), other.first())


def test_subseed_strength_goes_from_seed_to_subseed() -> None:
    plain, other = ImageNoise(SHAPE, [4]).first(), ImageNoise(SHAPE, [9]).first()
    for strength, wanted in ((0.0, plain), (1.0, other)):
        assert torch.allclose(ImageNoise(SHAPE, [4], subseeds=[9], subseed_strength=strength).first(), wanted, atol=1e-4)
    missing = ImageNoise(SHAPE, [4], subseed_strength=1.0).first()
    assert torch.allclose(missing, ImageNoise(SHAPE, [0]).first(), atol=1e-4)


def test_slerp_of_parallel_noise_swaps_its_weights() -> None:
    low, high = torch.ones(1, 3, 3), torch.full((1, 3, 3), 2.0)
    assert torch.allclose(slerp(0.25, low, high), torch.full((1, 3, 3), 1.75))


@pytest.mark.parametrize("small", [(2, 3), (20, 3), (3, 20), (20, 21)])
def test_resized_noise_is_centred(small: tuple[int, int]) -> None:
    noise = ImageNoise((4, 8, 9), [4], resize_from=small).first()
    wanted = paste_centred(ImageNoise((4, *small), [4]).first()[0], ImageNoise((4, 8, 9), [4]).first()[0])
    assert torch.equal(noise[0], wanted) and noise.shape == (1, 4, 8, 9)


def test_brownian_increments_add_up() -> None:
    tree = BrownianTree(0.03, 14.6, 7, (64, 64), NoiseSource.CPU, CPU)
    whole = tree.increment(1.0, 9.0)
    parts = tree.increment(1.0, 2.5) + tree.increment(2.5, 2.6) + tree.increment(2.6, 9.0)
    assert torch.allclose(whole, parts, atol=1e-4)
    assert whole.var().item() == pytest.approx(8.0, rel=0.1)
    assert tree.increment(3.0, 3.0).abs().max() == 0 and tree.increment(15.0, 99.0).abs().max() == 0


def test_brownian_noise_has_unit_variance() -> None:
    noise = BrownianNoise(0.03, 14.6, [1, 2], (4, 32, 32), NoiseSource.NV, CPU)
    drawn = noise(torch.tensor(9.0), torch.tensor(4.0))
    assert drawn.shape == (2, 4, 32, 32) and drawn.std().item() == pytest.approx(1.0, rel=0.05)
    assert not math.isclose(float(drawn[0].mean()), float(drawn[1].mean()))
