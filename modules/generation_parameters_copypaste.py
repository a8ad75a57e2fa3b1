"""Face: A1111's `modules.generation_parameters_copypaste`, the older name of `infotext_utils`."""

from __future__ import annotations

from typing import Any

from modules import infotext_utils


def __getattr__(name: str) -> Any:
    try:
        return getattr(infotext_utils, name)
    except AttributeError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
