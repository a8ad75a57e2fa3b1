"""Face: A1111's `modules.sd_models`."""

from __future__ import annotations

from typing import Any

from modules.runtime.face_calls.model_names import (
    MODEL_DATA,
    checkpoint_tiles,
    find_model_name,
    get_closet_checkpoint_match,
    get_state_dict_from_checkpoint,
    list_models,
    load_model,
    load_torch_file,
    model_dir,
    model_hash,
    read_metadata_from_safetensors,
    read_state_dict,
    reload_model_weights,
    require_checkpoint,
    select_checkpoint,
    unload_model_weights,
)

model_data = MODEL_DATA


def __getattr__(name: str) -> Any:
    return find_model_name(__name__, name)
