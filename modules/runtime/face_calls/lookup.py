"""Values that change while the program runs, behind names of a face module (PEP 562)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def look_up(values: Mapping[str, Callable[[], Any]], module: str, name: str) -> Any:
    """The value of `name` now.

    Raises:
        AttributeError: The face `module` offers no such name.
    """
    if name in values:
        return values[name]()
    raise AttributeError(f"module {module!r} has no attribute {name!r}")


def refuse(module: str, instead: str) -> None:
    """For faces of what is not offered.

    Raises:
        ImportError: Always; it says what there is instead.
    """
    raise ImportError(f"Pentimento does not offer {module}: {instead}", name=module)
