"""Face: A1111's `modules.shared_items`."""

from __future__ import annotations

from modules.runtime.face_calls.model_names import (
    list_checkpoint_tiles,
    list_samplers,
    refresh_checkpoints,
    refresh_vae_list,
    sd_vae_items,
)
