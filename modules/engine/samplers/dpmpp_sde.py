"""DPM-Solver++ for the stochastic equation, one, two and three steps back; and its ancestral single-step form.

All work in lambda = -log sigma, with alpha = 1 (data prediction).
"""

from __future__ import annotations

from torch import Tensor

from modules.engine.samplers.stepping import Denoise, Noise, OnStep, level, log_snr, slope, split_ancestral

_R = 0.5


def dpmpp_2s_ancestral(
    denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, on_step: OnStep, *, eta: float = 1.0, s_noise: float = 1.0
) -> Tensor:
    """Lu et al., "DPM-Solver++", 2022, algorithm 1 (2S) with r = 1/2, to an ancestral lower level, then noise."""
    for sigma, sigma_next in zip(sigmas[:-1], sigmas[1:], strict=True):
        denoised = denoise(x, sigma)
        down, up = split_ancestral(sigma, sigma_next, eta)
        if down == 0:
            x = x + slope(x, sigma, denoised) * (down - sigma)
        else:
            start, end = log_snr(sigma), log_snr(down)
            h = end - start
            middle = level(start + _R * h)
            x_middle = middle / level(start) * x - (-h * _R).expm1() * denoised
            x = level(end) / level(start) * x - (-h).expm1() * denoise(x_middle, middle)
        if sigma_next > 0:
            x = x + noise(sigma, sigma_next) * s_noise * up
        on_step()
    return x


def dpmpp_sde(
    denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, on_step: OnStep, *, eta: float = 1.0, s_noise: float = 1.0
) -> Tensor:
    """SDE-DPM-Solver++(2S): the single-step solver of Lu et al., 2022, with ancestral noise after both halves (r = 1/2)."""
    for sigma, sigma_next in zip(sigmas[:-1], sigmas[1:], strict=True):
        denoised = denoise(x, sigma)
        if sigma_next == 0:
            x = x + slope(x, sigma, denoised) * (sigma_next - sigma)
            on_step()
            continue
        start, end = log_snr(sigma), log_snr(sigma_next)
        sigma, middle, sigma_next = level(start), level(start + (end - start) * _R), level(end)
        share = 1 / (2 * _R)

        down, up = split_ancestral(sigma, middle, eta)
        x_middle = _solve(x, denoised, start, log_snr(down))
        x_middle = x_middle + noise(sigma, middle) * s_noise * up
        denoised_middle = denoise(x_middle, middle)

        down, up = split_ancestral(sigma, sigma_next, eta)
        x = _solve(x, (1 - share) * denoised + share * denoised_middle, start, log_snr(down))
        x = x + noise(sigma, sigma_next) * s_noise * up
        on_step()
    return x


def _solve(x: Tensor, denoised: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """From lambda `start` to `end` with clean latents held: Lu et al., 2022, equation 9."""
    return level(end) / level(start) * x - (start - end).expm1() * denoised


def dpmpp_2m_sde(
    denoise: Denoise,
    x: Tensor,
    sigmas: Tensor,
    noise: Noise,
    on_step: OnStep,
    *,
    eta: float = 1.0,
    s_noise: float = 1.0,
    solver_type: str | None = None,
) -> Tensor:
    """SDE-DPM-Solver++(2M): Lu et al., 2022, appendix B.

    Args:
        solver_type: "heun" or, by default, the midpoint form of the second-order term; the rest as for every sampler.
    """
    previous: Tensor | None = None
    previous_h: Tensor | None = None
    for sigma, sigma_next in zip(sigmas[:-1], sigmas[1:], strict=True):
        denoised = denoise(x, sigma)
        if sigma_next == 0:
            x = denoised
            on_step()
            continue
        h = log_snr(sigma_next) - log_snr(sigma)
        churned = eta * h
        decay = h + churned
        x = sigma_next / sigma * (-churned).exp() * x - (-decay).expm1() * denoised
        if previous is not None and previous_h is not None:
            ratio = previous_h / h
            if solver_type == "heun":
                x = x + ((-decay).expm1() / decay + 1) * (1 / ratio) * (denoised - previous)
            else:
                x = x - 0.5 * (-decay).expm1() * (1 / ratio) * (denoised - previous)
        if eta:
            x = x + noise(sigma, sigma_next) * sigma_next * (-2 * churned).expm1().neg().sqrt() * s_noise
        previous, previous_h = denoised, h
        on_step()
    return x


def dpmpp_3m_sde(
    denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, on_step: OnStep, *, eta: float = 1.0, s_noise: float = 1.0
) -> Tensor:
    """SDE-DPM-Solver++ with three steps of memory: the exponential integrator of Lu et al., 2022, with divided differences
    in lambda (Hochbruck & Ostermann, "Exponential Integrators", Acta Numerica 2010, section 2.4)."""
    memory: list[tuple[Tensor, Tensor]] = []
    for sigma, sigma_next in zip(sigmas[:-1], sigmas[1:], strict=True):
        denoised = denoise(x, sigma)
        if sigma_next == 0:
            x = denoised
            on_step()
            continue
        h = log_snr(sigma_next) - log_snr(sigma)
        decay = h * (eta + 1)
        x = (-decay).exp() * x - (-decay).expm1() * denoised
        phi_2 = (-decay).expm1() / decay + 1
        if len(memory) >= 2:
            (last, h_1), (older, h_2) = memory[-1], memory[-2]
            r_0, r_1 = h_1 / h, h_2 / h
            first_0, first_1 = (denoised - last) / r_0, (last - older) / r_1
            first = first_0 + (first_0 - first_1) * r_0 / (r_0 + r_1)
            second = (first_0 - first_1) / (r_0 + r_1)
            x = x + phi_2 * first - (phi_2 / decay - 0.5) * second
        elif memory:
            last, h_1 = memory[-1]
            x = x + phi_2 * ((denoised - last) / (h_1 / h))
        if eta:
            x = x + noise(sigma, sigma_next) * sigma_next * (-2 * h * eta).expm1().neg().sqrt() * s_noise
        memory = [*memory[-1:], (denoised, h)]
        on_step()
    return x
