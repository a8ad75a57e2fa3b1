"""Samplers on a Gaussian, where the right answer is known."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from modules.base.errors import InvalidRequest
from modules.engine.callbacks import SamplerCallbacks
from modules.engine.levels import NoiseLevels
from modules.engine.model import Prediction
from modules.engine.noise import ImageNoise, NoiseSource
from modules.engine.prompts.conditioning import Conditioning, ScheduledCond, SubPrompt
from modules.engine.samplers.table import SAMPLERS
from modules.engine.sampling import SamplingPlan, SamplingResult, sample_img2img, total_steps
from tests.unit.engine.gaussian import GaussianModel

NEUTRAL = Conditioning(((SubPrompt((ScheduledCond(10_000, torch.zeros(77, 16)),)),),))
DETERMINISTIC = ["DPM++ 2M", "Euler", "LMS", "Heun", "DPM2", "DPM fast", "DPM adaptive", "DPM++ 2S a", "Euler a", "DPM2 a"]
STOCHASTIC = ["Euler a", "DPM2 a", "DPM++ 2S a", "DPM++ SDE", "DPM++ 2M SDE", "DPM++ 2M SDE Heun", "DPM++ 3M SDE", "Restart"]
TIMESTEP = ["DDIM", "DDIM CFG++", "PLMS", "UniPC"]


def run(sampler: str, model: GaussianModel | None = None, seeds: tuple[int, ...] = (5,), size: int = 4, **plan: Any) -> SamplingResult:
    model = model or GaussianModel()
    count, callbacks = len(seeds), plan.pop("callbacks", None)
    noise = ImageNoise((model.latent_channels, size, size), seeds)
    plan = {"scheduler": "Automatic", "steps": 20, "strength": 0.6, "cfg_scale": 1.0} | plan
    init = torch.full((count, model.latent_channels, size, size), 0.2)
    conditioning = Conditioning(NEUTRAL.images * count)
    settings = SamplingPlan(sampler=sampler, **plan)
    return sample_img2img(model, settings, init, noise.first(), noise, conditioning, conditioning, callbacks=callbacks)


def exact(sampler: str, strength: float = 0.6, steps: int = 20) -> Tensor:
    """The probability flow from the level that the sampler starts at."""
    model = GaussianModel()
    first = ImageNoise((4, 4, 4), [5]).first()
    sigmas: list[float] = []
    callbacks = SamplerCallbacks(on_denoiser=lambda params: sigmas.append(float(params.sigma[0])))
    run(sampler, model, steps=steps, strength=strength, callbacks=callbacks, eta=0.0)
    return model.flow(torch.full((1, 4, 4, 4), 0.2) + first * sigmas[0], sigmas[0])


@pytest.mark.parametrize("sampler", DETERMINISTIC)
def test_without_noise_the_probability_flow_is_followed(sampler: str) -> None:
    got = run(sampler, steps=60, eta=0.0).latent
    limit = 0.08 if sampler in ("Euler", "Euler a") else 0.02
    assert (got - exact(sampler, steps=60)).abs().max() < limit


@pytest.mark.parametrize(("low", "high"), [("Euler", "Heun"), ("Euler", "DPM++ 2M"), ("Euler", "LMS"), ("DPM++ 2M", "DPM fast")])
def test_higher_orders_are_closer(low: str, high: str) -> None:
    errors = [(run(name, scheduler="Karras", eta=0.0).latent - exact_from_karras()).abs().mean() for name in (low, high)]
    assert errors[1] < errors[0]


def exact_from_karras() -> Tensor:
    model = GaussianModel()
    sigmas: list[float] = []
    callbacks = SamplerCallbacks(on_denoiser=lambda params: sigmas.append(float(params.sigma[0])))
    run("Euler", model, scheduler="Karras", callbacks=callbacks)
    return model.flow(torch.full((1, 4, 4, 4), 0.2) + ImageNoise((4, 4, 4), [5]).first() * sigmas[0], sigmas[0])


@pytest.mark.parametrize("sampler", STOCHASTIC)
def test_with_noise_the_distribution_is_met(sampler: str) -> None:
    model = GaussianModel()
    got = run(sampler, model, size=24, steps=30, strength=1.0).latent
    assert got.mean().item() == pytest.approx(model.mean, abs=0.05)
    assert got.std().item() == pytest.approx(model.spread, rel=0.15)


@pytest.mark.parametrize("sampler", TIMESTEP)
def test_timestep_samplers_arrive(sampler: str) -> None:
    model = GaussianModel()
    got = run(sampler, model, size=32, steps=50, strength=1.0, eta=0.0, cfg_scale=12.5 if sampler == "DDIM CFG++" else 1.0).latent
    assert got.mean().item() == pytest.approx(model.mean, abs=0.05)
    assert got.std().item() == pytest.approx(model.spread, rel=0.15)


@pytest.mark.parametrize("sampler", [name for name in SAMPLERS if name not in ("DPM adaptive", "LCM")])
def test_v_prediction_gives_the_same(sampler: str) -> None:
    noise, velocity = (run(sampler, GaussianModel(prediction=kind)).latent for kind in Prediction)
    assert torch.allclose(noise, velocity, atol=2e-3)


@pytest.mark.parametrize("sampler", list(SAMPLERS))
def test_any_number_of_channels_and_repeatable(sampler: str) -> None:
    one, two = (run(sampler, GaussianModel(channels=7), steps=24).latent for _ in range(2))
    assert one.shape == (1, 7, 4, 4) and torch.equal(one, two) and one.isfinite().all()


@pytest.mark.parametrize("sampler", [name for name in SAMPLERS if name != "DPM adaptive"])
def test_a_picture_in_a_batch_equals_the_picture_alone(sampler: str) -> None:
    batch = run(sampler, seeds=(8, 9)).latent
    for index, seed in enumerate((8, 9)):
        assert torch.allclose(batch[index], run(sampler, seeds=(seed,)).latent[0], atol=1e-5)


@pytest.mark.parametrize("sampler", list(SAMPLERS))
def test_steps_are_reported(sampler: str) -> None:
    seen: list[tuple[int, int]] = []
    model = GaussianModel()
    result = run(sampler, model, callbacks=SamplerCallbacks(on_step=lambda step, total, clean: seen.append((step, total))))
    assert [step for step, _ in seen] == list(range(1, len(seen) + 1))
    assert result.model_calls == model.predict_calls and not result.is_interrupted
    if sampler not in ("DPM adaptive", "DPM fast", "UniPC"):
        assert len(seen) == total_steps(SamplingPlan(sampler, "Automatic", 20, 0.6))


@pytest.mark.parametrize("sampler", list(SAMPLERS))
def test_interruption_stops_before_the_next_call(sampler: str) -> None:
    model = GaussianModel()
    stop = SamplerCallbacks(is_interrupted=lambda: model.predict_calls >= 2)
    result = run(sampler, model, callbacks=stop)
    assert result.is_interrupted and model.predict_calls == 2 and result.latent.isfinite().all()
    first = run(sampler, callbacks=SamplerCallbacks(is_interrupted=lambda: True))
    assert first.is_interrupted and torch.equal(first.latent, torch.full((1, 4, 4, 4), 0.2))


def test_strength_and_extremes() -> None:
    assert run("Euler", strength=0.0).model_calls == 1
    assert run("Euler", strength=1.0).model_calls == 20
    assert run("Euler", strength=0.5, fix_steps=True).model_calls == 20
    assert run("Euler", strength=0.0, fix_steps=True).model_calls == 0
    assert run("DDIM", strength=0.05).model_calls == 0
    assert run("Heun", steps=1, strength=1.0).model_calls == 1


@pytest.mark.parametrize("sampler", ["DPM fast", "DPM adaptive"])
def test_one_step_of_a_solver_between_two_levels_needs_no_noise(sampler: str) -> None:
    """There is no way to go between the first level and the last but one: the noised start comes back, as in A1111."""
    result = run(sampler, steps=1, eta=0.0)
    assert result.model_calls == (sampler == "DPM fast") and (result.latent - 0.2).abs().max() > 0.01


@pytest.mark.parametrize("sampler", TIMESTEP)
def test_a_discarded_penultimate_level_makes_a_timestep_schedule_longer(sampler: str) -> None:
    seen: dict[bool, list[float]] = {True: [], False: []}
    for flag, levels in seen.items():
        look = SamplerCallbacks(on_denoiser=lambda params, levels=levels: levels.append(float(params.sigma[0])))
        run(sampler, steps=9, strength=0.75, discard_penultimate=flag, callbacks=look)
    assert len(seen[True]) == len(seen[False]) and seen[False][0] == pytest.approx(556) and seen[True][0] == pytest.approx(501)


@pytest.mark.parametrize("sampler", list(SAMPLERS))
@pytest.mark.parametrize("name", ["use_downcasted_alpha_bar", "is_quantized"])
def test_every_sampler_runs_on_altered_levels(sampler: str, name: str) -> None:
    plain, altered = run(sampler, eta=0.0).latent, run(sampler, eta=0.0, **{name: True}).latent
    assert altered.dtype == torch.float32 and torch.allclose(plain, altered, atol=0.1)


@pytest.mark.parametrize(("sampler", "steps"), [("UniPC", 3), ("DPM fast", 1), ("DPM adaptive", 1), ("DDIM", 1001), ("Euler", 0)])
def test_too_few_or_many_steps_are_refused(sampler: str, steps: int) -> None:
    with pytest.raises(InvalidRequest, match="steps"):
        run(sampler, steps=steps)


def test_churn_and_extra_noise_change_the_picture_and_zero_does_not() -> None:
    plain = run("Euler").latent
    assert torch.equal(plain, run("Euler", s_tmin=1.0, s_noise=1.1).latent)
    for name, value in {"s_churn": 3.0, "extra_noise": 0.2, "noise_multiplier": 0.9, "is_quantized": True}.items():
        assert not torch.allclose(plain, run("Euler", **{name: value}).latent, atol=1e-4), name


def test_options_of_the_schedule_reach_it() -> None:
    plain = run("Euler", scheduler="Karras").latent
    for name, value in {
        "sigma_min": 0.1,
        "sigma_max": 10.0,
        "rho": 5.0,
        "use_old_karras_sigmas": True,
        "discard_penultimate": True,
    }.items():
        assert not torch.allclose(plain, run("Euler", scheduler="Karras", **{name: value}).latent, atol=1e-5), name
    beta = run("Euler", scheduler="Beta").latent
    assert not torch.allclose(beta, run("Euler", scheduler="Beta", beta_alpha=0.9).latent, atol=1e-5)
    for name in ("use_downcasted_alpha_bar", "use_zero_terminal_snr"):
        assert not torch.equal(run("Euler", strength=1.0).latent, run("Euler", strength=1.0, **{name: True}).latent), name


@pytest.mark.parametrize("variant", ["bh1", "bh2", "vary_coeff"])
@pytest.mark.parametrize("skip_type", ["time_uniform", "time_quadratic", "logSNR"])
def test_unipc_variants_agree_on_the_answer(variant: str, skip_type: str) -> None:
    model = GaussianModel()
    got = run("UniPC", model, steps=60, strength=0.8, uni_pc_variant=variant, uni_pc_skip_type=skip_type, uni_pc_order=2).latent
    first = ImageNoise((4, 4, 4), [5]).first()
    sigma = float(NoiseLevels(model.alphas_cumprod).sigma(torch.tensor([753.0])))
    start = torch.full((1, 4, 4, 4), 0.2) + first * sigma
    assert (got - model.flow(start, sigma)).abs().max() < 0.12


def test_brownian_noise_follows_the_source() -> None:
    model, latents = GaussianModel(), []
    for source in (NoiseSource.CPU, NoiseSource.NV):
        noise = ImageNoise((4, 4, 4), [5], source=source)
        plan = SamplingPlan("DPM++ 2M SDE", "Automatic", 8, 0.6)
        latents.append(sample_img2img(model, plan, torch.zeros(1, 4, 4, 4), torch.zeros(1, 4, 4, 4), noise, NEUTRAL, NEUTRAL).latent)
    assert not torch.allclose(latents[0], latents[1], atol=1e-3)
