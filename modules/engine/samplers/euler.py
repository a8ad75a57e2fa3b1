"""Euler's method, with and without ancestral noise; Heun's second-order correction of it."""

from __future__ import annotations

from torch import Tensor

from modules.engine.samplers.stepping import Denoise, Noise, OnStep, add_churn, churn_gamma, slope, split_ancestral


def euler(
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
    """Karras et al., NeurIPS 2022, algorithm 2 without its second-order correction."""
    for sigma, sigma_next in zip(sigmas[:-1], sigmas[1:], strict=True):
        gamma = churn_gamma(sigma, len(sigmas) - 1, s_churn, s_tmin, s_tmax)
        x, raised = add_churn(x, sigma, sigma_next, noise, gamma, s_noise)
        x = x + slope(x, raised, denoise(x, raised)) * (sigma_next - raised)
        on_step()
    return x


def euler_ancestral(
    denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, on_step: OnStep, *, eta: float = 1.0, s_noise: float = 1.0
) -> Tensor:
    """Euler steps to a lower level, then noise up to the scheduled one (Song et al., ICLR 2021, appendix F, in sigma form)."""
    for sigma, sigma_next in zip(sigmas[:-1], sigmas[1:], strict=True):
        down, up = split_ancestral(sigma, sigma_next, eta)
        x = x + slope(x, sigma, denoise(x, sigma)) * (down - sigma)
        if sigma_next > 0:
            x = x + noise(sigma, sigma_next) * s_noise * up
        on_step()
    return x


def heun(
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
    """Karras et al., NeurIPS 2022, algorithm 2."""
    for sigma, sigma_next in zip(sigmas[:-1], sigmas[1:], strict=True):
        gamma = churn_gamma(sigma, len(sigmas) - 1, s_churn, s_tmin, s_tmax)
        x, raised = add_churn(x, sigma, sigma_next, noise, gamma, s_noise)
        x = heun_step(denoise, x, raised, sigma_next)
        on_step()
    return x


def heun_step(denoise: Denoise, x: Tensor, sigma: Tensor, sigma_next: Tensor) -> Tensor:
    """One step of Heun's method; Euler's where it ends at 0."""
    first = slope(x, sigma, denoise(x, sigma))
    guess = x + first * (sigma_next - sigma)
    if sigma_next == 0:
        return guess
    second = slope(guess, sigma_next, denoise(guess, sigma_next))
    return x + (first + second) / 2 * (sigma_next - sigma)
