"""The rarer samplers on data whose denoiser is known: normal numbers, for which the paths and the spread at every level are exact."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from scipy import integrate, interpolate
from torch import Tensor

from modules.base.errors import InvalidRequest
from modules.engine.comfyui.samplers import cfgpp, er_sde, heunpp, multistep, res, sa_solver, seeds
from modules.engine.samplers import dpm_solver, dpmpp_2m, euler

SPREAD = 0.5
ALPHAS = torch.cumprod(1 - torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2, 0).float()


def levels(steps: int, end: float = 0.05) -> Tensor:
    return torch.logspace(1, np.log10(end), steps + 1)


def clean(x: Tensor, sigma: Tensor | float) -> Tensor:
    """Mean of N(0, SPREAD^2) numbers, given that they are x with noise of sigma added."""
    return x * SPREAD**2 / (SPREAD**2 + sigma**2)


class Run:
    """One walk; remembers sigmas at which the model was asked, and counts draws and steps."""

    def __init__(self, sampler: Callable[..., Tensor], sigmas: Tensor, x: Tensor, **arguments: object) -> None:
        self.asked: list[float] = []
        self.draws = self.steps = 0
        self.last = x
        self._generator = torch.Generator().manual_seed(7)
        if "last_uncond" in arguments:
            arguments["last_uncond"] = lambda: self.last
        self.result = sampler(self._denoise, x, sigmas, self._noise, self._on_step, **arguments)

    def _denoise(self, x: Tensor, sigma: Tensor | float) -> Tensor:
        self.asked.append(float(sigma))
        self.last = clean(x, sigma)
        return self.last

    def _noise(self, sigma: Tensor | float, sigma_next: Tensor | float) -> Tensor:
        self.draws += 1
        return torch.randn(self.last.shape, generator=self._generator)

    def _on_step(self) -> None:
        self.steps += 1


CFG_PP = {"last_uncond": True}
SA = {"alphas_cumprod": ALPHAS}
BETWEEN = {"r": 1.0, "solver_type": "phi_2"}

# Sampler, its arguments, model calls of 4 steps down to 0, largest relative error of 20 steps to sigma 0.05.
PATHS = {
    "euler_cfg_pp": (cfgpp.euler_ancestral_cfg_pp, {"eta": 0.0, **CFG_PP}, 4, 0.1),
    "dpmpp_2m_cfg_pp": (cfgpp.dpmpp_2m_cfg_pp, CFG_PP, 4, 0.006),
    "heunpp2": (heunpp.heunpp2, {}, 9, 0.08),
    "ipndm": (multistep.ipndm, {}, 4, 0.005),
    "ipndm_v": (multistep.ipndm_v, {}, 4, 0.007),
    "deis": (multistep.deis, {}, 4, 0.006),
    "gradient_estimation": (multistep.gradient_estimation, {}, 4, 0.08),
    "gradient_estimation_cfg_pp": (multistep.gradient_estimation, CFG_PP, 4, 0.08),
    "res_multistep": (res.res_multistep, {}, 4, 0.01),
    "res_multistep_cfg_pp": (res.res_multistep, CFG_PP, 4, 0.01),
    "exp_heun_2_x0": (seeds.seeds_2, {"eta": 0.0, **BETWEEN}, 7, 0.008),
    "seeds_2": (seeds.seeds_2, {"eta": 0.0}, 7, 0.006),
    "seeds_3": (seeds.seeds_3, {"eta": 0.0}, 10, 5e-5),
    "sa_solver": (sa_solver.sa_solver, {"eta": 0.0, **SA}, 4, 3e-4),
    "sa_solver_pece": (sa_solver.sa_solver, {"eta": 0.0, "is_evaluated_twice": True, **SA}, 7, 3e-4),
    "dpm_fast": (dpm_solver.dpm_fast, {"eta": 0.0, "ends_clean": False}, 4, 0.005),
}


@pytest.mark.parametrize("name", PATHS)
def test_paths_without_noise(name: str) -> None:
    sampler, arguments, calls, limit = PATHS[name]
    x = torch.ones(1, 1, 1, 1)
    whole = Run(sampler, torch.cat([levels(3), torch.zeros(1)]), x, **arguments)
    assert len(whole.asked) == calls and whole.asked[0] == 10
    run = Run(sampler, levels(20), x, **arguments)
    error = abs(float(run.result) / ((SPREAD**2 + 0.05**2) / (SPREAD**2 + 100)) ** 0.5 - 1)
    print(f"{name}: relative error {error:.1e}, limit {limit}")
    assert error < limit


# Sampler, its arguments, draws of noise in 40 steps, largest relative error of the spread they end with.
NOISY = {
    "euler_ancestral_cfg_pp": (cfgpp.euler_ancestral_cfg_pp, CFG_PP, 40, 0.1),
    "res_multistep_ancestral": (res.res_multistep, {"eta": 1.0}, 40, 0.02),
    "res_multistep_ancestral_cfg_pp": (res.res_multistep, {"eta": 1.0, **CFG_PP}, 40, 0.02),
    "er_sde": (er_sde.er_sde, {}, 40, 0.01),
    "seeds_2": (seeds.seeds_2, {}, 80, 0.02),
    "exp_heun_2_x0_sde": (seeds.seeds_2, BETWEEN, 80, 0.02),
    "seeds_3": (seeds.seeds_3, {}, 120, 0.01),
    "sa_solver": (sa_solver.sa_solver, SA, 16, 0.01),
    "sa_solver_pece": (sa_solver.sa_solver, {"is_evaluated_twice": True, **SA}, 16, 0.01),
}


@pytest.mark.parametrize("name", NOISY)
def test_spread_with_noise(name: str) -> None:
    sampler, arguments, draws, limit = NOISY[name]
    x = torch.randn(100_000, generator=torch.Generator().manual_seed(3)) * (100 + SPREAD**2) ** 0.5
    run = Run(sampler, levels(40), x, **arguments)
    error = abs(float(run.result.std()) / (SPREAD**2 + 0.05**2) ** 0.5 - 1)
    print(f"{name}: relative error {error:.1e}, limit {limit}; {run.draws} draws")
    assert run.draws == draws and run.steps == 40
    assert error < limit


@pytest.mark.parametrize("name", {**PATHS, **NOISY})
def test_a_step_to_0_ends_at_the_clean_latents(name: str) -> None:
    sampler, arguments, *_ = {**PATHS, **NOISY}[name]
    run = Run(sampler, torch.tensor([3.0, 1.0, 0.3, 0.0]), torch.ones(2, 4, 3, 3), **arguments)
    if name == "dpm_fast":
        assert run.asked[-1] > 0.3
    else:
        assert torch.allclose(run.result, run.last) and run.asked[-1] == pytest.approx(0.3)


def test_cfg_pp_without_guidance_is_the_plain_sampler() -> None:
    x, sigmas = torch.ones(1, 1, 2, 2), torch.tensor([10.0, 4.0, 1.5, 0.4, 0.0])
    for guided, plain, arguments in (
        (partial(cfgpp.euler_ancestral_cfg_pp, eta=0.0), euler.euler, {}),
        (cfgpp.euler_ancestral_cfg_pp, euler.euler_ancestral, {}),
        (cfgpp.dpmpp_2m_cfg_pp, dpmpp_2m.dpmpp_2m, {}),
        (res.res_multistep, res.res_multistep, {"eta": 1.0}),
        (multistep.gradient_estimation, multistep.gradient_estimation, {}),
    ):
        got = Run(guided, sigmas, x, **CFG_PP, **arguments).result
        assert torch.allclose(got, Run(plain, sigmas, x, **arguments).result, atol=1e-5), guided


def test_dpmpp_2s_cfg_pp_by_hand() -> None:
    """From sigma 4 to 1 without noise: lambda grows by h = log 4; the second half takes the unguided prediction of the middle."""
    guided, unguided = iter((1.0, 2.0, 5.0)), [0.5, 1.5, 0.0]
    asked: list[float] = []

    def denoise(x: Tensor, sigma: Tensor | float) -> Tensor:
        asked.append(float(sigma))
        return torch.full_like(x, next(guided))

    x, sigmas = torch.full((1, 1, 1, 1), 3.0), torch.tensor([4.0, 1.0])
    steps: list[int] = []
    got = cfgpp.dpmpp_2s_ancestral_cfg_pp(
        denoise, x, sigmas, lambda *_: x * 0, lambda: steps.append(1), last_uncond=lambda: torch.tensor(unguided[len(asked) - 1]), eta=0.0
    )
    assert asked == pytest.approx([4, 2]) and len(steps) == 1
    assert float(got) == pytest.approx((3 + 1 - 1.5) / 4 + (1 - 1 / 4) * 2)


def test_weights_of_deis_are_integrals() -> None:
    sigmas = [10.0, 6.0, 2.5, 1.0]
    times = [multistep._time(sigma) for sigma in sigmas]
    assert multistep._time(80.0) == pytest.approx(1) and multistep._time(0.002) == pytest.approx(1e-3)
    for index in (1, 2):
        nodes = times[index::-1][:3]
        for place, got in enumerate(multistep._weigh_in_time(sigmas, index)):
            basis = interpolate.lagrange(nodes, np.eye(len(nodes))[place])
            wanted, _ = integrate.quad(lambda sigma, basis=basis: basis(multistep._time(sigma)), sigmas[index], sigmas[index + 1])
            assert got == pytest.approx(wanted, rel=3e-4)


def test_weights_of_uneven_steps() -> None:
    even = [10.0, 8.0, 6.0, 4.0, 2.0]
    for index in range(3):
        assert multistep._weigh_uneven(even, index) == pytest.approx(multistep._weigh_even(even, index))
    # The fourth order is that of the published program: 57/24 where Adams and Bashforth have 55/24.
    assert multistep._weigh_uneven(even, 3) == pytest.approx([-2 * weight / 24 for weight in (57, -65, 43, -11)])
    # Of the second order they are those of the straight line through two slopes.
    assert multistep._weigh_uneven([10.0, 6.0, 4.0], 1) == pytest.approx([-2 * 1.25, 2 * 0.25])


def test_weights_of_sa_solver_are_integrals() -> None:
    nodes, h, rate = [-2.1, -1.2, -0.5, 0.0], 0.5, 2.0
    for place, got in enumerate(sa_solver._weights(nodes, h, rate)):
        basis = interpolate.lagrange(nodes, np.eye(4)[place])
        wanted, _ = integrate.quad(lambda u, basis=basis: rate * np.exp(rate * u) * basis(u), -h, 0)
        assert got == pytest.approx(wanted, rel=1e-6)


def test_dpm_fast_and_adaptive_end_at_the_last_level_above_0() -> None:
    x = torch.ones(1, 1, 1, 1)
    for sampler in (dpm_solver.dpm_fast, dpm_solver.dpm_adaptive):
        left = Run(sampler, torch.tensor([10.0, 3.0, 1.0, 0.2]), x, eta=0.0, ends_clean=False)
        whole = Run(sampler, torch.tensor([10.0, 3.0, 0.2, 0.0]), x, eta=0.0, ends_clean=False)
        assert torch.equal(left.result, whole.result) and min(left.asked) >= 0.2


def test_equal_neighbours_are_refused() -> None:
    for sampler in (multistep.ipndm_v, multistep.deis, partial(sa_solver.sa_solver, **SA)):
        with pytest.raises(InvalidRequest, match="same noise level"):
            Run(sampler, torch.tensor([3.0, 1.0, 1.0, 0.5, 0.0]), torch.ones(1, 1, 1, 1))
