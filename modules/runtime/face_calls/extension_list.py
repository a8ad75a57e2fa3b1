"""A1111's `extensions`: the list of extensions, as scripts look at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from modules.runtime.face_calls.lookup import look_up
from modules.runtime.shared_objects import SHARED


def known_extensions() -> list[Any]:
    """All, `plugins.extensions.Extension` each, in the order of loading."""
    return list(SHARED.session.extensions) if SHARED.is_bound else []


def active() -> list[Any]:
    """Those that are enabled."""
    return [extension for extension in known_extensions() if extension.is_enabled]


def list_extensions() -> None:
    """Accepted: the folders are looked at when the program starts."""


VALUES: Mapping[str, Callable[[], Any]] = {
    "extensions": known_extensions,
    "extension_paths": lambda: {str(extension.path): extension for extension in known_extensions()},
    "extensions_dir": lambda: str(SHARED.paths.extensions),
    "extensions_builtin_dir": lambda: str(SHARED.paths.builtin_extensions),
    "loaded_extensions": lambda: {extension.canonical_name: extension for extension in known_extensions()},
}


def find_extensions_name(module: str, name: str) -> Any:
    """A value of `modules.extensions` now."""
    return look_up(VALUES, module, name)
