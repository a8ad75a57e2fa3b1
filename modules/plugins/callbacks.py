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

from modules.plugins.callback_order import ORDER
from modules.plugins.guard import MOST_FAULTS, describe, is_stop, keep_whole
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
        name: As `callback_order` has it: "<extension>/<file>/<hook without on_>[/<its own name>]".
    """

    hook: str
    function: Function
    file: str
    name: str

    @property
    def callback(self) -> Function:
        """A1111's word for `function`."""
        return self.function

    @property
    def script(self) -> str:
        """A1111's word for `file`."""
        return self.file


@dataclass(frozen=True)
class BrokenCallback:
    """A callback that failed.

    Attributes:
        reason: Its error in one line.
        folder: Of the extension, where the file alone does not tell it.
    """

    hook: str
    name: str
    file: str
    reason: str
    folder: Path | None = None


class CallbackRegistry:
    """The callbacks of this process.

    Attributes:
        broken: What failed so far, each fault once, and at most `MOST_FAULTS` of those of a hook and file.
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
            name = _free_name(ORDER.full_name(file, hook.removeprefix("on_"), label), {entry.name for entry in known})
            known.append(Callback(hook, function, file, name))

    def has(self, hook: str) -> bool:
        """Whether anyone listens."""
        return bool(self._of(hook))

    def callbacks(self, hook: str) -> list[Callback]:
        """Who listens, in the order of the calls."""
        with self._lock:
            known = self._of(hook)
            return [known[place] for place in ORDER.places([entry.name for entry in known])]

    def call(self, hook: str, *args: Any, **named: Any) -> list[Any]:
        """Call everyone who listens; returns what those gave that did not fail.

        One that raises, or that makes its arguments unusable, is named in the log and in `broken`, and skipped.
        """
        return [result for _, result in self._call(None, hook, args, named)]

    def results(self, hook: str, *args: Any, **named: Any) -> list[tuple[Callback, Any]]:
        """As `call`, each result with who gave it: one that cannot be used is for `report`."""
        return self._call(None, hook, args, named)

    def call_in_job(self, p: Any, hook: str, *args: Any, **named: Any) -> list[Any]:
        """As `call`; failures are told in the notes of the job `p` too."""
        return [result for _, result in self._call(p, hook, args, named)]

    def report(self, entry: Callback, error: BaseException, p: Any = None) -> None:
        """Note that a callback failed, or gave what cannot be used: in the log, in `broken`, and in the notes of the job `p`."""
        broken = BrokenCallback(entry.hook, entry.name, entry.file, describe(error))
        with self._lock:
            alike = [known for known in self.broken if (known.hook, known.file) == (entry.hook, entry.file)]
            is_new = broken not in alike and len(alike) < MOST_FAULTS
            if is_new:
                self.broken.append(broken)
        if is_new:  # a page has hundreds of components, a picture dozens of steps
            logger.error("callback %s of %s failed and was skipped", entry.hook, entry.file, exc_info=error)
        notes, note = getattr(p, "notes", None), f"Callback {entry.name} failed and was skipped: {broken.reason}"
        if isinstance(notes, list) and note not in notes:
            notes.append(note)

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

    def _call(self, p: Any, hook: str, args: Sequence[Any], named: dict[str, Any]) -> list[tuple[Callback, Any]]:
        results = []
        for entry in self.callbacks(hook):
            try:
                with keep_whole(*args):
                    results.append((entry, entry.function(*args, **named)))
            except BaseException as error:  # a third party's fault must not cost the picture or the page
                if is_stop(error):
                    raise
                self.report(entry, error, p)
        return results

    def as_map(self) -> dict[str, list[Callback]]:
        """A copy of all, as A1111 names its lists: "callbacks_ui_tabs"."""
        return {f"callbacks_{hook.removeprefix('on_')}": self.callbacks(hook) for hook in self._callbacks}

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


def callback_attribute(name: str) -> Any:
    """What `modules.script_callbacks` offers under `name`: `on_ui_tabs` registers, `ui_tabs_callback` calls, `callback_map` lists.

    Raises:
        AttributeError: There is none.
    """
    if name == "callback_map":
        return CALLBACKS.as_map()
    if name in CALLBACK_NAMES:
        return partial(_register, name)
    if name.endswith("_callback") and f"on_{name.removesuffix('_callback')}" in CALLBACK_NAMES:
        return partial(CALLBACKS.call, f"on_{name.removesuffix('_callback')}")
    if name == "app_reload_callback":
        return partial(CALLBACKS.call, "on_before_reload")
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


def _free_name(name: str, taken: set[str]) -> str:
    count = 0
    while (free := f"{name}-{count}" if count else name) in taken:
        count += 1
    return free
