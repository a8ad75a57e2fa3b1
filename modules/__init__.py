"""Pentimento: a studio for repainting pictures. Files here are the face, folders are the house."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """Modules that nobody has imported yet: scripts say `import modules` and take it that A1111 has loaded `modules.sd_models`."""
        full_name = f"{__name__}.{name}"
        try:
            if not name.startswith("_"):
                return import_module(full_name)
        except ModuleNotFoundError as error:
            if error.name != full_name:
                raise
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
