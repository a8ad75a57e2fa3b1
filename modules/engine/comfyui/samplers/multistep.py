"""Samplers that go on along the slopes of earlier steps: one model call a step. A step to sigma 0 ends at the clean latents.

References:
    Liu et al., "Pseudo Numerical Methods for Diffusion Models on Manifolds", ICLR 2022, equation 12 (linear multistep).
    Zhang & Chen, "Fast Sampling of Diffusion Models with Exponential Integrator", ICLR 2023 (iPNDM, tAB-DEIS).
    Zhou et al., "Fast ODE-based Sampling for Diffusion Models in Around 5 Steps", CVPR 2024 (their program's iPNDM-v and DEIS).
    Permenter & Yuan, "Interpreting and Improving Diffusion Models from an Optimization Perspective", ICML 2024 (gradient estimation).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor

from modules.base.errors import InvalidRequest
from modules.engine.comfyui.samplers.cfgpp import LastUncond
from modules.engine.samplers.stepping import Denoise, Noise, OnStep, slope

_ADAMS_BASHFORTH = ([1.0], [3 / 2, -1 / 2], [23 / 12, -16 / 12, 5 / 12], [55 / 24, -59 / 24, 37 / 24, -9 / 24])
_QUADRATURE_POINTS = 10_000

Weigh = Callable[[Sequence[float], int], Sequence[float]]
"""(sigmas, index of the step) -> weights of its slope and of the ones before it, newest first; they sum to 1 times the step."""


def ipndm(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, on_step: OnStep) -> Tensor:
    """Adams-Bashforth of order 4 with the weights of even steps, however uneven they are."""
    return _walk(denoise, x, sigmas, on_step, _weigh_even)


def ipndm_v(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, on_step: OnStep) -> Tensor:
    """`ipndm` with weights for uneven steps."""
    return _walk(denoise, x, sigmas, on_step, _weigh_uneven)


def deis(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, on_step: OnStep) -> Tensor:
    """tAB-DEIS of order 3: noise predictions extrapolated as a polynomial in the time of a variance-preserving process."""
    return _walk(denoise, x, sigmas, on_step, _weigh_in_time)


def _walk(denoise: Denoise, x: Tensor, sigmas: Tensor, on_step: OnStep, weigh: Weigh) -> Tensor:
    require_falling(sigmas)
    slopes: list[Tensor] = []
    levels = sigmas.tolist()
    for index, sigma in enumerate(sigmas[:-1]):
        denoised = denoise(x, sigma)
        slopes = [slope(x, sigma, denoised), *slopes[:3]]
        if levels[index + 1] == 0:
            x = denoised
        else:
            x = x + sum(weight * known for weight, known in zip(weigh(levels, index), slopes, strict=False))
        on_step()
    return x


def require_falling(sigmas: Tensor) -> None:
    """Refuse schedules with equal neighbours, between which nothing can be interpolated.

    Raises:
        InvalidRequest: There are some.
    """
    if bool((sigmas[1:] == sigmas[:-1]).any()):
        raise InvalidRequest("steps", f"{len(sigmas) - 1}, some of them at the same noise level", "fewer steps for this sampler")


def _weigh_even(sigmas: Sequence[float], index: int) -> list[float]:
    step = sigmas[index + 1] - sigmas[index]
    return [step * weight for weight in _ADAMS_BASHFORTH[min(index, 3)]]


def _weigh_uneven(sigmas: Sequence[float], index: int) -> list[float]:
    """Newton's form: the newest slope, its change, the change of that, and so on, each with its share of the step.

    From the third order on, some factors are not those of the integral, but of the program that the name is known from: agreement
    of pictures goes before accuracy. For even steps the first three orders are the same.
    """
    order = min(index + 1, 4)
    h, *past = (sigmas[index + 1 - back] - sigmas[index - back] for back in range(order))
    weights = np.zeros(4)
    weights[0] = 1
    if order > 1:
        weights[:2] += h / (2 * past[0]) * np.array([1, -1])
    if order > 2:
        h_1, h_2 = past[:2]
        ratio = h_1 / h_2
        second = np.array([1, -1 - ratio, ratio, 0])
        weights += (1 - h / (3 * (h + h_1)) * (h * (h + h_1)) / (h_1 * (h_1 + h_2))) / 2 * second
    if order > 3:
        h_3 = past[2]
        product = h * (h + h_1) * (h + h_1 + h_2) / (h_1 * (h_1 + h_2) * (h_1 + h_2 + h_3))
        share = (1 - h / (3 * (h + h_1))) / 2 + (1 - h / (2 * (h + h_1))) * h / (6 * (h + h_1 + h_2))
        growth = h_1 * (h_1 + h_2) / (h_2 * (h_2 + h_3))
        weights += share * product * (second - growth * np.array([0, 1, -1 - h_2 / h_3, ratio]))
    return [float(h * weight) for weight in weights[:order]]


def _weigh_in_time(sigmas: Sequence[float], index: int) -> list[float]:
    """Integrals over sigma of the Lagrange polynomials through the times of the newest three slopes."""
    order = min(index + 1, 3)
    if order == 1:
        return [sigmas[index + 1] - sigmas[index]]
    nodes = [_time(sigmas[index - back]) for back in range(order)]
    end = _time(sigmas[index + 1])
    times = np.linspace(nodes[0], end, _QUADRATURE_POINTS)
    speed = _sigma_per_time(times) * (end - nodes[0]) / _QUADRATURE_POINTS
    weights = []
    for place, node in enumerate(nodes):
        others = nodes[:place] + nodes[place + 1 :]
        basis = np.prod([(times - other) / (node - other) for other in others], axis=0)
        weights.append(float((speed * basis).sum()))
    return weights


def _beta() -> tuple[float, float]:
    """(first, growth) of the linear beta(t) that reaches sigma 0.002 at time 0.001 and 80 at time 1."""
    low, high, first_time = math.log(0.002**2 + 1), math.log(80**2 + 1), 1e-3
    growth = 2 * (low / first_time - high) / (first_time - 1)
    return high - growth / 2, growth


_FIRST_BETA, _BETA_GROWTH = _beta()


def _time(sigma: float) -> float:
    """When the variance-preserving process is at `sigma`: Song et al., ICLR 2021, equation 33."""
    return (math.sqrt(_FIRST_BETA**2 + 2 * _BETA_GROWTH * math.log(sigma**2 + 1)) - _FIRST_BETA) / _BETA_GROWTH


def _sigma_per_time(times: np.ndarray) -> np.ndarray:
    grown = np.exp(_BETA_GROWTH * times**2 / 2 + _FIRST_BETA * times)
    return grown * (_BETA_GROWTH * times + _FIRST_BETA) / (2 * np.sqrt(grown - 1))


def gradient_estimation(
    denoise: Denoise,
    x: Tensor,
    sigmas: Tensor,
    noise: Noise,
    on_step: OnStep,
    *,
    last_uncond: LastUncond | None = None,
    gamma: float = 2.0,
) -> Tensor:
    """Permenter & Yuan, 2024, algorithm 2: Euler's method with slopes extrapolated from the last two.

    Args:
        last_uncond: For CFG++: the unguided slope renoises. The rest as for every sampler.
        gamma: 1 = Euler's method.
    """
    before: Tensor | None = None
    for sigma, sigma_next in zip(sigmas[:-1], sigmas[1:], strict=True):
        denoised = denoise(x, sigma)
        here = slope(x, sigma, denoised if last_uncond is None else last_uncond())
        if sigma_next == 0:
            x = denoised
        else:
            x = x + here * (sigma_next - sigma) if last_uncond is None else denoised + here * sigma_next
            if before is not None:
                x = x + (gamma - 1) * (here - before) * (sigma_next - sigma)
        before = here
        on_step()
    return x
