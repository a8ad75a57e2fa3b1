"""Fractional masks, and what they keep."""

from __future__ import annotations

import pytest
import torch

from modules.engine.comfyui.masking import NoisedBlending, Thresholding, fit_mask, spread_to
from modules.engine.comfyui.noise import BatchNoise, draw_noise
from modules.engine.comfyui.schedules import ComfyLevels, cut_sigmas, make_sigmas, standard_alphas, start_factor

LEVELS = ComfyLevels(standard_alphas())


def test_a_cell_is_the_mean_of_the_four_pixels_in_its_middle() -> None:
    mask = torch.zeros(16, 8)
    mask[3, 3] = mask[3, 4] = mask[11, 4] = 1.0
    mask[0, 0] = mask[7, 7] = 1.0
    assert fit_mask(mask, (1, 4, 2, 1)).flatten().tolist() == [0.5, 0.25]


def test_masks_are_repeated_or_left_out_for_a_batch() -> None:
    masks = torch.stack([torch.zeros(8, 8), torch.ones(8, 8)])
    assert fit_mask(masks, (3, 4, 8, 8))[:, 0, 0, 0].tolist() == [0, 1, 0]
    assert fit_mask(masks[:, None], (1, 4, 8, 8)).shape == (1, 1, 8, 8)


def test_the_model_sees_the_start_picture_noised_around_the_mask() -> None:
    x, original, noise = torch.full((1, 4, 2, 2), 8.0), torch.full((1, 4, 2, 2), 1.0), torch.full((1, 4, 2, 2), 0.5)
    repaint = torch.tensor([[0.0, 0.25], [0.5, 1.0]]).view(1, 1, 2, 2)
    blending, levels = NoisedBlending(original, repaint, noise), torch.tensor([2.0])
    assert blending.enter(x, levels, None)[0, 0].flatten().tolist() == [2.0, 3.5, 5.0, 8.0]
    assert blending.leave(x, levels, None)[0, 0].flatten().tolist() == [1.0, 2.75, 4.5, 8.0]
    assert blending.finish(x) is x


def test_the_threshold_sinks_from_step_to_step() -> None:
    ramp, sigmas = ((torch.arange(16) + 0.5) / 16).expand(1, 1, 16, 16), make_sigmas("normal", "euler", 6, 1.0, standard_alphas())
    free = [float(Thresholding(LEVELS, sigmas)(sigma, ramp).mean()) for sigma in sigmas[:-1]]
    assert [round(share, 2) for share in free] == [0.0, 0.19, 0.38, 0.62, 0.81, 1.0]
    half = Thresholding(LEVELS, sigmas, 0.5)(sigmas[0], ramp)
    assert torch.equal(half, ramp / 2)
    assert torch.equal(Thresholding(LEVELS, sigmas, 0.0)(sigmas[2], ramp), Thresholding(LEVELS, sigmas)(sigmas[2], ramp))
    assert not Thresholding(LEVELS, torch.tensor([0.02, 0.0]))(torch.tensor(0.02), ramp).any(), "no room for a threshold"


def test_a_part_of_a_schedule_ends_clean_unless_noise_is_kept() -> None:
    sigmas = make_sigmas("normal", "euler", 4, 1.0, standard_alphas())
    assert cut_sigmas(sigmas, 1, 3, keeps_noise=True).tolist() == sigmas[1:4].tolist()
    assert cut_sigmas(sigmas, 1, 3).tolist() == [*sigmas[1:3].tolist(), 0.0]
    assert torch.equal(cut_sigmas(sigmas, 0, 10_000), sigmas) and sigmas[3] > 0
    assert len(cut_sigmas(sigmas, 4)) == len(cut_sigmas(sigmas, 3, 2)) == len(cut_sigmas(sigmas, 0, 0)) == 0


def test_full_noise_is_scaled_by_more_than_sigma() -> None:
    assert start_factor(torch.tensor(14.61464), LEVELS) == (1 + torch.tensor(14.61464) ** 2).sqrt()
    assert start_factor(torch.tensor(14.43857), LEVELS) == torch.tensor(14.43857)


def test_a_batch_has_one_noise() -> None:
    noise = BatchNoise((4, 8, 8), [3, 9], subseeds=[1], subseed_strength=0.5, ensd=7)
    assert torch.equal(noise.first(), draw_noise((2, 4, 8, 8), 3)) and noise.seeds == (3, 9)
    assert torch.equal(draw_noise((1, 4, 2, 2), 2**64 + 3), draw_noise((1, 4, 2, 2), 3)), "seeds go round"


@pytest.mark.parametrize(("count", "places"), [(1, [0]), (2, [0, 2]), (3, [0, 1, 2]), (6, [0, 0, 1, 1, 2, 2]), (4, [0, 1, 1, 2])])
def test_pictures_shown_to_inpainting_models_are_spread_over_a_batch_in_order(count: int, places: list[int]) -> None:
    assert spread_to(torch.arange(3), count).tolist() == places
