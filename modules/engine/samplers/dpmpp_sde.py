"""DPM-Solver++ for the stochastic equation, one, two and three steps back; and its ancestral single-step form.

All work in lambda = -log sigma, with alpha = 1 (data prediction).
"""

from __future__ import annotations

from torch import Tensor

from modules.engine.samplers.stepping import Denoise, Noise, OnStep, slope, split_ancestral

_R = 0.5


def _log_snr(sigma: Tensor) -> Tensor:
    return -sigma.log()


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
            start, h = _log_snr(sigma), _log_snr(down) - _log_snr(sigma)
            middle = (-(start + _R * h)).exp()
            x_middle = middle / sigma * x - (-h * _R).expm1() * denoised
            x = down / sigma * x - (-h).expm1() * denoise(x_middle, middle)
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
        start, h = _log_snr(sigma), _log_snr(sigma_next) - _log_snr(sigma)
        middle = (-(start + h * _R)).exp()
        share = 1 / (2 * _R)

        down, up = split_ancestral(sigma, middle, eta)
        x_middle = down / sigma * x - (start - _log_snr(down)).expm1() * denoised
        x_middle = x_middle + noise(sigma, middle) * s_noise * up
        denoised_middle = denoise(x_middle, middle)

        down, up = split_ancestral(sigma, sigma_next, eta)
        mixed = (1 - share) * denoised + share * denoised_middle
        x = down / sigma * x - (start - _log_snr(down)).expm1() * mixed
        x = x + noise(sigma, sigma_next) * s_noise * up
        on_step()
    return x


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
        h = _log_snr(sigma_next) - _log_snr(sigma)
        decay = h + eta * h
        x = sigma_next / sigma * (-eta * h).exp() * x - (-decay).expm1() * denoised
        if previous is not None and previous_h is not None:
            ratio = previous_h / h
            if solver_type == "heun":
                x = x + ((-decay).expm1() / decay + 1) * (1 / ratio) * (denoised - previous)
            else:
                x = x - 0.5 * (-decay).expm1() * (1 / ratio) * (denoised - previous)
        if eta:
            x = x + noise(sigma, sigma_next) * sigma_next * (1 - (-2 * eta * h).exp()).sqrt() * s_noise
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
        h = _log_snr(sigma_next) - _log_snr(sigma)
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
            x = x + phi_2 * (denoised - last) / (h_1 / h)
        if eta:
            x = x + noise(sigma, sigma_next) * sigma_next * (-2 * h * eta).expm1().neg().sqrt() * s_noise
        memory = [*memory[-1:], (denoised, h)]
        on_step()
    return x
