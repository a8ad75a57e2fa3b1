"""UniPC: a predictor and a corrector of any order that share their model calls.

References:
    Zhao et al., "UniPC: A Unified Predictor-Corrector Framework for Fast Sampling of Diffusion Models", NeurIPS 2023
    (algorithms 5 to 8, data prediction; appendix for varying coefficients).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from modules.base.errors import InvalidRequest
from modules.engine.samplers.stepping import Denoise, Noise, OnStep

Predict = Callable[[Tensor, Tensor], Tensor]
"""(x, time) -> clean latents."""


class Curve(Protocol):
    """A noise schedule as a function of time."""

    def alpha(self, time: Tensor) -> Tensor: ...

    def sigma(self, time: Tensor) -> Tensor: ...

    def log_snr(self, time: Tensor) -> Tensor:
        """Half the log of the signal-to-noise ratio: lambda."""
        ...


class _Curve:
    """A trained noise schedule as a function of continuous time in (0, 1], piecewise linear in log alpha.

    Times and everything computed from them are float32 scalars: A1111's pictures show their rounding, for the model is asked for
    timesteps computed from them.
    """

    def __init__(self, alphas_cumprod: Tensor) -> None:
        self.log_alphas = 0.5 * torch.log(alphas_cumprod.cpu())
        self.count = len(self.log_alphas)
        self.times = torch.linspace(0, 1, self.count + 1)[1:]

    def log_alpha(self, time: Tensor) -> Tensor:
        return _interpolate(time, self.times, self.log_alphas)

    def alpha(self, time: Tensor) -> Tensor:
        return self.log_alpha(time).exp()

    def sigma(self, time: Tensor) -> Tensor:
        return (1 - (2 * self.log_alpha(time)).exp()).sqrt()

    def log_snr(self, time: Tensor) -> Tensor:
        """Half the log of the signal-to-noise ratio: lambda."""
        log_alpha = self.log_alpha(time)
        return log_alpha - 0.5 * torch.log(1 - (2 * log_alpha).exp())

    def time(self, log_snr: Tensor) -> Tensor:
        """Inverse of `log_snr`."""
        log_alpha = -0.5 * torch.logaddexp(torch.zeros(()), -2 * log_snr)
        return _interpolate(log_alpha, self.log_alphas.flip(0), self.times.flip(0))


def _interpolate(x: Tensor, places: Tensor, values: Tensor) -> Tensor:
    """Piecewise linear through (places, values), `places` increasing; beyond the ends the outermost pieces go on."""
    low = int(torch.searchsorted(places, x.to(places.dtype)).clamp(1, len(places) - 1)) - 1
    rise = values[low + 1] - values[low]
    return values[low] + (x - places[low]) * rise / (places[low + 1] - places[low])


@dataclass(frozen=True)
class _Known:
    """The model's prediction at a time already passed."""

    time: Tensor
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
        raise InvalidRequest("steps", f"{steps} left at this denoising strength", f"{order} or more for UniPC of order {order}")

    def predict(x: Tensor, time: Tensor) -> Tensor:
        predicted = denoise(x, (time - 1 / curve.count) * curve.count)
        return (x - curve.sigma(time) * predicted) / curve.alpha(time)

    times = _spread(curve, skip_type, timesteps[-1].cpu() / curve.count + 1 / curve.count, steps)
    return walk(curve, predict, x, times, on_step, variant, order, lower_order_final)


def walk(
    curve: Curve,
    predict: Predict,
    x: Tensor,
    times: list[Tensor],
    on_step: OnStep,
    variant: str,
    order: int,
    lower_order_final: bool = True,
) -> Tensor:
    """From the first of `times` to the last, one model call a step: none after the last.

    Args:
        curve: The noise schedule.
        predict: (x, time) -> clean latents.
        x: Latents at the first time.
        times: One more than there are steps.
        on_step: Called after each step.
        variant, order, lower_order_final: See `unipc`.
    """
    steps = len(times) - 1
    known = [_Known(times[0], predict(x, times[0]))]
    for step in range(1, steps + 1):
        step_order = min(step, order, steps + 1 - step) if lower_order_final and step >= order else min(step, order)
        x, clean = _update(curve, predict, x, known[-step_order:], times[step], variant, is_corrected=step < steps)
        if clean is not None:
            known = [*known[-(order - 1) :], _Known(times[step], clean)] if order > 1 else [_Known(times[step], clean)]
        on_step()
    return x


