"""Face: A1111's `modules.devices`."""

from __future__ import annotations

from typing import Any

from modules.engine.devices import NansException, autocast, torch_gc
from modules.engine.devices import choose_device as get_optimal_device
from modules.engine.script_devices import (
    chosen_dtype,
    cond_cast_unet,
    cpu,
    dtype_inference,
    dtype_vae,
    enable_tf32,
    first_time_calculation,
    get_cuda_device_string,
    has_mps,
    has_xpu,
    randn,
    randn_like,
    randn_local,
    randn_without_seed,
    test_for_nans,
)
from modules.runtime.shared_objects import computing_device
from modules.runtime.shared_objects import computing_device_name as get_optimal_device_name

without_autocast = autocast
cond_cast_float = cond_cast_unet
unet_needs_upcast = fp8 = force_fp16 = False
nv_rng = None


def __getattr__(name: str) -> Any:
    if name in ("device", "device_interrogate", "device_gfpgan", "device_esrgan", "device_codeformer"):
        return computing_device()
    if name in ("dtype", "dtype_unet"):
        return chosen_dtype(computing_device().type == "cpu")
    if name == "get_device_for":
        return lambda task: computing_device()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
