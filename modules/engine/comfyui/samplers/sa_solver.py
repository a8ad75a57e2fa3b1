"""SA-Solver: Adams' predictor and corrector for the stochastic equation.

References:
    Xue et al., "SA-Solver: Stochastic Adams Solver for Fast Sampling of Diffusion Models", NeurIPS 2023 (algorithm 1; equations 14
    and 17). Data prediction, alpha = 1, lambda = -log sigma.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from modules.engine.comfyui.samplers.multistep import require_falling
from modules.engine.levels import NoiseLevels
from modules.engine.samplers.stepping import Denoise, Noise, OnStep, log_snr

_PREDICTOR_ORDER, _CORRECTOR_ORDER = 3, 4
_NOISY_FROM, _NOISY_TO = 0.2, 0.8
"""The part of the denoising in which noise is added, as shares of the timesteps."""


def sa_solver(
    denoise: Denoise,
    x: Tensor,
    sigmas: Tensor,
    noise: Noise,
    on_step: OnStep,
    *,
    alphas_cumprod: Tensor,
    eta: float = 1.0,
    s_noise: float = 1.0,
    is_evaluated_twice: bool = False,
) -> Tensor:
    """Predict the next latents from up to 3 predictions, correct them with the one made there (up to 4), go on.

    Args:
        alphas_cumprod: (T,) of the model: where noise is added is counted in its timesteps.
        eta: Tau of the paper inside that part, 0 outside.
        is_evaluated_twice: Ask the model again for the corrected latents (PECE). The rest as for every sampler.
    """
    require_falling(sigmas)
    lambdas, tau_of = log_snr(sigmas), _make_tau(alphas_cumprod, eta)
    steps, ends_clean = len(sigmas) - 1, bool(sigmas[-1] == 0)
    predicted, added = x, torch.zeros_like(x)
    known: list[Tensor] = []
    tau = 0.0
    for index in range(steps):
        denoised = denoise(predicted, sigmas[index])
        known = [*known[-(_CORRECTOR_ORDER - 1) :], denoised]
        is_last = bool(sigmas[index + 1] == 0)
        if index == 0 or (is_last and not is_evaluated_twice):
            x = predicted
        else:
            order = min(len(known), steps - index) if ends_clean else len(known)
            x = _adams(x, known[-order:], lambdas[index - order + 1 : index + 1], lambdas[index - 1], lambdas[index], tau) + added
            if is_evaluated_twice:
                denoised = known[-1] = denoise(x, sigmas[index])
        if is_last:
            predicted = denoised
        else:
            tau = tau_of(float(sigmas[index + 1]))
            order = min(_PREDICTOR_ORDER, len(known), steps - 1 - index if ends_clean else steps)
            h = lambdas[index + 1] - lambdas[index]
            predicted = _adams(x, known[-order:], lambdas[index - order + 1 : index + 1], lambdas[index], lambdas[index + 1], tau)
            if tau:
                share = (-2 * tau**2 * h).expm1().neg().sqrt()
                added = noise(sigmas[index], sigmas[index + 1]) * sigmas[index + 1] * share * s_noise
            else:
                added = torch.zeros_like(x)
            predicted = predicted + added
        on_step()
    return predicted


def _make_tau(alphas_cumprod: Tensor, eta: float) -> Callable[[float], float]:
    levels, last = NoiseLevels(alphas_cumprod.cpu()), len(alphas_cumprod) - 1
    first, end = (float(levels.sigma(torch.tensor((1 - share) * last))) for share in (_NOISY_FROM, _NOISY_TO))
    return lambda sigma: eta if first >= sigma >= end else 0.0


def _adams(x: Tensor, known: Sequence[Tensor], nodes: Tensor, start: Tensor, end: Tensor, tau: float) -> Tensor:
    """From lambda `start` to `end`, with the clean latents a polynomial through `known` at `nodes`; noise is not added."""
    h = end - start
    weights = _weights((nodes - end).double().tolist(), float(h), 1 + tau**2)
    clean = sum(weight * latents for weight, latents in zip(weights, known, strict=True))
    return (-h - tau**2 * h).exp() * x + clean


def _weights(nodes: Sequence[float], h: float, rate: float) -> list[float]:
    """For each node, the integral of rate * exp(rate * u) times its Lagrange polynomial over u from -h to 0.

    The integrals of the powers of u come by parts; the polynomials' are those that give the same for every power.
    """
    moments = [-float(np.expm1(-rate * h))]
    for power in range(1, len(nodes)):
        moments.append(-((-h) ** power) * float(np.exp(-rate * h)) - power / rate * moments[-1])
    weights: list[float] = np.linalg.solve(np.vander(nodes, increasing=True).T, moments).tolist()
    return weights
