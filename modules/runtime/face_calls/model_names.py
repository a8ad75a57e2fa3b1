"""What A1111's `sd_models`, `sd_vae` and `shared_items` tell of checkpoints, VAEs and samplers; torch is imported when it must be."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from modules.base.errors import InvalidRequest, UnknownName
from modules.base.registry import load_dotted
from modules.pipeline.context import RUNNING
from modules.runtime.face_calls.lookup import look_up
from modules.runtime.face_calls.safe_load import read_safetensors, read_safetensors_metadata
from modules.runtime.shared_objects import OPTS, SHARED, loaded_model

model_dir = "Stable-diffusion"
unspecified = object()


def list_models() -> None:
    """Look at the checkpoint folders again."""
    SHARED.session.catalog.scan()


def known_checkpoints() -> dict[str, Any]:
    """Every checkpoint that can run, by title; a `CheckpointInfo` each."""
    return {info.title: info for info in SHARED.session.checkpoints() if info.is_supported}


def checkpoint_aliases() -> dict[str, Any]:
    """Every name that means a checkpoint: title, file name, hash ..."""
    return {alias: info for info in known_checkpoints().values() for alias in info.ids}


def checkpoint_tiles(use_short: bool = False) -> list[str]:
    """Titles of all checkpoints that can run, without the file ending for `use_short`."""
    return [info.short_title if use_short else info.title for info in known_checkpoints().values()]


list_checkpoint_tiles = checkpoint_tiles
refresh_checkpoints = list_models


def get_closet_checkpoint_match(search_string: str) -> Any:
    """The checkpoint that a name, part of a title, or hash means; None where nothing fits."""
    if not search_string:
        return None
    try:
        return SHARED.session.catalog.find(str(search_string))
    except UnknownName:
        wanted = str(search_string).casefold()
        fitting = [info for title, info in known_checkpoints().items() if wanted in title.casefold()]
        return min(fitting, key=lambda info: len(info.title), default=None)


def require_checkpoint(field: str, name: str) -> Any:
    """The same, for a request's `field`.

    Raises:
        InvalidRequest: Nothing fits, or it cannot run.
    """
    found = get_closet_checkpoint_match(name)
    if found is None:
        raise InvalidRequest(field, name, "one of " + ", ".join(sorted(known_checkpoints(), key=str.casefold)))
    if not found.is_supported:
        raise InvalidRequest(field, name, f"a checkpoint that can run: {found.reason}")
    return found


def select_checkpoint() -> Any:
    """The checkpoint that the next job would use; errors as for `Session.checkpoint`."""
    return SHARED.session.checkpoint(OPTS.sd_model_checkpoint)


def model_hash(filename: str) -> str:
    """A1111's old short hash: 8 digits of the sha256 of 64 KiB at 1 MiB; "NOFILE" where there is no file."""
    try:
        with open(filename, "rb") as file:
            file.seek(0x100000)
            return hashlib.sha256(file.read(0x10000)).hexdigest()[:8]
    except FileNotFoundError:
        return "NOFILE"


def get_model() -> Any:
    """The model in memory; in a job, or where nothing is loaded yet, the one that the options ask for, loaded now."""
    model, running = loaded_model(), RUNNING.get()
    if running is not None and running.context is not None:
        return running.sd_model or running.context.model(running.options.sd_model_checkpoint or None)
    return model if model is not None else SHARED.session.model()


def current_model() -> Any:
    """`shared.sd_model`: in a job the one it runs on, loaded if it must be; else what is in memory, or None."""
    return get_model() if RUNNING.get() is not None else loaded_model()


def reload_model_weights(sd_model: Any = None, info: Any = None, forced_reload: bool = False) -> Any:
    """Have the checkpoint `info` (None = the one the options ask for) in memory; in a job, for what is left of it.

    Returns:
        The model.
    """
    session, running = SHARED.session, RUNNING.get()
    if forced_reload:
        session.pool.unload()
    if info is None:
        return get_model() if running is not None else session.model()
    if running is None or running.context is None:
        return session.model(info.title)
    OPTS.set("sd_model_checkpoint", info.title)
    running.sd_model = running.context.model(info.title)
    return running.sd_model


