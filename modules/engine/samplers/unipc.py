"""UniPC: a predictor and a corrector of any order that share their model calls.

References:
    Zhao et al., "UniPC: A Unified Predictor-Corrector Framework for Fast Sampling of Diffusion Models", NeurIPS 2023
    (algorithms 5 to 8, data prediction; appendix for varying coefficients).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from modules.base.errors import InvalidRequest
from modules.engine.samplers.stepping import Denoise, Noise, OnStep

Predict = Callable[[Tensor, float], Tensor]
"""(x, time) -> clean latents."""


class _Curve:
    """A trained noise schedule as a function of continuous time in (0, 1], piecewise linear in log alpha."""

    def __init__(self, alphas_cumprod: Tensor) -> None:
        self.log_alphas = 0.5 * np.log(alphas_cumprod.double().numpy())
        self.count = len(self.log_alphas)
        self.times = np.arange(1, self.count + 1) / self.count

    def log_alpha(self, time: float) -> float:
        return float(np.interp(time, self.times, self.log_alphas))

    def alpha(self, time: float) -> float:
        return math.exp(self.log_alpha(time))

    def sigma(self, time: float) -> float:
        return math.sqrt(1 - math.exp(2 * self.log_alpha(time)))

    def log_snr(self, time: float) -> float:
        """Half the log of the signal-to-noise ratio: lambda."""
        return self.log_alpha(time) - math.log(self.sigma(time))

    def time(self, log_snr: float) -> float:
        """Inverse of `log_snr`."""
        log_alpha = -0.5 * float(np.logaddexp(0.0, -2.0 * log_snr))
        return float(np.interp(log_alpha, self.log_alphas[::-1], self.times[::-1]))


@dataclass(frozen=True)
class _Known:
    """The model's prediction at a time already passed."""

    time: float
    clean: Tensor


def unipc(
    denoise: Denoise,
    x: Tensor,
    timesteps: Tensor,
    noise: Noise,
    on_step: OnStep,
    *,
    alphas_cumprod: Tensor,
    variant: str = "bh1",
    skip_type: str = "time_uniform",
    order: int = 3,
    lower_order_final: bool = True,
) -> Tensor:
    """Sample from the last of `timesteps` down to time 1/T in as many steps as there are timesteps.

    Args:
        denoise: (x, fractional timestep) -> noise.
        x: Noised latents.
        timesteps: Increasing; only their number and the last one matter.
        noise: Not used.
        on_step: Called after each step.
        alphas_cumprod: (T,) float32.
        variant: "bh1", "bh2" (B(h) = h or e^h - 1, section 3.3), or "vary_coeff".
        skip_type: Steps even in "time_uniform", "time_quadratic" or "logSNR".
        order: Of the predictor, 1 or more.
        lower_order_final: Reduce the order at the end.

    Raises:
        InvalidRequest: Fewer steps than `order`.
    """
    curve, steps = _Curve(alphas_cumprod), len(timesteps)
    if steps < order:
        raise InvalidRequest("steps", steps, f"{order} or more steps at this denoising strength for UniPC of order {order}")

    def predict(x: Tensor, time: float) -> Tensor:
        predicted = denoise(x, (time - 1 / curve.count) * curve.count)
        return (x - curve.sigma(time) * predicted) / curve.alpha(time)

    times = _spread(curve, skip_type, float(timesteps[-1]) / curve.count + 1 / curve.count, steps)
    known = [_Known(times[0], predict(x, times[0]))]
    for step in range(1, steps + 1):
        step_order = min(step, order, steps + 1 - step) if lower_order_final and step >= order else min(step, order)
        x, clean = _update(curve, predict, x, known[-step_order:], times[step], variant, is_corrected=step < steps)
        if clean is not None:
            known = [*known[-(order - 1) :], _Known(times[step], clean)] if order > 1 else [_Known(times[step], clean)]
        on_step()
    return x


def _spread(curve: _Curve, skip_type: str, start: float, steps: int) -> list[float]:
    end = 1 / curve.count
    if skip_type == "logSNR":
        return [curve.time(value) for value in np.linspace(curve.log_snr(start), curve.log_snr(end), steps + 1)]
    power = 2 if skip_type == "time_quadratic" else 1
    return [float(value) ** power for value in np.linspace(start ** (1 / power), end ** (1 / power), steps + 1)]


def _update(
    curve: _Curve, predict: Predict, x: Tensor, known: list[_Known], time: float, variant: str, is_corrected: bool
) -> tuple[Tensor, Tensor | None]:
    """One step to `time`, its order the number of `known` predictions (oldest first); also the new prediction, if there is one."""
    base = known[-1]
    h = curve.log_snr(time) - curve.log_snr(base.time)
    ratios = [(curve.log_snr(old.time) - curve.log_snr(base.time)) / h for old in known[-2::-1]]
    differences = [(old.clean - base.clean) / ratio for old, ratio in zip(known[-2::-1], ratios, strict=True)]
    weigh = _varying_weights if variant == "vary_coeff" else _bh_weights
    alpha = curve.alpha(time)
    plain = curve.sigma(time) / curve.sigma(base.time) * x - alpha * math.expm1(-h) * base.clean

    predicted = plain
    if differences:
        predicted = plain - alpha * _weighted_sum(weigh(ratios, h, variant, False), differences)
    if not is_corrected:
        return predicted, None
    clean = predict(predicted, time)
    return plain - alpha * _weighted_sum(weigh([*ratios, 1.0], h, variant, True), [*differences, clean - base.clean]), clean


def _weighted_sum(weights: list[float], tensors: list[Tensor]) -> Tensor:
    return torch.stack([weight * tensor for weight, tensor in zip(weights, tensors, strict=True)]).sum(0)


def _phi(h: float, count: int) -> list[float]:
    """h phi_1(h), h phi_2(h), ... (Hochbruck & Ostermann, Acta Numerica 2010, equation 2.11), with h phi_1 = e^h - 1."""
    values, factorial = [math.expm1(h)], 1
    for index in range(1, count):
        factorial *= index
        values.append(values[-1] / h - 1 / factorial)
    return values


def _bh_weights(ratios: list[float], h: float, variant: str, is_corrector: bool) -> list[float]:
    """Theorem 3.1: solve the moment equations; order 1 corrector and order 2 predictor have the fixed weight 1/2."""
    scale = -h if variant == "bh1" else math.expm1(-h)
    if len(ratios) == 1:
        return [0.5 * scale]
    moments = [phi * math.factorial(index) for index, phi in enumerate(_phi(-h, len(ratios) + 1)[1:], start=1)]
    matrix = np.array([[ratio**power for ratio in ratios] for power in range(len(ratios))])
    return [float(weight) for weight in np.linalg.solve(matrix, np.array(moments))]


def _varying_weights(ratios: list[float], h: float, variant: str, is_corrector: bool) -> list[float]:
    """The coefficients that depend on the step through phi functions (appendix, "UniPC with varying coefficients")."""
    count = len(ratios)
    matrix = np.array([[ratio**power / math.factorial(power + 1) for power in range(count)] for ratio in ratios])
    inverse, phis = np.linalg.inv(matrix), _phi(-h, count + 1)[1:]
    weights = [sum(phi * inverse[row][column] for row, phi in enumerate(phis)) for column in range(count)]
    if is_corrector:
        # The newest difference enters with the last phi and the last complete row alone.
        weights[-1] = phis[count - 1] * inverse[max(count - 2, 0)][-1]
        for column in range(count - 1):
            weights[column] = sum(phis[row] * inverse[row][column] for row in range(count - 1))
    return [float(weight) for weight in weights]
