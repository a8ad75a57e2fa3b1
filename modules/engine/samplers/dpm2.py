"""The midpoint method in log sigma (Karras' "DPM-2"), plain and ancestral; linear multistep."""

from __future__ import annotations

import math

from numpy.polynomial import polynomial
from torch import Tensor

from modules.engine.samplers.stepping import Denoise, Noise, OnStep, add_churn, churn_gamma, slope, split_ancestral


def _midpoint_step(denoise: Denoise, x: Tensor, sigma: Tensor, target: Tensor) -> Tensor:
    """Karras et al., NeurIPS 2022, appendix, algorithm 3 in form: slope at the geometric mean; Euler where the step ends at 0."""
    first = slope(x, sigma, denoise(x, sigma))
    if target == 0:
        return x + first * (target - sigma)
    middle = sigma.log().lerp(target.log(), 0.5).exp()
    x_middle = x + first * (middle - sigma)
    return x + slope(x_middle, middle, denoise(x_middle, middle)) * (target - sigma)


def dpm_2(
    denoise: Denoise,
    x: Tensor,
    sigmas: Tensor,
    noise: Noise,
    on_step: OnStep,
    *,
    s_churn: float = 0.0,
    s_tmin: float = 0.0,
    s_tmax: float = 0.0,
    s_noise: float = 1.0,
) -> Tensor:
    """DPM-Solver-2 of Lu et al., "DPM-Solver", NeurIPS 2022, algorithm 1, with the churn of Karras et al., 2022."""
    for sigma, sigma_next in zip(sigmas[:-1], sigmas[1:], strict=True):
        gamma = churn_gamma(sigma, len(sigmas) - 1, s_churn, s_tmin, s_tmax)
        x, raised = add_churn(x, sigma, sigma_next, noise, gamma, s_noise)
        x = _midpoint_step(denoise, x, raised, sigma_next)
        on_step()
    return x


def dpm_2_ancestral(
    denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, on_step: OnStep, *, eta: float = 1.0, s_noise: float = 1.0
) -> Tensor:
    """`dpm_2` to an ancestral lower level, then noise."""
    for sigma, sigma_next in zip(sigmas[:-1], sigmas[1:], strict=True):
        down, up = split_ancestral(sigma, sigma_next, eta)
        x = _midpoint_step(denoise, x, sigma, down)
        if sigma_next > 0:
            x = x + noise(sigma, sigma_next) * s_noise * up
        on_step()
    return x


def lms(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, on_step: OnStep, *, ends_clean: bool = False) -> Tensor:
    """Adams-Bashforth of order 4 on uneven steps (Hairer, Norsett & Wanner, "Solving ODEs I", section III.5).

    Args:
        ends_clean: Take the clean latents themselves where a step ends at 0; the rest as for every sampler.
    """
    slopes: list[Tensor] = []
    for index, sigma in enumerate(sigmas[:-1]):
        denoised = denoise(x, sigma)
        if ends_clean and sigmas[index + 1] == 0:
            x = denoised
            on_step()
            continue
        slopes = [*slopes[-3:], slope(x, sigma, denoised)]
        order = len(slopes)
        nodes = sigmas[index - order + 1 : index + 1].flip(0)
        x = x + sum(_weight(nodes, back, float(sigmas[index + 1])) * slopes[-1 - back] for back in range(order))
        on_step()
    return x


def _weight(nodes: Tensor, back: int, end: float) -> float:
    """Integral from nodes[0] to `end` of the Lagrange polynomial that is 1 at nodes[back] and 0 at the others."""
    others = [index for index in range(len(nodes)) if index != back]
    scale = math.prod(float(nodes[back] - nodes[index]) for index in others)
    integral = polynomial.polyint(polynomial.polyfromroots([float(nodes[index]) for index in others]) / scale)
    low, high = polynomial.polyval([float(nodes[0]), end], integral)
    return float(high - low)
