"""Script files to script objects: every file executed once, every class instantiated once a tab; what breaks is left out and remembered."""

from __future__ import annotations

import importlib.util
import inspect
import logging
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import Context, ContextVar
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from modules.plugins.controls import read_controls
from modules.plugins.discovery import ScriptFile
from modules.plugins.runner import ScriptRunner
from modules.plugins.script import ALWAYS_VISIBLE, Script

logger = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
_BASEDIR: ContextVar[Path] = ContextVar("basedir", default=ROOT)

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
    """A script that is left out.

    Attributes:
        file: Its file.
        basedir: The extension it belongs to.
        stage: "import", "create" or "ui".
        reason: The error, in one line.
    """

    file: Path
    basedir: Path
    stage: str
    reason: str


SCRIPTS_DATA: list[ScriptClassData] = []
"""All script classes of this process: what `modules.scripts.scripts_data` shows."""


def basedir() -> str:
    """While a script file is loaded, the folder of the extension it belongs to; else the program's own."""
    return str(_BASEDIR.get())


class ScriptLibrary:
    """The scripts of an installation, loaded when they are first asked for.

    Args:
        find: Gives the files, in order.
        controls_context: What `ui` is called in; nothing when left out.

    Attributes:
        broken: What was left out so far.
    """

    def __init__(self, find: Callable[[], Sequence[ScriptFile]], controls_context: ControlsContext = nullcontext) -> None:
        self._find, self._controls_context = find, controls_context
        self._lock = threading.RLock()
        self._classes: list[ScriptClassData] | None = None
        self._runners: dict[bool, ScriptRunner] = {}
        self._unbuilt: set[bool] = set()
        self._folders: dict[int, Path] = {}
        self._loading_thread: int | None = None
        self._modules: list[tuple[ScriptFile, ModuleType]] = []
        self.broken: list[BrokenScript] = []

    @property
    def is_loaded(self) -> bool:
        """Whether the img2img scripts are there without waiting."""
        return True in self._runners

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

    def modules(self) -> list[tuple[ScriptFile, ModuleType]]:
        """Every script file that could be imported, in order; they are loaded now if nobody has asked for them before."""
        self.load()
        return list(self._modules)

    def prepare(self) -> None:
        """Import the files and make the scripts of both tabs, without their controls: for a page that scripts watch while it is built."""
        with self._lock:
            self._loading_thread = threading.get_ident()
            try:
                for is_img2img in {False, True} - self._runners.keys():
                    self._runners[is_img2img] = self._make_runner(is_img2img)
                    self._unbuilt.add(is_img2img)
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
            if is_img2img not in self._runners:
                self._loading_thread = threading.get_ident()
                try:
                    # A context of its own: the page library behaves otherwise inside its event handlers, which may be the ones who ask.
                    self._runners[is_img2img] = Context().run(self._create, is_img2img)
                finally:
                    self._loading_thread = None
            return self._runners[is_img2img]

    def _create(self, is_img2img: bool) -> ScriptRunner:
        self._runners[is_img2img] = self._make_runner(is_img2img)
        self._unbuilt.add(is_img2img)
        return self.build_controls(is_img2img=is_img2img, place=lambda script: self._controls_context())

    def _make_runner(self, is_img2img: bool) -> ScriptRunner:
        if self._classes is None:
            self._classes = [data for file in self._find() for data in self._load(file)]
        scripts = [script for data in self._classes if (script := self._instantiate(data, is_img2img)) is not None]
        alwayson = [script for script in scripts if script.alwayson]
        return ScriptRunner([script for script in scripts if not script.alwayson], alwayson)

    def _load(self, file: ScriptFile) -> list[ScriptClassData]:
        try:
            with _loading_from(file.basedir):
                module = load_module(file)
        except BaseException as error:  # no Ctrl+C comes here: scripts are never loaded by the main thread
            self._leave_out(file.path, file.basedir, "import", error)
            return []
        self._modules.append((file, module))
        known = {data.script_class for data in SCRIPTS_DATA if data.path != str(file.path)}
        found = [value for value in vars(module).values() if inspect.isclass(value) and issubclass(value, Script) and value is not Script]
        fresh = [ScriptClassData(value, str(file.path), str(file.basedir), module) for value in dict.fromkeys(found) if value not in known]
        SCRIPTS_DATA[:] = [data for data in SCRIPTS_DATA if data.path != str(file.path)] + fresh
        return fresh

    def _instantiate(self, data: ScriptClassData, is_img2img: bool) -> Script | None:
        """The script, or None when it is not for this tab or broken."""
        try:
            script = data.script_class()
            script.filename, script.is_img2img, script.is_txt2img = data.path, is_img2img, not is_img2img
            shown = script.show(is_img2img)
            if not (shown is ALWAYS_VISIBLE or shown):
                return None
            script.alwayson = shown is ALWAYS_VISIBLE
            title = script.title()
            if not isinstance(title, str) or not title.strip():
                raise TypeError(f"title() must return a text, not {title!r}")
            script.name = script.name or title.lower()
        except BaseException as error:
            self._leave_out(Path(data.path), Path(data.basedir), "create", error)
            return None
        self._folders[id(script)] = Path(data.basedir)
        return script

    def _build(self, script: Script, place: Callable[[Script], AbstractContextManager[Any]]) -> bool:
        """Let a script build its controls; False when it cannot, and is left out."""
        try:
            with place(script):
                script.controls = script.ui(bool(script.is_img2img))
                script.control_values = read_controls(script.controls)
            if script.controls is not None:
                script.name = str(script.title()).lower()
        except BaseException as error:
            self._leave_out(Path(str(script.filename)), self._folders[id(script)], "ui", error)
            return False
        return True

    def _leave_out(self, file: Path, basedir: Path, stage: str, error: BaseException) -> None:
        said = f"{type(error).__name__}: {error}".splitlines()[0]
        reason = said.replace(f"{basedir}/", "").replace(f"{ROOT}/", "")  # visitors of the page read it too
        logger.error("script %s failed at %s and is left out: %s", file, stage, reason, exc_info=error)
        entry = BrokenScript(file, basedir, stage, reason)
        if entry not in self.broken:  # both tabs may stumble over the same fault
            self.broken.append(entry)


def load_module(file: ScriptFile) -> ModuleType:
    """Execute a script file under a module name of its own; a file that is already loaded is not executed again.

    The name is `scripts.<stem>`, so that files of one extension can import each other as they do under A1111; a second file of that
    name gets the extension's in front.

    Raises:
        Exception: Whatever the file raises.
    """
    plain = f"scripts.{file.path.stem}"
    name = next(name for name in (plain, f"{file.basedir.name}.{plain}", f"{file.basedir}.{plain}") if _is_free(name, file.path))
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file.path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file.path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _is_free(name: str, path: Path) -> bool:
    module = sys.modules.get(name)
    return module is None or getattr(module, "__file__", None) == str(path)


@contextmanager
def _loading_from(folder: Path) -> Iterator[None]:
    """`basedir()` tells `folder`, and its own packages can be imported."""
    token, path = _BASEDIR.set(folder), list(sys.path)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path[:] = path
        _BASEDIR.reset(token)
