"""Script files to script objects: every file executed once, every class instantiated once a tab; what breaks is left out and remembered."""

from __future__ import annotations

import inspect
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import Context
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

from modules.plugins.callback_order import ORDER
from modules.plugins.callbacks import CALLBACKS
from modules.plugins.controls import read_controls
from modules.plugins.discovery import ScriptFile
from modules.plugins.guard import describe
from modules.plugins.runner import ScriptRunner
from modules.plugins.script import ALWAYS_VISIBLE, Script, ScriptBuiltinUI
from modules.plugins.script_modules import IMPORTS, ROOT, load_module

logger = logging.getLogger(__name__)

ControlsContext = Callable[[], AbstractContextManager[Any]]
"""Gives what controls are built in without a page; comes from whoever knows the page library."""


class ScriptClassData(NamedTuple):
    """A class that was found in a script file; the names are A1111's."""

    script_class: type[Script]
    path: str
    basedir: str
    module: ModuleType


@dataclass(frozen=True)
class BrokenScript:
    """A script that is left out, or what failed of it.

    Attributes:
        file: Its file.
        basedir: The extension it belongs to.
        stage: "import", "create" or "ui": it is left out. Else the hook or callback that failed and was skipped.
        reason: The error, in one line.
    """

    file: Path
    basedir: Path
    stage: str
    reason: str


BASES = (Script, ScriptBuiltinUI)
SCRIPTS_DATA: list[ScriptClassData] = []
"""All script classes of this process: what `modules.scripts.scripts_data` shows."""


