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
from modules.engine.samplers.stepping import Denoise, Noise, OnStep, level, log_snr, slope, split_ancestral

Predict = Callable[[Tensor, Tensor], Tensor]
"""(x, lambda) -> noise."""

_RELATIVE, _ABSOLUTE = 0.05, 0.0078
_FIRST_STEP, _ACCEPT = 0.05, 0.81


def dpm_fast(
    denoise: Denoise,
    x: Tensor,
    sigmas: Tensor,
    noise: Noise,
    on_step: OnStep,
    *,
    eta: float = 1.0,
    s_noise: float = 1.0,
    ends_clean: bool = True,
) -> Tensor:
    """DPM-Solver-fast (appendix D.5): third-order steps, evenly in lambda, for one model call an entry of `sigmas`.

    Args:
        ends_clean: The last sigma is taken for 0, whatever it is: the one before it is where the steps end.

    Raises:
        InvalidRequest: Fewer than two steps, with an `eta` above 0.
    """
    predict = _noise_prediction(denoise)
    start, end, calls = _ends(sigmas, eta, ends_clean)
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
        x = x + up * s_noise * noise(level(time), level(time_next))
        on_step()
    return x


def dpm_adaptive(
    denoise: Denoise,
    x: Tensor,
    sigmas: Tensor,
    noise: Noise,
    on_step: OnStep,
    *,
    eta: float = 1.0,
    s_noise: float = 1.0,
    ends_clean: bool = True,
) -> Tensor:
    """DPM-Solver-12/23 with adaptive steps (appendix C, algorithm 3), orders 2 and 3; only the ends of `sigmas` matter.

    Args:
        ends_clean: See `dpm_fast`.

    Raises:
        InvalidRequest: Fewer than two steps, with an `eta` above 0.
    """
    predict = _noise_prediction(denoise)
    time, end, _ = _ends(sigmas, eta, ends_clean)
    h, x_previous = _FIRST_STEP, x
    while time < end - 1e-5:
        time_next = torch.minimum(end, time + h)
        target, up = _split(time, time_next, end, eta)
        first = predict(x, time)
        low, middle = _second_order(predict, x, first, time, target, 1 / 3)
        high = _third_order(predict, x, first, middle, time, target)
        tolerance = torch.maximum(torch.tensor(_ABSOLUTE), _RELATIVE * torch.maximum(low.abs(), x_previous.abs()))
        error = float(torch.linalg.norm((low - high) / tolerance) / x.numel() ** 0.5)
        factor = 1 + math.atan((1 / (error + 1e-8)) ** (1 / (1.5 if eta else 3)) - 1)
        if factor >= _ACCEPT:
            x_previous = low
            x = high + up * s_noise * noise(level(time), level(time_next))
            time = time_next
            on_step()
        h *= factor
    return x


def _ends(sigmas: Tensor, eta: float, ends_clean: bool) -> tuple[Tensor, Tensor, int]:
    """Lambda of the first sigma and of the one where the steps end, and the number of steps; of one step down to 0 the two are the same."""
    last = sigmas[-2] if ends_clean or sigmas[-1] == 0 else sigmas[-1]
    start, end, steps = log_snr(sigmas[0]), log_snr(last), len(sigmas) - 1
    if eta and not end > start:
        raise InvalidRequest("steps", f"{steps} left at this denoising strength", "2 or more for this sampler, or eta 0")
    return start, end, steps


def _at(time: Tensor, target: Tensor, share: float) -> Tensor:
    return time + share * (target - time)


def _noise_prediction(denoise: Denoise) -> Predict:
    return lambda x, time: slope(x, level(time), denoise(x, level(time)))


def _split(time: Tensor, time_next: Tensor, end: Tensor, eta: float) -> tuple[Tensor, Tensor]:
    """The lambda to solve down to, and the noise to add, to be at `time_next`."""
    if not eta:
        return time_next, torch.zeros(())
    down, _ = split_ancestral(level(time), level(time_next), eta)
    target = torch.minimum(end, log_snr(down))
    return target, (level(time_next) ** 2 - level(target) ** 2) ** 0.5


def _first_order(x: Tensor, first: Tensor, time: Tensor, target: Tensor) -> Tensor:
    return x - level(target) * (target - time).expm1() * first


def _inner(x: Tensor, first: Tensor, time: Tensor, target: Tensor, share: float) -> Tensor:
    return x - level(_at(time, target, share)) * (share * (target - time)).expm1() * first


def _second_order(predict: Predict, x: Tensor, first: Tensor, time: Tensor, target: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Algorithm 1; also gives the prediction at the intermediate point."""
    middle = predict(_inner(x, first, time, target, share), _at(time, target, share))
    gain = level(target) / (2 * share) * (target - time).expm1()
    return _first_order(x, first, time, target) - gain * (middle - first), middle


def _third_order(predict: Predict, x: Tensor, first: Tensor, middle: Tensor, time: Tensor, target: Tensor) -> Tensor:
    """Algorithm 2 with r = 1/3 and 2/3; `middle` is the prediction at 1/3."""
    near, far = 1 / 3, 2 / 3
    h = target - time
    later, inner_h = _at(time, target, far), far * h
    x_later = _inner(x, first, time, target, far) - level(later) * (far / near) * (inner_h.expm1() / inner_h - 1) * (middle - first)
    difference = predict(x_later, later) - first
    return _first_order(x, first, time, target) - level(target) / far * (h.expm1() / h - 1) * difference
