"""A small nonlinear denoiser and a noise sequence in closed form, for comparing samplers with other implementations of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from modules.engine.levels import NoiseLevels
from modules.engine.schedules import SCHEDULERS, SigmaOptions, make_sigmas
from tests.unit.engine.gaussian import GaussianModel

SHAPE = (1, 1, 2, 3)
PATTERN = torch.linspace(-1.0, 1.0, 6).reshape(SHAPE)
LEVELS = NoiseLevels(GaussianModel().alphas_cumprod)

SCHEDULES: dict[str, tuple[str, int, int]] = {"karras": ("Karras", 7, 0), "half": ("Normal", 12, 5), "kl": ("KL Optimal", 5, 0)}
"""Name -> scheduler, steps, first level that is used."""
CHURN: list[dict[str, Any]] = [{}, {"s_churn": 4.0, "s_tmin": 0.2, "s_tmax": 8.0, "s_noise": 1.05}, {"s_churn": 30.0}]
ETA: list[dict[str, Any]] = [{}, {"eta": 0.0}, {"eta": 0.6, "s_noise": 1.1}]
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "Euler": CHURN,
    "Heun": CHURN,
    "DPM2": CHURN,
    "Euler a": ETA,
    "DPM2 a": ETA,
    "DPM++ 2S a": ETA,
    "DPM++ SDE": ETA,
    "DPM++ 2M SDE": ETA,
    "DPM++ 2M SDE Heun": [{"solver_type": "heun", **variant} for variant in ETA],
    "DPM++ 3M SDE": ETA,
    "DPM++ 2M": [{}],
    "LMS": [{}],
    "DPM fast": ETA,
    "DPM adaptive": ETA,
}
"""Sampler -> arguments; those that are left out have the sampler's own values (`eta` 1)."""


def toy_denoise(x: Tensor, sigma: Tensor | float) -> Tensor:
    """Bounded, and steep enough that a wrong step shows."""
    level = torch.as_tensor(sigma).reshape(-1)[:1].reshape(1, 1, 1, 1)
    scale = 1 / (level * level + 1) ** 0.5
    return torch.tanh(1.5 * x * scale + PATTERN) * (0.7 + 0.3 * scale) + PATTERN * level / (1 + level)


def toy_noise() -> Callable[..., Tensor]:
    """A function whose k-th call (0 first) gives sqrt(2) sin(7 k + 3 i + 1) at element i, whatever it is given."""
    calls = [0]

    def draw(*_: object) -> Tensor:
        values = torch.sin(7.0 * calls[0] + 3.0 * torch.arange(6.0) + 1.0) * 2**0.5
        calls[0] += 1
        return values.reshape(SHAPE)

    return draw


def toy_sigmas(name: str) -> Tensor:
    scheduler, steps, first = SCHEDULES[name]
    return make_sigmas(SCHEDULERS.get(scheduler), steps, LEVELS, SigmaOptions())[first:]


def toy_start(sigmas: Tensor) -> Tensor:
    return 0.5 * PATTERN + toy_noise()() * sigmas[0]
