"""Noise that depends on the seed alone: one generator an image, so that a picture in a batch equals the picture alone."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import torch
from torch import Tensor


class NoiseSource(Enum):
    """Which generator draws; values are A1111's option texts."""

    GPU = "GPU"
    """torch's generator on the compute device."""
    CPU = "CPU"
    """torch's CPU generator, whatever computes."""
    NV = "NV"
    """CUDA's Philox, computed anywhere."""


class ImageNoise:
    """First and later noise of a batch of images."""

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
        raise NotImplementedError

    def first(self) -> Tensor:
        """(B, C, h, w) float32."""
        raise NotImplementedError

    def next(self) -> Tensor:
        """(B, C, h, w) float32."""
        raise NotImplementedError