def load_model(checkpoint_info: Any = None, already_loaded_state_dict: Any = None) -> Any:
    """As `reload_model_weights`; a state dict cannot take the place of a file.

    Raises:
        ValueError: One was given.
    """
    if already_loaded_state_dict is not None:
        raise ValueError("models are loaded from their file: save the weights as .safetensors and name the checkpoint")
    return reload_model_weights(info=checkpoint_info)


def unload_model_weights(sd_model: Any = None, info: Any = None) -> None:
    """Forget the model; the next job loads it again."""
    SHARED.session.pool.unload()


def read_state_dict(checkpoint_file: str, print_global_state: bool = False, map_location: Any = None) -> dict[str, Any]:
    """The tensors of a `.safetensors` file by name; errors as for `read_safetensors`."""
    return read_safetensors(Path(checkpoint_file))


load_torch_file = read_state_dict
read_metadata_from_safetensors = read_safetensors_metadata


def get_state_dict_from_checkpoint(pl_sd: dict[str, Any]) -> dict[str, Any]:
    """What is below "state_dict", where there is that key."""
    inner = pl_sd.get("state_dict", pl_sd)
    return inner if isinstance(inner, dict) else pl_sd


class ModelData:
    """`sd_models.model_data`."""

    def get_sd_model(self) -> Any:
        """See `get_model`."""
        return get_model()

    @property
    def sd_model(self) -> Any:
        """The model in memory, or None."""
        return loaded_model()

    @property
    def loaded_sd_models(self) -> list[Any]:
        return [model for model in (loaded_model(),) if model is not None]

    @property
    def was_loaded_at_least_once(self) -> bool:
        return loaded_model() is not None


def vae_files() -> dict[str, str]:
    """VAE files by name."""
    return {name: str(path) for name, path in SHARED.session.loader.vaes().items()}


def sd_vae_items() -> list[str]:
    """The choices of the option `sd_vae`."""
    return ["Automatic", "None", *vae_files()]


def refresh_vae_list() -> None:
    """Accepted: the folders are looked at whenever it is asked."""


def get_loaded_vae_name() -> str | None:
    """File name of the VAE that took the place of the checkpoint's own; None without one."""
    model = loaded_model()
    return None if model is None else model.vae_name


def get_loaded_vae_hash() -> str | None:
    """The first ten digits of its sha256."""
    model = loaded_model()
    return None if model is None else model.vae_sha256[:10] or None


def reload_vae_weights(sd_model: Any = None, vae_file: Any = unspecified) -> Any:
    """Have the model with this VAE: a path or name; None = the checkpoint's own; left out = as the options say."""
    if vae_file is not unspecified:
        OPTS.set("sd_vae", "None" if vae_file is None else Path(vae_file).name)
    running = RUNNING.get()
    if running is None or running.context is None:
        return SHARED.session.model()
    running.sd_model = running.context.model(running.options.sd_model_checkpoint or None, running.options)
    return running.sd_model


def list_samplers() -> list[Any]:
    """All samplers (imports torch)."""
    table: Any = load_dotted("modules.engine.samplers.table:SAMPLERS")
    return [spec for _, spec in table.items()]


def list_upscaler_names() -> list[str]:
    return [str(name) for name in SHARED.session.upscalers.names()]


MODEL_DATA = ModelData()
VALUES: Mapping[str, Callable[[], Any]] = {
    "checkpoints_list": known_checkpoints,
    "checkpoint_aliases": checkpoint_aliases,
    "checkpoint_alisases": checkpoint_aliases,
    "checkpoints_loaded": dict,
    "model_path": lambda: str(SHARED.paths.models / model_dir),
    "vae_path": lambda: str(SHARED.paths.models / "VAE"),
    "vae_dict": vae_files,
    "base_vae": lambda: None,
    "loaded_vae_file": get_loaded_vae_name,
    "checkpoint_info": lambda: SHARED.session.pool.loaded,
    "CheckpointInfo": lambda: load_dotted("modules.backends.catalog:CheckpointInfo"),
}


def find_model_name(module: str, name: str) -> Any:
    """A value of `modules.sd_models` or `modules.sd_vae` now."""
    return look_up(VALUES, module, name)