def _spread(curve: _Curve, skip_type: str, start: Tensor, steps: int) -> list[Tensor]:
    end = torch.tensor(1 / curve.count)
    if skip_type == "logSNR":
        places = torch.linspace(curve.log_snr(start).item(), curve.log_snr(end).item(), steps + 1)
        return [curve.time(place) for place in places]
    power = 2 if skip_type == "time_quadratic" else 1
    return list(torch.linspace((start ** (1 / power)).item(), (1 / curve.count) ** (1 / power), steps + 1) ** power)


def _update(
    curve: Curve, predict: Predict, x: Tensor, known: list[_Known], time: Tensor, variant: str, is_corrected: bool
) -> tuple[Tensor, Tensor | None]:
    """One step to `time`, its order the number of `known` predictions (oldest first); also the new prediction, if there is one."""
    base = known[-1]
    h = curve.log_snr(time) - curve.log_snr(base.time)
    ratios = [(curve.log_snr(old.time) - curve.log_snr(base.time)) / h for old in known[-2::-1]]
    differences = [(old.clean - base.clean) / ratio for old, ratio in zip(known[-2::-1], ratios, strict=True)]
    terms = _varying_terms if variant == "vary_coeff" else _bh_terms
    alpha = curve.alpha(time)
    plain = curve.sigma(time) / curve.sigma(base.time) * x - alpha * (-h).expm1() * base.clean

    predicted = plain
    for factor, direction in terms(ratios, h, variant, differences, None):
        predicted = predicted - alpha * factor * direction
    if not is_corrected:
        return predicted, None
    clean = predict(predicted, time)
    corrected = plain
    for factor, direction in terms([*ratios, torch.ones(())], h, variant, differences, clean - base.clean):
        corrected = corrected - alpha * factor * direction
    return corrected, clean


Terms = list[tuple[Tensor, Tensor]]
"""(factor, latents) to be subtracted, times alpha."""


def _phi(h: Tensor, count: int) -> list[Tensor]:
    """h phi_2(h), h phi_3(h), ... (Hochbruck & Ostermann, Acta Numerica 2010, equation 2.11), with h phi_1 = e^h - 1."""
    values, factorial = [h.expm1() / h - 1], 1
    for index in range(2, count + 1):
        factorial *= index
        values.append(values[-1] / h - 1 / factorial)
    return values


def _weigh(weights: Tensor, differences: list[Tensor]) -> Tensor:
    stacked = torch.stack(differences, dim=1)
    return torch.einsum("k,bkchw->bchw", weights.to(stacked), stacked)


def _bh_terms(ratios: list[Tensor], h: Tensor, variant: str, differences: list[Tensor], newest: Tensor | None) -> Terms:
    """Theorem 3.1: solve the moment equations; order 1 corrector and order 2 predictor have the fixed weight 1/2."""
    if not ratios:
        return []
    scale = -h if variant == "bh1" else (-h).expm1()
    weights = torch.tensor([0.5])
    if len(ratios) > 1:
        places, factorial, moments = torch.stack(ratios), 1, []
        for index, phi in enumerate(_phi(-h, len(ratios)), start=1):
            moments.append(phi * factorial / scale)
            factorial *= index + 1
        matrix = torch.stack([places**power for power in range(len(ratios))])
        weights = torch.linalg.solve(matrix, torch.stack(moments))
    total = _weigh(weights[: len(differences)], differences) if differences else torch.zeros(())
    return [(scale, total if newest is None else total + weights[-1] * newest)]


def _varying_terms(ratios: list[Tensor], h: Tensor, variant: str, differences: list[Tensor], newest: Tensor | None) -> Terms:
    """The coefficients that depend on the step through phi functions (appendix, "UniPC with varying coefficients")."""
    count = len(ratios)
    if not count:
        return []
    columns = [torch.ones(count)]
    for power in range(2, count + 1):
        columns.append(columns[-1] * torch.stack(ratios) / power)
    inverse, phis = torch.linalg.inv(torch.stack(columns, dim=1)), _phi(-h, count)
    known = len(differences)
    terms = [(phi, _weigh(row[:known], differences)) for phi, row in zip(phis[:known], inverse[:known], strict=True)]
    if newest is not None:
        # The newest difference enters with the last phi and the last complete row alone.
        terms.append((phis[-1], newest * inverse[max(count - 2, 0), -1]))
    return terms
