"""Packages of an extension's own, in its folder `.deps`: only its code finds them, and only where the program has none of that name."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import Distribution, DistributionFinder, MetadataPathFinder
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from modules.base.registry import load_dotted
from modules.base.setup import extension_help
from modules.plugins.extensions import Extension

STAND_INS = Path(__file__).parent / "stand_ins"
"""Modules that extensions expect of every Python; those that this one has go first."""
PROGRAM = f"{Path(__file__).resolve().parents[1]}{os.sep}"
ON_BEHALF = (f"{STAND_INS}{os.sep}", extension_help.__file__)
"""Code of the program that looks for what extensions ask it for."""

LOADER = "modules.backends.loader:load_checkpoint"
"""Importing it imports the program's packages that look around for others, and settle for good what they do with what they found."""


class DependencyFinder(MetaPathFinder):
    """Finds in an extension's `.deps` what nobody else found, when the asking code is that extension's.

    So it holds for imports within hooks too, on any thread, and without anything on `sys.path`. What packages of the program look for is
    asked by whoever called them: the extension, or the program, which an extension may have called in turn.
    """

    def __init__(self, extensions: Iterable[Extension]) -> None:
        self._places: list[tuple[str, str]] = []
        for extension in extensions:
            for folder in dict.fromkeys((extension.path, extension.path.resolve())):
                self._places.append((f"{folder}{os.sep}", str(extension.dependencies)))

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """A module of the asking extension's packages; sub-modules are found by their package."""
        folder = self._folder() if path is None else None
        return None if folder is None else PathFinder.find_spec(fullname, [folder, str(STAND_INS)], target)

    def find_distributions(self, context: Any = None) -> Iterable[Distribution]:
        """What `importlib.metadata` tells the asking extension of its packages."""
        folder = self._folder()
        if folder is None:
            return ()
        return MetadataPathFinder.find_distributions(DistributionFinder.Context(name=getattr(context, "name", None), path=[folder]))

    def invalidate_caches(self) -> None:
        """Nothing is kept here."""

    def _folder(self) -> str | None:
        frame: FrameType | None = sys._getframe(2)
        while frame is not None:
            name = frame.f_code.co_filename
            if name.startswith(PROGRAM) and not name.startswith(ON_BEHALF):
                return None
            for prefix, folder in self._places:
                if name.startswith(prefix):
                    return folder
            frame = frame.f_back
        return None


def offer_dependencies(extensions: Iterable[Extension]) -> None:
    """Let each of these extensions find its own packages, instead of those that were told before.

    A package that an extension imports is there for everybody afterwards, so the program's packages make up their minds before that.
    """
    extensions = list(extensions)
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, DependencyFinder)]
    if any(holds_packages(extension.dependencies) for extension in extensions):
        load_dotted(LOADER)
    sys.meta_path.append(DependencyFinder(extensions))
    importlib.invalidate_caches()


def holds_packages(folder: Path) -> bool:
    """Whether there is anything to import in a folder `.deps`."""
    return folder.is_dir() and any(entry.is_dir() or entry.suffix != ".json" for entry in folder.iterdir())
