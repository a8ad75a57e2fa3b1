"""Functions that extensions register for moments of the program: one registry, in which every entry knows who brought it."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from modules.plugins.hooks import CALLBACK_NAMES

logger = logging.getLogger(__name__)

OWN_FILES = (__file__, str(Path(__file__).parents[1] / "script_callbacks.py"))
Function = Callable[..., Any]


@dataclass(frozen=True)
class Callback:
    """One registered function.

    Attributes:
        hook: A callback of the hook table, such as "on_ui_tabs".
        function: What is called.
        file: The file that registered it.
        name: "<extension>/<file>/<hook without on_>[/<its own name>]", as orders of callbacks name it.
    """

    hook: str
    function: Function
    file: str
    name: str


@dataclass(frozen=True)
class BrokenCallback:
    """A callback that failed; `reason` is its error in one line."""

    hook: str
    name: str
    file: str
    reason: str


class CallbackRegistry:
    """The callbacks of this process.

    Attributes:
        broken: What failed so far, each fault once.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._callbacks: dict[str, list[Callback]] = {name: [] for name in sorted(CALLBACK_NAMES)}
        self.broken: list[BrokenCallback] = []

    def add(self, hook: str, function: Function, *, label: str | None = None, file: str | None = None) -> None:
        """Register `function` for `hook`.

        Args:
            label: Tells apart functions that one file registers for one hook.
            file: Who registers; the calling file when left out.

        Raises:
            KeyError: The hook table has no such callback.
        """
        file = file or _calling_file()
        with self._lock:
            known = self._of(hook)
            name = _free_name(_full_name(file, hook, label), {entry.name for entry in known})
            known.append(Callback(hook, function, file, name))

    def has(self, hook: str) -> bool:
        """Whether anyone listens."""
        return bool(self._of(hook))

    def callbacks(self, hook: str) -> list[Callback]:
        """Who listens, in the order of the calls."""
        with self._lock:
            return list(self._of(hook))

    def call(self, hook: str, *args: Any, **named: Any) -> list[Any]:
        """Call everyone who listens; returns what those gave that did not fail.

        One that raises is named in the log and in `broken`, and skipped.
        """
        return self._call(None, hook, args, named)

    def call_in_job(self, p: Any, hook: str, *args: Any, **named: Any) -> list[Any]:
        """As `call`; failures are told in the notes of the job `p` too."""
        return self._call(p, hook, args, named)

    def remove_for_script(self, path: str | Path) -> None:
        """Forget what the file `path` registered."""
        self._keep(lambda entry: entry.file != str(path))

    def remove_function(self, function: Function) -> None:
        """Forget `function`, wherever it was registered."""
        self._keep(lambda entry: entry.function != function)

    def clear(self) -> None:
        """Forget all."""
        self._keep(lambda entry: False)
        self.broken.clear()

    def _call(self, p: Any, hook: str, args: Sequence[Any], named: dict[str, Any]) -> list[Any]:
        results = []
        for entry in self.callbacks(hook):
            try:
                results.append(entry.function(*args, **named))
            except BaseException as error:  # a third party's fault must not cost the picture or the page
                if isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
                    raise
                self._note_failure(p, entry, error)
        return results

    def _note_failure(self, p: Any, entry: Callback, error: BaseException) -> None:
        logger.error("callback %s of %s failed and was skipped", entry.hook, entry.file, exc_info=error)
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        broken = BrokenCallback(entry.hook, entry.name, entry.file, reason)
        with self._lock:
            if broken not in self.broken:
                self.broken.append(broken)
        notes, note = getattr(p, "notes", None), f"Callback {entry.name} failed and was skipped: {reason}"
        if isinstance(notes, list) and note not in notes:
            notes.append(note)

    def _keep(self, is_kept: Callable[[Callback], bool]) -> None:
        with self._lock:
            for hook, known in self._callbacks.items():
                self._callbacks[hook] = [entry for entry in known if is_kept(entry)]

    def _of(self, hook: str) -> list[Callback]:
        try:
            return self._callbacks[hook]
        except KeyError:
            raise KeyError(f"no callback {hook!r} in modules.plugins.hooks") from None


CALLBACKS = CallbackRegistry()


def callback_function(name: str) -> Function:
    """The function that `modules.script_callbacks` offers under `name`: `on_ui_tabs` registers, `ui_tabs_callback` calls.

    Raises:
        AttributeError: There is none.
    """
    if name in CALLBACK_NAMES:
        return partial(_register, name)
    if name.endswith("_callback") and f"on_{name.removesuffix('_callback')}" in CALLBACK_NAMES:
        return partial(CALLBACKS.call, f"on_{name.removesuffix('_callback')}")
    raise AttributeError(f"modules.script_callbacks has no {name!r}")


def _register(hook: str, callback: Function, *, name: str | None = None) -> None:
    CALLBACKS.add(hook, callback, label=name)


def remove_current_script_callbacks() -> None:
    """Forget what the calling file registered."""
    CALLBACKS.remove_for_script(_calling_file())


def _calling_file() -> str:
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename in OWN_FILES:
        frame = frame.f_back
    return frame.f_code.co_filename


def _full_name(file: str, hook: str, label: str | None) -> str:
    path = Path(file)
    parents = list(path.parents)
    extension = next((low.name.lower() for low, up in zip(parents, parents[1:], strict=False) if up.name.startswith("extensions")), "base")
    return "/".join((extension, path.name, hook.removeprefix("on_"), *([label] if label else [])))


def _free_name(name: str, taken: set[str]) -> str:
    count = 0
    while (free := f"{name}-{count}" if count else name) in taken:
        count += 1
    return free
