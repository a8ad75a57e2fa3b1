"""Face: A1111's `modules.sd_vae`."""

from __future__ import annotations

from typing import Any

from modules.runtime.face_calls.model_names import (
    find_model_name,
    get_loaded_vae_hash,
    get_loaded_vae_name,
    refresh_vae_list,
    reload_vae_weights,
    unspecified,
)


def __getattr__(name: str) -> Any:
    return find_model_name(__name__, name)
