"""What scripts call on A1111's `devices` besides `engine.devices`: noise by seed, and questions about precision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from modules.engine.devices import choose_device, choose_dtype
from modules.engine.noise import NoiseSource, make_generator

cpu = torch.device("cpu")
dtype_vae = dtype_inference = torch.float32
"""What models here take and give; inside they compute in what suits the device."""


def chosen_dtype(use_cpu: bool = False) -> torch.dtype:
    """What a small model computes in on this machine."""
    return choose_dtype(choose_device(use_cpu))


def randn(seed: int, shape: Sequence[int], generator: Any = None) -> Tensor:
    """Standard normal float32 noise of a seed, drawn on the CPU."""
    return make_generator(int(seed), NoiseSource.CPU, cpu)(tuple(shape))


def randn_local(seed: int, shape: Sequence[int]) -> Tensor:
    """The same."""
    return randn(seed, shape)


def randn_like(x: Tensor) -> Tensor:
    """Noise from torch's own generator, shaped and placed as `x`."""
    return torch.randn_like(x)


def randn_without_seed(shape: Sequence[int], generator: Any = None) -> Tensor:
    """Noise from torch's own generator."""
    return torch.randn(tuple(shape))


def test_for_nans(x: Tensor, where: str) -> None:
    """Accepted: results are looked at by the denoiser itself."""


test_for_nans.__test__ = False  # type: ignore[attr-defined]  # pytest takes it for a test


def has_mps() -> bool:
    """Whether Apple's accelerator is there."""
    return torch.backends.mps.is_available()


def has_xpu() -> bool:
    return False


def get_cuda_device_string() -> str:
    return "cuda"


def cond_cast_unet(tensor: Tensor) -> Tensor:
    """Models take float32: nothing to do."""
    return tensor


def enable_tf32() -> None:
    """Accepted: TensorFloat-32 would change pictures from one GPU to another."""


def first_time_calculation() -> None:
    """Accepted: models are warmed up when they are loaded."""
