"""Script files as Python modules: executed once, found by the names that A1111's extensions use, and apart from other extensions' ones."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import ModuleType

from modules.plugins.discovery import ScriptFile

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = "scripts"
_BASEDIR: ContextVar[Path] = ContextVar("basedir", default=ROOT)


def basedir() -> str:
    """While a script file is loaded, the folder of the extension it belongs to; else the program's own."""
    return str(_BASEDIR.get())


def load_module(file: ScriptFile) -> ModuleType:
    """Execute a script file; one that is already loaded is not executed again.

    It is `scripts.<stem>` to files of its extension; a second file of that name gets the extension's in front. Others may also ask for
    `extensions.<folder>.scripts.<stem>`. Its own `__name__` is the file's name, as under A1111, unless another file has it.

    Raises:
        Exception: Whatever the file raises.
    """
    plain, folder = f"{SCRIPTS}.{file.path.stem}", file.basedir
    long = f"{folder.parent.name}.{folder.name}.{plain}"
    module = next((found for name in (plain, long) if (found := _loaded(name, file.path)) is not None), None)
    if module is None:
        name = next(name for name in (plain, f"{folder.name}.{plain}", f"{folder}.{plain}") if _is_free(name, file.path))
        module = _loaded(name, file.path) or _execute(name, file.path)
    sys.modules.setdefault(long, module)
    return module


def _execute(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    names = [name] if path.name in sys.modules else [name, path.name]
    module.__name__ = names[-1]
    for known in names:
        sys.modules[known] = module
    try:
        # What the loader's own `exec_module` does, which insists on the first name.
        exec(spec.loader.get_code(name), vars(module))  # type: ignore[attr-defined]
    except BaseException:
        for known in names:
            sys.modules.pop(known, None)
        raise
    return module


def _loaded(name: str, path: Path) -> ModuleType | None:
    module = sys.modules.get(name)
    return module if getattr(module, "__file__", None) == str(path) else None


def _is_free(name: str, path: Path) -> bool:
    return sys.modules.get(name) is None or _loaded(name, path) is not None


class ScriptImports:
    """What files of an extension can import while they are loaded, and where the files of others are found afterwards."""

    def __init__(self) -> None:
        self._folders: list[Path] = []

    @contextmanager
    def of(self, folder: Path) -> Iterator[None]:
        """`basedir()` tells `folder`; its packages, and scripts beside each other, can be imported.

        Modules of other extensions that have the name of one here are out of sight until the end.
        """
        token, path = _BASEDIR.set(folder), list(sys.path)
        sys.path.insert(0, str(folder))
        if folder not in self._folders:
            self._folders.append(folder)
        others = [known for known in self._folders if known != folder]
        _make_package(SCRIPTS, [place / SCRIPTS for place in (folder, *others, ROOT)])
        if folder.parent.name.startswith("extensions"):
            _make_package(folder.parent.name, [folder.parent])
        hidden = _hide(folder, others)
        try:
            yield
        finally:
            sys.path[:] = path
            _BASEDIR.reset(token)
            _show_again(folder, hidden)


IMPORTS = ScriptImports()


def _make_package(name: str, folders: Sequence[Path]) -> None:
    package = sys.modules.setdefault(name, ModuleType(name))
    known = [] if name == SCRIPTS else list(package.__path__ if hasattr(package, "__path__") else [])
    package.__path__ = list(dict.fromkeys([*(str(folder) for folder in folders), *known]))


def _hide(folder: Path, others: Sequence[Path]) -> dict[str, ModuleType]:
    """Take modules of `others` away that stand before modules of `folder` that have their names."""
    hidden = {}
    for name, module in _modules_from(others):
        parts = name.split(".")[: 2 if name.startswith(f"{SCRIPTS}.") else 1]
        own = folder.joinpath(*parts)
        if own.is_dir() or own.with_name(f"{own.name}.py").is_file():
            hidden[name] = module
            del sys.modules[name]
            _bind(name, None)
    return hidden


def _modules_from(folders: Sequence[Path]) -> list[tuple[str, ModuleType]]:
    """Modules that lie in one of these extensions; of the program's own, scripts alone count. Thousands are looked through."""
    of_extensions = tuple(f"{folder}{os.sep}" for folder in folders if folder != ROOT)
    of_scripts = (*of_extensions, *(f"{folder / SCRIPTS}{os.sep}" for folder in folders if folder == ROOT))
    found = []
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.startswith(of_scripts if name.startswith(f"{SCRIPTS}.") else of_extensions):
            found.append((name, module))
    return found


def _show_again(folder: Path, hidden: dict[str, ModuleType]) -> None:
    for name, module in hidden.items():
        if name in sys.modules:
            sys.modules[f"{folder.name}.{name}"] = sys.modules[name]
        sys.modules[name] = module
        _bind(name, module)


def _bind(name: str, module: ModuleType | None) -> None:
    """Set or remove a module's name in its package."""
    package, _, own = name.rpartition(".")
    parent = sys.modules.get(package)
    if parent is not None and module is not None:
        setattr(parent, own, module)
    elif parent is not None:
        vars(parent).pop(own, None)
