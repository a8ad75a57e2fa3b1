"""Noise from one seed for a whole batch: one draw of its full shape, on the CPU."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from modules.base.errors import InvalidRequest
from modules.engine.brownian import BrownianNoise
from modules.engine.noise import ImageNoise, NoiseSource, Shape, make_generator
from modules.engine.samplers.stepping import Noise

MAX_BATCH_INDEX = 4096
_CPU = torch.device("cpu")
_SEEDS = 2**64


def draw_noise(shape: Shape, seed: int, batch_index: Sequence[int] | None = None) -> Tensor:
    """The noise that a run starts from.

    Args:
        shape: (B, C, h, w) of the latents.
        seed: 0 to 2^64 - 1; beyond, modulo 2^64.
        batch_index: For latents taken out of a batch, where each stood: then pictures are drawn one by one up to the last of
            these, which is not the same as one draw unless C*h*w is a multiple of 16.

    Returns:
        (B, C, h, w) float32 of unit variance, on the CPU; (len(batch_index), C, h, w) with `batch_index`.

    Raises:
        InvalidRequest: An index below 0 or beyond 4096.
    """
    draw = make_generator(seed % _SEEDS, NoiseSource.CPU, _CPU)
    if batch_index is None:
        return draw(shape)
    if not batch_index or min(batch_index) < 0 or max(batch_index) > MAX_BATCH_INDEX:
        raise InvalidRequest("batch_index", list(batch_index), f"places in a batch, 0 to {MAX_BATCH_INDEX}")
    wanted = set(batch_index)
    drawn = [draw((1, *shape[1:])) if index in wanted else _skip(draw((1, *shape[1:]))) for index in range(max(wanted) + 1)]
    return torch.cat([drawn[index] for index in batch_index])


def _skip(drawn: Tensor) -> Tensor:
    """Nothing: the draw only moved the generator on."""
    return drawn.new_zeros(0)


def no_noise(shape: Shape) -> Tensor:
    """What stands for noise where adding it is switched off: zeros, also under the mask."""
    return torch.zeros(shape)


def mask_noise(shape: Shape, seed: int) -> Tensor:
    """What the sampler "ddim" lays under the mask in place of the run's first noise: another draw, from the next seed."""
    return draw_noise(shape, seed + 1)


class StepNoise:
    """Later noise of ancestral samplers: one draw of the whole batch a step, from a generator of its own.

    On the CPU it is seeded with the next seed, so that the first noise is not drawn again; on a GPU with the seed itself, for
    the generator is another there.

    Args:
        x: (B, C, h, w), what noise will be added to.
        seed: Of the run.
    """

    def __init__(self, x: Tensor, seed: int) -> None:
        self._shape: Shape = tuple(x.shape)
        own = seed + 1 if x.device.type == "cpu" else seed
        self._draw = make_generator(own % _SEEDS, NoiseSource.GPU, x.device)

    def __call__(self, sigma: Tensor | float, sigma_next: Tensor | float) -> Tensor:
        return self._draw(self._shape)


class BatchBrownianNoise:
    """Brownian noise of one tree over the whole batch shape, between the ends of the sigmas that are walked.

    Args:
        x: (B, C, h, w), what noise will be added to.
        seed: Of the run.
        sigmas: (n,) of the run, after any cut.
        is_on_device: Draw with the generator of the device of `x`, not of the CPU.
    """

    def __init__(self, x: Tensor, seed: int, sigmas: Tensor, is_on_device: bool = False) -> None:
        source = NoiseSource.GPU if is_on_device else NoiseSource.CPU
        low, high = float(sigmas[sigmas > 0].min()), float(sigmas.max())
        self._noise = BrownianNoise(low, high, [seed % _SEEDS], tuple(x.shape), source, x.device)

    def __call__(self, sigma: Tensor | float, sigma_next: Tensor | float) -> Tensor:
        return self._noise(sigma, sigma_next)[0]


def step_noise(x: Tensor, seed: int, sigmas: Tensor, *, is_brownian: bool = False, is_on_device: bool = False) -> Noise:
    """The later noise of a run; generators and trees are made at the first use."""
    made: list[Noise] = []

    def draw(sigma: Tensor | float, sigma_next: Tensor | float) -> Tensor:
        if not made:
            made.append(BatchBrownianNoise(x, seed, sigmas, is_on_device) if is_brownian else StepNoise(x, seed))
        return made[0](sigma, sigma_next)

    return draw


class BatchNoise(ImageNoise):
    """First noise of a batch by the rules above, for code that asks an `ImageNoise` for it; only the first seed counts.

    Args:
        shape: (C, h, w) of one latent.
        seeds: One an image.
        settings: Sub-seeds, resizing and other sources of noise, which these rules do not know, are not used.
    """

    def __init__(
        self, shape: tuple[int, int, int], seeds: Sequence[int], *, device: torch.device | None = None, **settings: object
    ) -> None:
        super().__init__(shape, seeds, source=NoiseSource.CPU, device=device)

    def first(self) -> Tensor:
        return draw_noise((len(self.seeds), *self.shape), self.seeds[0]).to(self.device)

    def next(self) -> Tensor:
        return self.first()
