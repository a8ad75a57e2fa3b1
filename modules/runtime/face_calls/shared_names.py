"""Values behind the names of A1111's `shared` that change, or that only the running program knows."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from modules.runtime.face_calls.face_restorers import FACE_RESTORERS
from modules.runtime.face_calls.lookup import look_up
from modules.runtime.face_calls.model_names import current_model
from modules.runtime.face_calls.places import find_place
from modules.runtime.face_calls.styles import StyleDatabase
from modules.runtime.shared_objects import SHARED, computing_device, listed_upscalers
from modules.runtime.shared_state import SharedState

latent_upscale_default_mode = "Latent"
latent_upscale_modes = {
    "Latent": {"mode": "bilinear", "antialias": False},
    "Latent (antialiased)": {"mode": "bilinear", "antialias": True},
    "Latent (bicubic)": {"mode": "bicubic", "antialias": False},
    "Latent (bicubic antialiased)": {"mode": "bicubic", "antialias": True},
    "Latent (nearest)": {"mode": "nearest", "antialias": False},
    "Latent (nearest-exact)": {"mode": "nearest-exact", "antialias": False},
}
"""A1111's hires fix chooses from these; the keywords are those of `torch.nn.functional.interpolate`."""
hide_dirs = {"visible": True}


class TotalTqdm:
    """`shared.total_tqdm`, A1111's bar in the terminal: every call is accepted; progress here is the job's own."""

    def reset(self) -> None: ...

    def update(self) -> None: ...

    def updateTotal(self, new_total: int) -> None: ...

    def clear(self) -> None: ...


class MemoryMonitor:
    """`shared.mem_mon`: nothing is watched."""

    disabled = True

    def monitor(self) -> None: ...

    def stop(self) -> dict[str, int]:
        return {}

    def read(self) -> dict[str, int]:
        return {}


TOTAL_TQDM, MEMORY_MONITOR = TotalTqdm(), MemoryMonitor()
LOOSE: dict[str, Any] = {"demo": None, "settings_components": None, "tab_names": [], "gradio_theme": None}
"""What the page puts here for scripts that ask: the Blocks, its components by option, the titles of its tabs."""


def natural_sort_key(text: str) -> list[int | str]:
    """A key that puts "a10" after "a2"."""
    return [int(part) if part.isdigit() else part.casefold() for part in re.split(r"(\d+)", text)]


def listfiles(dirname: str) -> list[str]:
    """Visible files right in a folder, in natural order."""
    names = sorted(os.listdir(dirname), key=natural_sort_key)
    return [path for name in names if not name.startswith(".") and os.path.isfile(path := os.path.join(dirname, name))]


def walk_files(path: str, allowed_extensions: list[str] | None = None) -> list[str]:
    """All visible files below a folder, in natural order; only those with these extensions (".pt"), if any are given."""
    wanted = None if allowed_extensions is None else {extension.casefold() for extension in allowed_extensions}
    found = [
        os.path.join(here, name)
        for here, folders, names in os.walk(path, followlinks=True)
        for name in names
        if not name.startswith(".") and (wanted is None or os.path.splitext(name)[1].casefold() in wanted)
    ]
    return sorted(found, key=natural_sort_key)


def find_shared(module: str, name: str) -> Any:
    """A value of `modules.shared` now."""
    if name in LOOSE:
        return LOOSE[name]
    if name in ("script_path", "data_path", "models_path", "extensions_dir"):
        return find_place(module, name)
    return look_up(VALUES, module, name)


VALUES: Mapping[str, Callable[[], Any]] = {
    "sd_model": current_model,
    "sd_upscalers": listed_upscalers,
    "device": computing_device,
    "weight_load_location": lambda: None,
    "config_filename": lambda: str(SHARED.paths.config),
    "styles_filename": lambda: str(SHARED.paths.styles),
    "prompt_styles": lambda: StyleDatabase(Path(SHARED.paths.styles)),
    "total_tqdm": lambda: TOTAL_TQDM,
    "mem_mon": lambda: MEMORY_MONITOR,
    "progress_print_out": lambda: None,
    "State": lambda: SharedState,
    "face_restorers": lambda: FACE_RESTORERS,
    "hypernetworks": dict,
    "loaded_hypernetworks": list,
    "xformers_available": lambda: False,
    "parallel_processing_allowed": lambda: True,
    "batch_cond_uncond": lambda: SHARED.store.current.batch_cond_uncond if SHARED.store else True,
    "clip_model": lambda: None,
    "interrogator": lambda: None,
    "restricted_opts": set,
    "ui_reorder_categories": list,
}
