"""Face: A1111's `modules.shared`."""

from __future__ import annotations

from typing import Any

from modules.runtime.shared_objects import CMD_OPTS as cmd_opts
from modules.runtime.shared_objects import OPTS as opts
from modules.runtime.shared_objects import STATE as state
from modules.runtime.shared_objects import computing_device, listed_upscalers, loaded_model

__all__ = ["cmd_opts", "device", "opts", "sd_model", "sd_upscalers", "state"]  # noqa: F822


def __getattr__(name: str) -> Any:
    if name == "sd_model":
        return loaded_model()
    if name == "sd_upscalers":
        return listed_upscalers()
    if name == "device":
        return computing_device()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
