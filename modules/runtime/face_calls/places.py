"""Folders as A1111's `paths` names them: texts, resolved when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from modules.base.paths import Paths
from modules.runtime.face_calls.lookup import look_up
from modules.runtime.shared_objects import SHARED

PLACES: Mapping[str, Callable[[Paths], Any]] = {
    "config_states_dir": lambda paths: paths.data / "config_states",
    "cwd": lambda paths: paths.root,
    "data_path": lambda paths: paths.data,
    "default_sd_model_file": lambda paths: paths.data / "model.ckpt",
    "default_output_dir": lambda paths: paths.outputs,
    "extensions_builtin_dir": lambda paths: paths.builtin_extensions,
    "extensions_dir": lambda paths: paths.extensions,
    "models_path": lambda paths: paths.models,
    "modules_path": lambda paths: paths.root / "modules",
    "roboto_ttf_file": lambda paths: paths.root / "html" / "Roboto-Regular.ttf",
    "script_path": lambda paths: paths.root,
    "sd_configs_path": lambda paths: paths.root / "configs",
    "sd_default_config": lambda paths: paths.root / "configs" / "v1-inference.yaml",
    "sd_model_file": lambda paths: paths.data / "model.ckpt",
    "sd_path": lambda paths: paths.root,
}


def find_place(module: str, name: str) -> Any:
    """A folder by A1111's name for it; `paths` is the table of checkouts that A1111 looks for, which holds ours alone."""
    if name == "paths":
        return {"Stable Diffusion": str(SHARED.paths.root)}
    if name not in PLACES:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    return str(PLACES[name](SHARED.paths))
