"""Leaving out a library's own start-up chores, so that the page is there sooner."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType


class SkipOnImport(MetaPathFinder):
    """Replaces one function of one module, the moment it is imported, by one that does nothing.

    Args:
        module: Full name of the module that defines the function.
        function: Its name; a module without it stays as it is.
    """

    def __init__(self, module: str, function: str) -> None:
        self.module, self.function = module, function

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname != self.module:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _SkippingLoader(spec.loader.name, spec.loader.path, self.function)
        return spec


class _SkippingLoader(SourceFileLoader):
    def __init__(self, name: str, path: str, function: str) -> None:
        super().__init__(name, path)
        self.function = function

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        if hasattr(module, self.function):
            setattr(module, self.function, _do_nothing)


def _do_nothing(*_: object) -> None:
    return None


def skip_gradio_stubs() -> None:
    """Keep gradio from parsing and writing a `.pyi` beside each of its components at every start: half of its import time.

    It also writes into the environment while another program of ours may read there. Call before gradio is imported.
    """
    sys.meta_path.insert(0, SkipOnImport("gradio.component_meta", "create_or_modify_pyi"))
