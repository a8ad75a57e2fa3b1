"""Face: A1111's `modules.shared`."""

from __future__ import annotations

from typing import Any

from modules.runtime.face_calls.model_names import list_checkpoint_tiles, list_samplers, refresh_checkpoints
from modules.runtime.face_calls.shared_names import (
    find_shared,
    hide_dirs,
    latent_upscale_default_mode,
    latent_upscale_modes,
    listfiles,
    natural_sort_key,
    walk_files,
)
from modules.runtime.shared_objects import CMD_OPTS as cmd_opts
from modules.runtime.shared_objects import OPTS as opts
from modules.runtime.shared_objects import STATE as state
from modules.runtime.shared_options import SharedOptions as Options
from modules.settings.extra_options import OptionDiv, OptionHTML, OptionInfo, options_section

options_templates = opts.data_labels


def __getattr__(name: str) -> Any:
    return find_shared(__name__, name)
