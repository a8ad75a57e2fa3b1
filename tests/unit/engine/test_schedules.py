from __future__ import annotations

import pytest
import torch

from modules.base.errors import InvalidRequest
from modules.engine.levels import ConsistencyLevels, NoiseLevels, adjust_alphas
from modules.engine.schedules import SCHEDULERS, SigmaOptions, make_sigmas, plan_steps, timestep_schedule
from tests.unit.engine.gaussian import GaussianModel

ALPHAS = GaussianModel().alphas_cumprod


@pytest.mark.parametrize("scheduler", list(SCHEDULERS))
@pytest.mark.parametrize("n", [1, 2, 7, 50])
@pytest.mark.parametrize("levels", [NoiseLevels, ConsistencyLevels])
def test_sigmas_fall_to_the_end(scheduler: str, n: int, levels: type[NoiseLevels]) -> None:
    sigmas = make_sigmas(SCHEDULERS.get(scheduler), n, levels(ALPHAS), SigmaOptions())
    assert sigmas.dtype == torch.float32 and sigmas.isfinite().all()
    assert len(sigmas) == n + 1 or (scheduler == "DDIM" and len(sigmas) >= n)
    assert (sigmas[1:] < sigmas[:-1]).all() or levels is ConsistencyLevels
    assert (sigmas[-1] == 0) == (scheduler != "KL Optimal")


def test_names_labels_and_aliases_resolve() -> None:
    for label, spec in SCHEDULERS.items():
        assert {SCHEDULERS.resolve(name) for name in (spec.name, spec.label, *spec.aliases)} == {label}


def test_discarding_the_last_but_one() -> None:
    levels, spec = NoiseLevels(ALPHAS), SCHEDULERS.get("Karras")
    longer = make_sigmas(spec, 9, levels, SigmaOptions())
    shorter = make_sigmas(spec, 8, levels, SigmaOptions(discard_penultimate=True))
    assert torch.equal(shorter, torch.cat([longer[:-2], longer[-1:]]))


def test_timesteps_and_sigmas_invert_each_other() -> None:
    levels = NoiseLevels(ALPHAS)
    timesteps = torch.tensor([0.0, 0.25, 10.5, 998.75, 999.0])
    assert torch.allclose(levels.timestep(levels.sigma(timesteps)), timesteps, atol=2e-2)
    assert NoiseLevels(ALPHAS, is_quantized=True).timestep(levels.sigma(timesteps)).tolist() == [0, 0, 10, 999, 999]


def test_plan_of_steps() -> None:
    assert plan_steps(20, 0.5, False).t_enc == 10
    assert plan_steps(20, 1.0, False).t_enc == 19
    assert plan_steps(20, -1.0, False).t_enc == 0
    assert plan_steps(20, 0.5, True).schedule_steps == 40
    with pytest.raises(InvalidRequest):
        plan_steps(0, 0.5, False)


def test_timestep_schedule_may_be_longer_than_asked() -> None:
    assert timestep_schedule(6).tolist() == [1, 167, 333, 499, 665, 831, 997]
    assert timestep_schedule(1).tolist() == [1] and timestep_schedule(1000)[-1] == 999
    with pytest.raises(InvalidRequest):
        timestep_schedule(1001)


def test_zero_terminal_snr_and_downcasting() -> None:
    rescaled = adjust_alphas(ALPHAS, has_zero_terminal_snr=True)
    assert rescaled[-1] < 1e-7 and torch.isclose(rescaled[0], ALPHAS[0]) and (rescaled[1:] < rescaled[:-1]).all()
    assert torch.equal(adjust_alphas(ALPHAS, is_downcast=True), ALPHAS.half())
    assert torch.equal(adjust_alphas(ALPHAS), ALPHAS)


def test_a_downcast_table_is_computed_in_half_precision() -> None:
    """As A1111 does, whose table is then a float16 tensor; its sigmas are a little off those of the rounded alphas."""
    half = adjust_alphas(ALPHAS, is_downcast=True)
    levels, exact = NoiseLevels(half), NoiseLevels(half.float())
    assert levels.sigmas.dtype == torch.float16 and torch.allclose(levels.sigmas.float(), exact.sigmas, rtol=2e-3)
    assert not torch.equal(levels.sigmas.float(), exact.sigmas)
    for scheduler in SCHEDULERS:
        sigmas = make_sigmas(SCHEDULERS.get(scheduler), 7, levels, SigmaOptions())
        assert sigmas.dtype == torch.float32 and sigmas.isfinite().all(), scheduler


def test_quantisation_reaches_the_ends_of_a_schedule() -> None:
    plain, nearest = (
        make_sigmas(SCHEDULERS.get("SGM Uniform"), 5, NoiseLevels(ALPHAS, flag), SigmaOptions(sigma_max=10.0)) for flag in (False, True)
    )
    assert not torch.equal(plain, nearest) and torch.allclose(plain, nearest, rtol=5e-3)


@pytest.mark.parametrize("strength", [1e-300, 1e-9])
def test_exact_steps_of_hardly_any_strength_are_refused(strength: float) -> None:
    with pytest.raises(InvalidRequest, match="denoising_strength"):
        plan_steps(20, strength, True)
    assert plan_steps(20, 0.0, True).schedule_steps == 0 and plan_steps(20, 0.01, True).schedule_steps == 2000


def test_a_rho_that_overflows_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="rho"):
        make_sigmas(SCHEDULERS.get("Karras"), 7, NoiseLevels(ALPHAS), SigmaOptions(rho=1e-6))
