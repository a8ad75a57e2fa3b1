"""The objects behind `modules.shared`: they exist before any session and show the one that is bound."""

from __future__ import annotations

from typing import Any

from modules.backends.upscalers.catalog import UpscalerCatalog
from modules.base.registry import load_dotted
from modules.imaging.upscalers import NamedUpscaler
from modules.runtime.shared_flags import SharedFlags
from modules.runtime.shared_options import SharedOptions
from modules.runtime.shared_session import SharedSession
from modules.runtime.shared_state import SharedState

SHARED = SharedSession()
OPTS, STATE, CMD_OPTS = (
    SharedOptions(SHARED),
    SharedState(lambda: SHARED.session.queue.running() if SHARED.is_bound else None),
    SharedFlags(SHARED),
)


def computing_device() -> Any:
    """The `torch.device` that computes."""
    choose_device: Any = load_dotted("modules.engine.devices:choose_device")
    return choose_device(SHARED.flags.use_cpu)


def computing_device_name() -> str:
    """Such as `cpu` or `cuda`."""
    return str(computing_device())


def loaded_model() -> Any:
    """The model in memory, or None."""
    return SHARED.session.pool.model if SHARED.is_bound else None


def listed_upscalers() -> list[NamedUpscaler]:
    """All upscalers; the built-in ones before a session is there."""
    return list((SHARED.session.upscalers if SHARED.is_bound else UpscalerCatalog()).all())


def find_upscaler(name: str) -> NamedUpscaler | None:
    """The upscaler of that name; None for "None" and "". Raises UnknownName where there is none of that name."""
    found: NamedUpscaler | None = (SHARED.session.upscalers if SHARED.is_bound else UpscalerCatalog()).find(name)
    return found


def loaded_scripts(*, is_img2img: bool) -> Any:
    """The `ScriptRunner` of a tab; as yet empty for scripts that are being loaded, None before a session is there."""
    if not SHARED.is_bound:
        return None
    library = SHARED.session.library
    if library.is_loading_here:
        return library.early(is_img2img=is_img2img)
    return library.img2img if is_img2img else library.txt2img
