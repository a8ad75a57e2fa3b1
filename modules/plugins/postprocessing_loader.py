"""From script files to post-processing scripts; what breaks is left out and remembered."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import Context
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from modules.plugins.controls import read_controls
from modules.plugins.discovery import ScriptFile
from modules.plugins.loader import ControlsContext, ScriptLibrary
from modules.plugins.postprocessing import ScriptPostprocessing, ScriptPostprocessingRunner
from modules.settings.options import Options


class PostprocessingClassData(NamedTuple):
    """A class that was found in a script file; the names are A1111's."""

    script_class: type[ScriptPostprocessing]
    path: str
    basedir: str
    module: ModuleType


POSTPROCESSING_DATA: list[PostprocessingClassData] = []
"""All classes of this process: what `modules.scripts.postprocessing_scripts_data` shows."""


class PostprocessingLibrary:
    """The post-processing scripts of an installation, made when they are first asked for.

    Args:
        library: Loads the files, and lists what is broken here.
        controls_context: What `ui` is called in without a page.
        options: Gives those in force: which scripts come first, and which are left out.
    """

    def __init__(self, library: ScriptLibrary, controls_context: ControlsContext, options: Callable[[], Options]) -> None:
        self._library, self._controls_context, self._options = library, controls_context, options
        self._runner: ScriptPostprocessingRunner | None = None

    @property
    def is_loaded(self) -> bool:
        """Whether the scripts are there without waiting."""
        return self._runner is not None

    @property
    def runner(self) -> ScriptPostprocessingRunner:
        """Those for the Extras tab; the first to ask waits until all scripts are loaded."""
        with self._library.lock:
            if self._runner is None:
                modules = self._library.modules()
                # A context of its own: the page library behaves otherwise inside its event handlers.
                self._runner = Context().run(self._create, modules)
            return self._runner

    def _create(self, modules: Sequence[tuple[ScriptFile, ModuleType]]) -> ScriptPostprocessingRunner:
        found = [data for file, module in modules for data in _classes(file, module)]
        POSTPROCESSING_DATA[:] = list({data.script_class: data for data in found}.values())
        scripts = [script for data in POSTPROCESSING_DATA if (script := self._instantiate(data)) is not None]
        return ScriptPostprocessingRunner(
            [script for script in scripts if not script.main_ui_only],
            lambda: self._options().postprocessing_operation_order,
            lambda: self._options().postprocessing_disable_in_extras,
        )

    def _instantiate(self, data: PostprocessingClassData) -> ScriptPostprocessing | None:
        stage = "create"
        try:
            script = data.script_class()
            if not isinstance(script.name, str) or not script.name.strip():
                raise TypeError(f"name must be a text, not {script.name!r}")
            if not isinstance(script.order, int | float):
                raise TypeError(f"order must be a number, not {script.order!r}")
            stage, script.filename = "ui", data.path
            with self._controls_context():
                script.controls = build_controls(script)
            values = read_controls(list(script.controls.values()))
            script.control_values = dict(zip(script.controls, values, strict=True))
        except BaseException as error:  # as for other scripts: no Ctrl+C comes here
            self._library.leave_out(Path(data.path), Path(data.basedir), stage, error)
            return None
        return script


def build_controls(script: ScriptPostprocessing) -> Mapping[str, Any]:
    """What the script's `ui` builds, within the page's place for it.

    Raises:
        TypeError: It gave something else than controls by name.
    """
    controls: object = script.ui()
    if controls is None:
        return {}
    if not isinstance(controls, Mapping):
        raise TypeError(f"ui() must return controls by argument name, not {type(controls).__name__}")
    return controls


def _classes(file: ScriptFile, module: ModuleType) -> Iterator[PostprocessingClassData]:
    for value in vars(module).values():
        if inspect.isclass(value) and issubclass(value, ScriptPostprocessing) and value is not ScriptPostprocessing:
            yield PostprocessingClassData(value, str(file.path), str(file.basedir), module)