class ScriptLibrary:
    """The scripts of an installation, loaded when they are first asked for.

    Args:
        find: Gives the files, in order.
        controls_context: What `ui` is called in; nothing when left out.

    Its two runners are the same objects all the time; they fill when the scripts are loaded.
    """

    def __init__(self, find: Callable[[], Sequence[ScriptFile]], controls_context: ControlsContext = nullcontext) -> None:
        self._find, self._controls_context = find, controls_context
        self._lock = threading.RLock()
        self._classes: list[ScriptClassData] | None = None
        self._runners = {is_img2img: ScriptRunner() for is_img2img in (True, False)}
        self._made: set[bool] = set()
        self._unbuilt: set[bool] = set()
        self._folders: dict[int, Path] = {}
        self._loading_thread: int | None = None
        self._modules: list[tuple[ScriptFile, ModuleType]] = []
        self._left_out: list[BrokenScript] = []

    @property
    def broken(self) -> list[BrokenScript]:
        """What was left out so far, and what failed later and was skipped."""
        failed = [
            BrokenScript(Path(str(entry.script.filename)), self._folders[id(entry.script)], entry.hook, self._shorten(entry.reason))
            for runner in self._runners.values()
            for entry in runner.failed
            if id(entry.script) in self._folders
        ]
        callbacks = [
            BrokenScript(Path(entry.file), entry.folder or ORDER.folder_of(entry.file) or ROOT, entry.hook, self._shorten(entry.reason))
            for entry in CALLBACKS.broken
        ]
        return list(dict.fromkeys([*self._left_out, *failed, *callbacks]))

    def early(self, *, is_img2img: bool) -> ScriptRunner:
        """The runner of a tab as it is now, perhaps empty: for scripts that ask while they are loaded."""
        return self._runners[is_img2img]

    @property
    def is_loaded(self) -> bool:
        """Whether the img2img scripts are there without waiting."""
        return True in self._made

    @property
    def is_loading_here(self) -> bool:
        """Whether a script that is being loaded asks: it cannot wait for itself."""
        return self._loading_thread == threading.get_ident()

    @property
    def img2img(self) -> ScriptRunner:
        """Scripts of the img2img tab."""
        return self._runner(is_img2img=True)

    @property
    def txt2img(self) -> ScriptRunner:
        """Scripts of A1111's other tab, for those who ask for the list."""
        return self._runner(is_img2img=False)

    def load(self) -> None:
        """Load the img2img scripts now, so that nobody waits for them later."""
        self._runner(is_img2img=True)

    @property
    def lock(self) -> AbstractContextManager[Any]:
        """Held while scripts are made or build their controls: the page library knows one page under construction at a time."""
        return self._lock

    def modules(self) -> list[tuple[ScriptFile, ModuleType]]:
        """Every script file that could be imported, in order; they are loaded now if nobody has asked for them before."""
        self.load()
        return list(self._modules)

    def prepare(self) -> None:
        """Import the files and make the scripts of both tabs, without their controls: for a page that scripts watch while it is built."""
        with self._lock:
            self._loading_thread = threading.get_ident()
            try:
                for is_img2img in {False, True} - self._made:
                    self._make_scripts(is_img2img)
            finally:
                self._loading_thread = None

    def build_controls(self, *, is_img2img: bool, place: Callable[[Script], AbstractContextManager[Any]]) -> ScriptRunner:
        """After `prepare`: let the scripts of a tab build their controls, each within what `place` gives; returns the tab's scripts."""
        with self._lock:
            runner = self._runners[is_img2img]
            if is_img2img in self._unbuilt:
                self._unbuilt.discard(is_img2img)
                works = {id(script) for script in runner.scripts if self._build(script, place)}
                for scripts in (runner.alwayson_scripts, runner.selectable_scripts):
                    scripts[:] = [script for script in scripts if id(script) in works]
                runner.lay_out()
            return runner

    def _runner(self, *, is_img2img: bool) -> ScriptRunner:
        if self.is_loading_here:
            raise RuntimeError("scripts are asked for while they are being loaded; ask when a job runs")
        with self._lock:
            if is_img2img not in self._made:
                self._loading_thread = threading.get_ident()
                try:
                    # A context of its own: the page library behaves otherwise inside its event handlers, which may be the ones who ask.
                    Context().run(self._create, is_img2img)
                finally:
                    self._loading_thread = None
            return self._runners[is_img2img]

    def _create(self, is_img2img: bool) -> None:
        self._make_scripts(is_img2img)
        self.build_controls(is_img2img=is_img2img, place=lambda script: self._controls_context())

    def _make_scripts(self, is_img2img: bool) -> None:
        if self._classes is None:
            files = self._find()
            ORDER.learn(file.basedir for file in files if file.basedir != ROOT)
            self._classes = [data for file in files for data in self._load(file)]
        scripts = [script for data in self._classes if (script := self._instantiate(data, is_img2img)) is not None]
        runner = self._runners[is_img2img]
        runner.alwayson_scripts[:] = sorted((script for script in scripts if script.alwayson), key=lambda script: script.sorting_priority)
        runner.selectable_scripts[:] = [script for script in scripts if not script.alwayson]
        self._made.add(is_img2img)
        self._unbuilt.add(is_img2img)

    def _load(self, file: ScriptFile) -> list[ScriptClassData]:
        try:
            with IMPORTS.of(file.basedir):
                module = load_module(file)
        except BaseException as error:  # KeyboardInterrupt and SystemExit too: a file may raise anything
            CALLBACKS.remove_for_script(file.path)
            self.leave_out(file.path, file.basedir, "import", error)
            return []
        self._modules.append((file, module))
        known = {data.script_class for data in SCRIPTS_DATA if data.path != str(file.path)}
        found = [value for value in vars(module).values() if inspect.isclass(value) and issubclass(value, Script) and value not in BASES]
        fresh = [ScriptClassData(value, str(file.path), str(file.basedir), module) for value in dict.fromkeys(found) if value not in known]
        SCRIPTS_DATA[:] = [data for data in SCRIPTS_DATA if data.path != str(file.path)] + fresh
        return fresh

    def _instantiate(self, data: ScriptClassData, is_img2img: bool) -> Script | None:
        """The script, or None when it is not for this tab or broken."""
        try:
            script = data.script_class()
            script.filename, script.is_img2img, script.is_txt2img = data.path, is_img2img, not is_img2img
            script.tabname = "img2img" if is_img2img else "txt2img"
            shown = script.show(is_img2img)
            if not (shown is ALWAYS_VISIBLE or shown):
                return None
            script.alwayson = shown is ALWAYS_VISIBLE
            title = script.title()
            if not isinstance(title, str) or not title.strip():
                raise TypeError(f"title() must return a text, not {title!r}")
            if not isinstance(script.sorting_priority, int | float):
                raise TypeError(f"sorting_priority must be a number, not {script.sorting_priority!r}")
            script.name = script.name or title.lower()
        except BaseException as error:
            self.leave_out(Path(data.path), Path(data.basedir), "create", error)
            return None
        self._folders[id(script)] = Path(data.basedir)
        return script

    def _build(self, script: Script, place: Callable[[Script], AbstractContextManager[Any]]) -> bool:
        """Let a script build its controls; False when it cannot, and is left out: without a word to visitors of a tab that none sees."""
        try:
            with place(script):
                script.controls = script.ui(bool(script.is_img2img))
                script.control_values = read_controls(script.controls)
            if script.controls is not None:
                script.name = str(script.title()).lower()
            args = [SimpleNamespace(**control.as_dict()) for control in script.control_values]
            script.api_info = SimpleNamespace(name=script.name, is_alwayson=script.alwayson, is_img2img=script.is_img2img, args=args)
        except BaseException as error:
            self.leave_out(Path(str(script.filename)), self._folders[id(script)], "ui", error, is_told=script.is_img2img)
            return False
        return True

    def leave_out(self, file: Path, basedir: Path, stage: str, error: BaseException, *, is_told: bool = True) -> None:
        """Log that a script is left out, and list it in `broken` if `is_told`; arguments as in `BrokenScript`."""
        reason = self._shorten(describe(error), basedir)
        logger.error("script %s failed at %s and is left out: %s", file, stage, reason, exc_info=error)
        entry = BrokenScript(file, basedir, stage, reason)
        if is_told and entry not in self._left_out:  # both tabs may stumble over the same fault
            self._left_out.append(entry)

    @staticmethod
    def _shorten(reason: str, *folders: Path) -> str:
        """Without folders of this computer: visitors of the page read it too."""
        for folder in (*folders, ROOT):
            reason = reason.replace(f"{folder}/", "")
        return reason
