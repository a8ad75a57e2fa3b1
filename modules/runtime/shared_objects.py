"""The objects behind `modules.shared`: they exist before any session and show the one that is bound."""

from __future__ import annotations

from typing import Any

from modules.backends.upscalers.catalog import UpscalerCatalog
from modules.base.registry import load_dotted
from modules.imaging.upscalers import NamedUpscaler
from modules.pipeline.context import RUNNING
from modules.runtime.session import Session
from modules.runtime.shared_state import SharedState
from modules.settings.flags import Flags
from modules.settings.options import Options


class SharedSession:
    """Holds the running program's session; `launch` binds it once."""

    def __init__(self) -> None:
        self._session: Session | None = None

    def bind(self, session: Session) -> None:
        self._session = session

    @property
    def is_bound(self) -> bool:
        return self._session is not None

    @property
    def session(self) -> Session:
        """The session.

        Raises:
            RuntimeError: The program has not started one yet.
        """
        if self._session is None:
            raise RuntimeError("no session yet: shared values can be read once the program has started")
        return self._session


class SharedOptions:
    """`shared.opts`: options as attributes, `data` as a dictionary, `set` to change one.

    Within `process_images` these are the options of that run, the request's own among them. While a selected script works between its runs,
    they are the program's, as in A1111. A change within a job holds for that job alone.
    """

    def __init__(self, shared: SharedSession) -> None:
        object.__setattr__(self, "_shared", shared)

    @property
    def data(self) -> dict[str, Any]:
        """All options by name; a copy."""
        return self._current.as_dict()

    def set(self, name: str, value: object) -> bool:
        """Change and save one option; False when nothing changed."""
        before = self._current
        running = RUNNING.get()
        if running is not None:
            running.options = before.coerced({name: value}, ignore_unknown=True)
            if running.context is not None:
                running.context.options = running.context.options.coerced({name: value}, ignore_unknown=True)
            return bool(running.options != before)
        return bool(self._shared.session.options.update({name: value}) != before)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # also what a property of this class failed to find
            raise AttributeError(f"no option {name!r}")
        return getattr(self._current, name)

    def __setattr__(self, name: str, value: object) -> None:
        self.set(name, value)

    @property
    def _current(self) -> Options:
        running = RUNNING.get()
        if running is not None:
            return running.options
        return self._shared.session.options.current if self._shared.is_bound else Options()


class SharedFlags:
    """`shared.cmd_opts`: the command line's flags as attributes."""

    def __init__(self, shared: SharedSession) -> None:
        self._shared = shared

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shared.session.flags if self._shared.is_bound else Flags(), name)


SHARED = SharedSession()
OPTS, STATE, CMD_OPTS = (
    SharedOptions(SHARED),
    SharedState(lambda: SHARED.session.queue.running() if SHARED.is_bound else None),
    SharedFlags(SHARED),
)


def computing_device() -> Any:
    """The `torch.device` that computes."""
    choose_device: Any = load_dotted("modules.engine.devices:choose_device")
    return choose_device(CMD_OPTS.use_cpu)


def computing_device_name() -> str:
    """Such as `cpu` or `cuda`."""
    return str(computing_device())


def loaded_model() -> Any:
    """The model in memory, or None."""
    return SHARED.session.pool.loaded if SHARED.is_bound else None


def listed_upscalers() -> list[NamedUpscaler]:
    """All upscalers; the built-in ones before a session is there."""
    return list((SHARED.session.upscalers if SHARED.is_bound else UpscalerCatalog()).all())


def find_upscaler(name: str) -> NamedUpscaler | None:
    """The upscaler of that name; None for "None" and "". Raises UnknownName where there is none of that name."""
    found: NamedUpscaler | None = (SHARED.session.upscalers if SHARED.is_bound else UpscalerCatalog()).find(name)
    return found


def loaded_scripts(*, is_img2img: bool) -> Any:
    """The `ScriptRunner` of a tab; None before a session is there, and to scripts that are being loaded."""
    if not SHARED.is_bound or SHARED.session.library.is_loading_here:
        return None
    library = SHARED.session.library
    return library.img2img if is_img2img else library.txt2img
