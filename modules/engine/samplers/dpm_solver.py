"""DPM-Solver in noise prediction, with a fixed budget of model calls or with a step size that adapts.

References:
    Lu et al., "DPM-Solver: A Fast ODE Solver for Diffusion Probabilistic Model Sampling in Around 10 Steps", NeurIPS 2022
    (algorithms 1, 2; appendices C and D.5). Here alpha = 1 and lambda = -log sigma.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from modules.base.errors import InvalidRequest
from modules.engine.samplers.stepping import Denoise, Noise, OnStep, slope, split_ancestral

Predict = Callable[[Tensor, Tensor], Tensor]
"""(x, lambda) -> noise."""

_RELATIVE, _ABSOLUTE = 0.05, 0.0078
_FIRST_STEP, _ACCEPT = 0.05, 0.81


def dpm_fast(
    denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, on_step: OnStep, *, eta: float = 1.0, s_noise: float = 1.0
) -> Tensor:
    """DPM-Solver-fast (appendix D.5): third-order steps, evenly in lambda, for one model call an entry of `sigmas`.

    Raises:
        InvalidRequest: Fewer than two steps.
    """
    predict = _noise_prediction(denoise)
    start, end, calls = _ends(sigmas)
    count = calls // 3 + 1
    orders = [3] * (count - 2) + [2, 1] if calls % 3 == 0 else [3] * (count - 1) + [calls % 3]
    times = torch.linspace(float(start), float(end), count + 1)
    for order, time, time_next in zip(orders, times[:-1], times[1:], strict=True):
        target, up = _split(time, time_next, end, eta)
        first = predict(x, time)
        if order == 1:
            x = _first_order(x, first, time, target)
        elif order == 2:
            x, _ = _second_order(predict, x, first, time, target, 1 / 2)
        else:
            middle = predict(_inner(x, first, time, target, 1 / 3), _at(time, target, 1 / 3))
            x = _third_order(predict, x, first, middle, time, target)
        x = x + up * s_noise * noise(_sigma(time), _sigma(time_next))
        on_step()
    return x


def dpm_adaptive(
    denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, on_step: OnStep, *, eta: float = 1.0, s_noise: float = 1.0
) -> Tensor:
    """DPM-Solver-12/23 with adaptive steps (appendix C, algorithm 3), orders 2 and 3; only the ends of `sigmas` matter.

    Raises:
        InvalidRequest: Fewer than two steps.
    """
    predict = _noise_prediction(denoise)
    time, end, _ = _ends(sigmas)
    h, x_previous = _FIRST_STEP, x
    while time < end - 1e-5:
        time_next = torch.minimum(end, time + h)
        target, up = _split(time, time_next, end, eta)
        first = predict(x, time)
        low, middle = _second_order(predict, x, first, time, target, 1 / 3)
        high = _third_order(predict, x, first, middle, time, target)
        tolerance = torch.maximum(torch.tensor(_ABSOLUTE), _RELATIVE * torch.maximum(low.abs(), x_previous.abs()))
        error = float(torch.linalg.norm((low - high) / tolerance)) / x.numel() ** 0.5
        factor = 1 + math.atan((1 / (error + 1e-8)) ** (1 / (1.5 if eta else 3)) - 1)
        if factor >= _ACCEPT:
            x_previous = low
            x = high + up * s_noise * noise(_sigma(time), _sigma(time_next))
            time = time_next
            on_step()
        h *= factor
    return x


def _ends(sigmas: Tensor) -> tuple[Tensor, Tensor, int]:
    """Lambda of the first sigma and of the last but one, and the number of steps."""
    if len(sigmas) < 3:
        raise InvalidRequest("steps", len(sigmas) - 1, "2 or more steps at this denoising strength for this sampler")
    return -sigmas[0].log(), -sigmas[-2].log(), len(sigmas) - 1


def _sigma(time: Tensor) -> Tensor:
    return (-time).exp()


def _at(time: Tensor, target: Tensor, share: float) -> Tensor:
    return time + share * (target - time)


def _noise_prediction(denoise: Denoise) -> Predict:
    return lambda x, time: slope(x, _sigma(time), denoise(x, _sigma(time)))


def _split(time: Tensor, time_next: Tensor, end: Tensor, eta: float) -> tuple[Tensor, Tensor]:
    """The lambda to solve down to, and the noise to add, to be at `time_next`."""
    if not eta:
        return time_next, torch.zeros(())
    down, _ = split_ancestral(_sigma(time), _sigma(time_next), eta)
    target = torch.minimum(end, -down.log())
    return target, (_sigma(time_next) ** 2 - _sigma(target) ** 2) ** 0.5


def _first_order(x: Tensor, first: Tensor, time: Tensor, target: Tensor) -> Tensor:
    return x - _sigma(target) * (target - time).expm1() * first


def _inner(x: Tensor, first: Tensor, time: Tensor, target: Tensor, share: float) -> Tensor:
    return _first_order(x, first, time, _at(time, target, share))


def _second_order(predict: Predict, x: Tensor, first: Tensor, time: Tensor, target: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Algorithm 1; also gives the prediction at the intermediate point."""
    middle = predict(_inner(x, first, time, target, share), _at(time, target, share))
    gain = _sigma(target) * (target - time).expm1()
    return x - gain * first - gain / (2 * share) * (middle - first), middle


def _third_order(predict: Predict, x: Tensor, first: Tensor, middle: Tensor, time: Tensor, target: Tensor) -> Tensor:
    """Algorithm 2 with r = 1/3 and 2/3; `middle` is the prediction at 1/3."""
    h = target - time
    later, inner_h = _at(time, target, 2 / 3), 2 / 3 * h
    x_later = _inner(x, first, time, target, 2 / 3)
    x_later = x_later - _sigma(later) * 2 * (inner_h.expm1() / inner_h - 1) * (middle - first)
    difference = predict(x_later, later) - first
    return _first_order(x, first, time, target) - _sigma(target) * 1.5 * (h.expm1() / h - 1) * difference
