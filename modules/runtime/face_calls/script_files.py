"""A1111's `script_loading`: executing a Python file of an extension."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType


def load_module(path: str) -> ModuleType:
    """Execute a file as a module that nobody else sees.

    Raises:
        ImportError: It is no Python file.
        Exception: Whatever the file raises.
    """
    spec = importlib.util.spec_from_file_location(Path(path).name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
