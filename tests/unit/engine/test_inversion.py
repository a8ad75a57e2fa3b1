"""Walking back to the noise, against a model whose paths are known in closed form."""

from __future__ import annotations

import pytest
import torch

from modules.engine.callbacks import SamplerCallbacks
from modules.engine.inversion import InversionPlan, constant_conditioning, find_noise, mix_noise
from modules.engine.model import ModelKind
from tests.unit.engine.gaussian import GaussianModel


def start(count: int = 1) -> torch.Tensor:
    return 0.7 + 0.5 * torch.randn(count, 4, 8, 8, generator=torch.Generator().manual_seed(2))


def conditioning(model: GaussianModel, count: int = 1) -> object:
    return constant_conditioning([torch.zeros(77, model.text.width)] * count)


@pytest.mark.parametrize("is_adjusted", [False, True])
def test_many_steps_follow_the_probability_flow(is_adjusted: bool) -> None:
    model, latent = GaussianModel(), start()
    neutral = conditioning(model)
    found = find_noise(model, model.levels, InversionPlan(400, 1.0, is_adjusted), latent, neutral, neutral)
    largest = model.levels.sigma_max
    end = model.flow(latent, 0.0, largest)
    wanted = end / largest if is_adjusted else end / end.std()
    assert (found - wanted).abs().max() < 0.03


def test_unadjusted_noise_has_unit_spread_and_each_step_is_one_call() -> None:
    model, neutral = GaussianModel(), conditioning(GaussianModel(), 2)
    found = find_noise(model, model.levels, InversionPlan(7), start(2), neutral, neutral)
    assert float(found.std()) == pytest.approx(1.0) and model.predict_calls == 7
    assert find_noise(model, model.levels, InversionPlan(7, is_adjusted=True), start(2), neutral, neutral).shape == found.shape
    assert model.predict_calls == 13  # at sigma 0 nothing is asked


def test_guidance_and_extra_channels_reach_the_model() -> None:
    model = GaussianModel(kind=ModelKind.EDIT)
    towards, away = (constant_conditioning([torch.full((77, model.text.width), value)]) for value in (0.5, -0.5))
    concat = torch.zeros(1, 4, 8, 8)
    plain, guided = (
        find_noise(model, model.levels, InversionPlan(5, scale), start(), towards, away, concat=concat) for scale in (1.0, 3.0)
    )
    other = find_noise(model, model.levels, InversionPlan(5), start(), towards, away, concat=concat + 1)
    assert not torch.allclose(plain, guided) and not torch.allclose(plain, other)


def test_an_interruption_ends_the_walk() -> None:
    model, neutral = GaussianModel(), conditioning(GaussianModel())
    steps: list[int] = []
    callbacks = SamplerCallbacks(on_step=lambda step, total, latent: steps.append(step), is_interrupted=lambda: len(steps) == 3)
    found = find_noise(model, model.levels, InversionPlan(9), start(), neutral, neutral, callbacks=callbacks)
    assert steps == [1, 2, 3] and found.isfinite().all()


def test_mixing_keeps_unit_variance() -> None:
    first, second = torch.randn(2, 1, 4, 64, 64, generator=torch.Generator().manual_seed(1))
    assert torch.equal(mix_noise(first, second, 0.0), first) and torch.equal(mix_noise(first, second, 1.0), second)
    assert float(mix_noise(first, second, 0.3).std()) == pytest.approx(1.0, abs=0.02)
