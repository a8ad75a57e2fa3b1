"""Heun's method with up to two looks ahead."""

from __future__ import annotations

from torch import Tensor

from modules.engine.samplers.stepping import Denoise, Noise, OnStep, slope


def heunpp2(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, on_step: OnStep) -> Tensor:
    """Slopes at the next two noise levels, reached by Euler steps, count by how high these are beside the first of the run.

    Towards the end there are fewer to look at: none for the last step, one for the step before it. No paper describes this
    sampler; its weights are those that ComfyUI's pictures have.
    """
    for index in range(len(sigmas) - 1):
        ahead = sigmas[index : min(index + 3, len(sigmas) - 1)]
        x_ahead, slopes = x, []
        for here, there in zip(ahead, sigmas[index + 1 :], strict=False):
            slopes.append(slope(x_ahead, here, denoise(x_ahead, here)))
            x_ahead = x_ahead + slopes[-1] * (there - here)
        shares = ahead[1:] / (len(ahead) * sigmas[0])
        mean = (1 - shares.sum()) * slopes[0] + sum(share * other for share, other in zip(shares, slopes[1:], strict=True))
        x = x + mean * (sigmas[index + 1] - sigmas[index])
        on_step()
    return x
