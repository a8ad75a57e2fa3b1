"""RES: a second-order exponential integrator with one model call a step, plain and ancestral, with and without CFG++.

References:
    Zhang, Gao & Yu, "Improved Order Analysis and Design of Exponential Integrator for Diffusion Models Sampling", 2023, section 4.
    Chung et al., "CFG++", ICLR 2025.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor

from modules.engine.comfyui.samplers.cfgpp import LastUncond
from modules.engine.samplers.stepping import Denoise, Noise, OnStep, log_snr, slope, split_ancestral


def res_multistep(
    denoise: Denoise,
    x: Tensor,
    sigmas: Tensor,
    noise: Noise,
    on_step: OnStep,
    *,
    last_uncond: LastUncond | None = None,
    eta: float = 0.0,
    s_noise: float = 1.0,
) -> Tensor:
    """Data prediction, lambda = -log sigma; the first step, and one down to 0, are Euler's.

    Args:
        last_uncond: For CFG++: the unguided prediction is extrapolated and renoises. The rest as for every sampler.
        eta: 1 = ancestral.
    """
    memory: tuple[Tensor, Tensor, Tensor] | None = None
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        unguided = denoised if last_uncond is None else last_uncond()
        down, up = split_ancestral(sigma, sigma_next, eta)
        if down == 0:
            x = denoised
        elif memory is None:
            x = denoised + down * slope(x, sigma, unguided)
        else:
            before, sigma_before, down_before = memory
            h = log_snr(down) - log_snr(sigma)
            # Where the remembered prediction lies, in steps: of an ancestral step it is counted from its lower level.
            place = (log_snr(sigma_before) - log_snr(down_before)) / h
            phi_1 = (-h).expm1() / -h
            phi_2 = (phi_1 - 1) / -h
            share = (phi_2 / place).nan_to_num(nan=0.0)
            x = (-h).exp() * (x + denoised - unguided) + h * ((phi_1 - share).nan_to_num(nan=0.0) * unguided + share * before)
        if sigma_next > 0 and eta:
            x = x + noise(sigma, sigma_next) * s_noise * up
        memory = unguided, sigma, down
        on_step()
    return x
