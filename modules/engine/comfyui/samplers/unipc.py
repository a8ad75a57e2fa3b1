"""UniPC over noise levels."""

from __future__ import annotations

import torch
from torch import Tensor

from modules.engine.samplers.stepping import Denoise, Noise, OnStep
from modules.engine.samplers.unipc import walk

_LOWEST = 0.001
"""Where the walk ends in place of 0, whose log does not exist."""


class SigmaCurve:
    """Alpha, noise and log signal-to-noise ratio of latents of unit variance, with sigma for time.

    All go through log alpha in float32, as ComfyUI has them: at the lowest sigma its rounding shows.
    """

    def log_alpha(self, time: Tensor) -> Tensor:
        return 0.5 * (1 / (time**2 + 1)).log()

    def alpha(self, time: Tensor) -> Tensor:
        return self.log_alpha(time).exp()

    def sigma(self, time: Tensor) -> Tensor:
        return (1 - (2 * self.log_alpha(time)).exp()).sqrt()

    def log_snr(self, time: Tensor) -> Tensor:
        return self.log_alpha(time) - self.sigma(time).log()


def uni_pc(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, on_step: OnStep, *, variant: str = "bh1") -> Tensor:
    """UniPC of order 3 at most (`engine.samplers.unipc`), on latents scaled to unit variance.

    Args:
        variant: "bh1" or "bh2"; the rest as for every sampler.
    """
    curve, times = SigmaCurve(), list(sigmas)
    if times[-1] == 0:
        times[-1] = torch.full_like(times[-1], _LOWEST)

    def predict(scaled: Tensor, time: Tensor) -> Tensor:
        return denoise(scaled / curve.alpha(time), time)

    order = min(3, len(times) - 2)
    if order == 0:
        # A quirk of ComfyUI's: one step is of order 0, which moves nothing.
        predict(x * curve.alpha(times[0]), times[0])
        on_step()
        return x * curve.alpha(times[0]) / curve.alpha(times[-1])
    return walk(curve, predict, x * curve.alpha(times[0]), times, on_step, variant, order) / curve.alpha(times[-1])
