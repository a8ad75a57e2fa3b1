"""SEEDS: exponential integrators for the stochastic equation, with two or three model calls a step, in data prediction.

References:
    Gonzalez et al., "SEEDS: Exponential SDE Solvers for Fast High-Quality Sampling from Diffusion Models", NeurIPS 2023
    (algorithms 2 and 3). Here alpha = 1, lambda = -log sigma, and eta 0 leaves the ordinary equation.
"""

from __future__ import annotations

import torch
from torch import Tensor

from modules.engine.samplers.stepping import Denoise, Noise, OnStep, level, log_snr


def _phi_1(h: Tensor) -> Tensor:
    """1 - exp(-h): weight of clean latents that are held over a step of h."""
    return -(-h).expm1()


def _phi_2(h: Tensor) -> Tensor:
    """Weight of their change over the step."""
    return (-h).expm1() / h + 1


class _Step:
    """One step from `sigma` to `sigma_next`: places on its way, and the noise that has been added on it.

    Noise of a place is that of the place before it, faded, and a fresh draw.
    """

    def __init__(self, sigma: Tensor, sigma_next: Tensor, noise: Noise, eta: float, s_noise: float) -> None:
        self.sigma, self.sigma_next, self._noise, self.eta, self.s_noise = sigma, sigma_next, noise, eta, s_noise
        self.start = log_snr(sigma)
        self.h = log_snr(sigma_next) - self.start
        self._reached = (0.0, sigma)
        self._added: Tensor | float = 0.0

    def sigma_at(self, share: float) -> Tensor:
        return self.sigma_next if share == 1 else level(torch.lerp(self.start, self.start + self.h, share))

    def spread(self, share: float) -> Tensor:
        """h of the way to `share`, as the clean latents count it."""
        return share * self.h * (self.eta + 1)

    def go_to(self, share: float, x: Tensor, clean: Tensor) -> Tensor:
        """`x` of the start of the step at `share` of it; `clean` is what clean latents add, weights included."""
        there = self.sigma_at(share)
        x = there / self.sigma * (-share * self.h * self.eta).exp() * x + clean
        if not self.eta:
            return x
        before, from_sigma = self._reached
        segment = (before - share) * self.h * self.eta
        self._added = self._added * segment.exp() + (2 * segment).expm1().neg().sqrt() * self._noise(from_sigma, there)
        self._reached = share, there
        return x + self._added * there * self.s_noise


def seeds_2(
    denoise: Denoise,
    x: Tensor,
    sigmas: Tensor,
    noise: Noise,
    on_step: OnStep,
    *,
    eta: float = 1.0,
    s_noise: float = 1.0,
    r: float = 0.5,
    solver_type: str = "phi_1",
) -> Tensor:
    """SEEDS-2.

    Args:
        r: Where in the step the second model call is: 1 = at its end (an exponential Heun's method).
        solver_type: "phi_1" holds one mixture of both predictions, "phi_2" moves between them; the rest as for every sampler.
    """
    for sigma, sigma_next in zip(sigmas[:-1], sigmas[1:], strict=True):
        denoised = denoise(x, sigma)
        if sigma_next == 0:
            x = denoised
            on_step()
            continue
        step = _Step(sigma, sigma_next, noise, eta, s_noise)
        x_middle = step.go_to(r, x, _phi_1(step.spread(r)) * denoised)
        change = denoise(x_middle, step.sigma_at(r)) - denoised
        whole = step.spread(1)
        if solver_type == "phi_1":
            clean = _phi_1(whole) * (denoised + change / (2 * r))
        else:
            clean = _phi_1(whole) * denoised + _phi_2(whole) / r * change
        x = step.go_to(1, x, clean)
        on_step()
    return x


def seeds_3(
    denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, on_step: OnStep, *, eta: float = 1.0, s_noise: float = 1.0
) -> Tensor:
    """SEEDS-3, with model calls at the start, at a third, and at two thirds of a step."""
    near, far = 1 / 3, 2 / 3
    for sigma, sigma_next in zip(sigmas[:-1], sigmas[1:], strict=True):
        denoised = denoise(x, sigma)
        if sigma_next == 0:
            x = denoised
            on_step()
            continue
        step = _Step(sigma, sigma_next, noise, eta, s_noise)
        x_near = step.go_to(near, x, _phi_1(step.spread(near)) * denoised)
        change = denoise(x_near, step.sigma_at(near)) - denoised
        x_far = step.go_to(far, x, _phi_1(step.spread(far)) * denoised + far / near * _phi_2(step.spread(far)) * change)
        change = denoise(x_far, step.sigma_at(far)) - denoised
        x = step.go_to(1, x, _phi_1(step.spread(1)) * denoised + _phi_2(step.spread(1)) / far * change)
        on_step()
    return x
