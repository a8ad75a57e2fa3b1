"""The object behind `modules.shared.cmd_opts`: our flags, and those that only A1111 has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modules.runtime.shared_session import SharedSession
from modules.settings.a1111_flags import FOLDERS, SWITCHES, VALUES


class SharedFlags:
    """Flags as attributes, with A1111's types: texts for folders, a list for `use_cpu`. What a script sets stays set.

    Args:
        shared: Gives flags and folders.
    """

    def __init__(self, shared: SharedSession) -> None:
        self._shared = shared

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        flags = self._shared.flags
        value = getattr(flags, name, None)
        if name == "use_cpu":
            return ["all"] if value else []
        if name in FOLDERS:
            return str(value if value is not None else self._shared.paths.data / FOLDERS[name])
        if isinstance(value, Path):
            return str(value)
        if value is not None or hasattr(flags, name):
            return value
        if name in VALUES:
            return VALUES[name]
        if name in SWITCHES:
            return False
        raise AttributeError(f"no flag {name!r}")
