"""Face: A1111's `modules.devices`."""

from __future__ import annotations

from typing import Any

import torch

from modules.engine.devices import NansException, autocast, torch_gc
from modules.engine.devices import choose_device as get_optimal_device
from modules.runtime.shared_objects import computing_device
from modules.runtime.shared_objects import computing_device_name as get_optimal_device_name

cpu = torch.device("cpu")
without_autocast = autocast

__all__ = ["NansException", "autocast", "cpu", "device", "get_optimal_device", "get_optimal_device_name", "torch_gc", "without_autocast"]  # noqa: F822


def __getattr__(name: str) -> Any:
    if name == "device":
        return computing_device()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
