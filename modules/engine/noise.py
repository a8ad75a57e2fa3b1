"""Noise that depends on the seed alone: one generator an image, so that a picture in a batch equals the picture alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum

import torch
from torch import Tensor

from modules.engine.philox import PhiloxGenerator

Shape = tuple[int, ...]
Draw = Callable[[Shape], Tensor]


class NoiseSource(Enum):
    """Which generator draws; values are A1111's option texts."""

    GPU = "GPU"
    """torch's generator on the compute device."""
    CPU = "CPU"
    """torch's CPU generator, whatever computes."""
    NV = "NV"
    """CUDA's Philox, computed anywhere."""


def make_generator(seed: int, source: NoiseSource, device: torch.device) -> Draw:
    """A function that draws standard normal float32 tensors of a shape, on `device`; each call moves it on."""
    if source is NoiseSource.NV:
        philox = PhiloxGenerator(seed)
        return lambda shape: torch.from_numpy(philox.randn(shape)).to(device)
    where = torch.device("cpu") if source is NoiseSource.CPU or device.type == "mps" else device
    generator = torch.Generator(where).manual_seed(seed)
    return lambda shape: torch.randn(shape, generator=generator, device=where).to(device)


def slerp(share: float, low: Tensor, high: Tensor) -> Tensor:
    """Spherical interpolation of two noise tensors, as A1111 does it.

    Norms and angles are taken along dim 1, that is along the height of a (C, h, w) tensor, and the end points are not
    normalised. Nearly parallel inputs are mixed linearly with the two weights swapped. Same-seed pictures need both.

    Args:
        share: 0 = `low`, 1 = `high`.
        low: (C, h, w).
        high: (C, h, w).

    References:
        Shoemake, "Animating Rotation with Quaternion Curves", SIGGRAPH 1985.
    """
    unit_low = low / torch.norm(low, dim=1, keepdim=True)
    unit_high = high / torch.norm(high, dim=1, keepdim=True)
    cosine = (unit_low * unit_high).sum(1)
    if cosine.mean() > 0.9995:
        return low * share + high * (1 - share)
    angle = torch.acos(cosine)
    sine = torch.sin(angle)
    return (torch.sin((1.0 - share) * angle) / sine).unsqueeze(1) * low + (torch.sin(share * angle) / sine).unsqueeze(1) * high


def paste_centred(small: Tensor, canvas: Tensor) -> Tensor:
    """`canvas` (C, H, W) with `small` (C, h, w) over its middle; a larger `small` is cropped to its own middle."""
    result = canvas.clone()
    target, source = [], []
    for size, room in zip(small.shape[1:], canvas.shape[1:], strict=True):
        margin = (room - size) // 2
        length = size if margin >= 0 else size + 2 * margin
        start, skipped = max(margin, 0), max(-margin, 0)
        target.append(slice(start, start + length))
        source.append(slice(skipped, skipped + length))
    result[:, target[0], target[1]] = small[:, source[0], source[1]]
    return result


class ImageNoise:
    """First and later noise of a batch of images.

    Args:
        shape: (C, h, w) of one latent.
        seeds: One an image.
        subseeds: One an image; missing ones count as 0.
        subseed_strength: How far to go from the seed's noise to the sub-seed's, 0 to 1.
        resize_from: (h, w) in latent cells: draw the noise of a picture of that size and paste it centred; None = no.
        source: Which generator draws.
        ensd: Eta noise seed delta: after the first noise, go on with generators seeded `seed + ensd`; 0 = do not.
        device: Where the noise is wanted; None = CPU.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        seeds: Sequence[int],
        *,
        subseeds: Sequence[int] = (),
        subseed_strength: float = 0.0,
        resize_from: tuple[int, int] | None = None,
        source: NoiseSource = NoiseSource.GPU,
        ensd: int = 0,
        device: torch.device | None = None,
    ) -> None:
        self.shape = shape
        self.seeds = tuple(seeds)
        self.source = source
        self.device = device or torch.device("cpu")
        self._subseeds = tuple(subseeds)
        self._subseed_strength = subseed_strength
        self._small = None if resize_from is None else (shape[0], *resize_from)
        self._ensd = ensd
        self._generators = [self._generator(seed) for seed in self.seeds]
        self._is_first = True

    def first(self) -> Tensor:
        """(B, C, h, w) float32: the noise a picture starts from."""
        self._is_first = False
        noise = torch.stack([self._first_of(index) for index in range(len(self.seeds))])
        if self._ensd:
            self._generators = [self._generator(seed + self._ensd) for seed in self.seeds]
        return noise

    def next(self) -> Tensor:
        """(B, C, h, w) float32: later noise; before any other draw, the same as `first`."""
        if self._is_first:
            return self.first()
        return torch.stack([draw(self.shape) for draw in self._generators])

    def _generator(self, seed: int) -> Draw:
        return make_generator(seed, self.source, self.device)

    def _first_of(self, index: int) -> Tensor:
        seed, draw = self.seeds[index], self._generators[index]
        is_resized = self._small is not None and self._small != self.shape
        shape = self._small if self._small is not None else self.shape
        noise = self._generator(seed)(shape) if is_resized else draw(shape)
        if self._subseed_strength != 0:
            subseed = self._subseeds[index] if index < len(self._subseeds) else 0
            noise = slerp(self._subseed_strength, noise, self._generator(subseed)(shape))
        return paste_centred(noise, draw(self.shape)) if is_resized else noise
