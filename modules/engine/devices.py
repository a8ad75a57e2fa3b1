"""Which device computes, and in which precision."""

from __future__ import annotations

import gc
import platform
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import torch
from torch import Tensor

from modules.base.errors import PentimentoError

_BF16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})
LARGE_MODEL_PARAMETERS = 300_000_000
"""Above this, a CPU that is fast in bfloat16 uses it by default; smaller models are quick enough in float32."""
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}


class NansException(PentimentoError):
    """A model gave numbers that are not numbers."""


def choose_device(use_cpu: bool = False) -> torch.device:
    """CUDA where there is a GPU, then Apple's, then the CPU; or the CPU because it was asked for."""
    if not use_cpu and torch.cuda.is_available():
        return torch.device("cuda")
    if not use_cpu and torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def choose_dtype(device: torch.device, no_half: bool = False, *, parameters: int = 0, precision: str = "Automatic") -> torch.dtype:
    """What UNet and VAE compute in.

    Args:
        device: Where.
        no_half: `--no-half`: float32, whatever else is asked for.
        parameters: Of the model; the default depends on it on a CPU.
        precision: A name of `PRECISIONS`, or "Automatic": float16 on a GPU; on a CPU that multiplies in bfloat16, that for models above
            `LARGE_MODEL_PARAMETERS`; float32 otherwise.
    """
    if no_half:
        return torch.float32
    if precision in PRECISIONS:
        return PRECISIONS[precision]
    if device.type != "cpu":
        return torch.float16
    return torch.bfloat16 if parameters > LARGE_MODEL_PARAMETERS and has_fast_bfloat16() else torch.float32


def has_fast_bfloat16(cpu_info: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the CPU has bfloat16 dot products (avx512_bf16 or AMX); False where that cannot be told."""
    if platform.system() != "Linux" or not cpu_info.is_file():
        return False
    flags = next((line for line in cpu_info.read_text(errors="replace").splitlines() if line.startswith("flags")), "")
    return not _BF16_FLAGS.isdisjoint(flags.split())


def autocast(disable: bool = False) -> AbstractContextManager[None]:
    """Does nothing: models here take and give float32 and choose their own precision within. For scripts that ask."""
    return nullcontext()


def torch_gc() -> None:
    """Give unused memory back to the system or the GPU."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.ipc_collect()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


def check_finite(output: Tensor, where: str = "UNet") -> None:
    """Refuse an output that is all NaN.

    Raises:
        NansException: Nothing in `output` is a number.
    """
    if bool(torch.isnan(output).all()):
        raise NansException(f"{where}: got only NaN; a number that was asked for may be far too large, or the checkpoint damaged")
