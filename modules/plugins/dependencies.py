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

from modules.plugins.extensions import Extension

STAND_INS = Path(__file__).parent / "stand_ins"
"""Modules that extensions expect of every Python; those that this one has go first."""


class DependencyFinder(MetaPathFinder):
    """Finds in an extension's `.deps` what nobody else found, when code of that extension is on the stack.

    So it holds for imports within hooks too, on any thread, and without anything on `sys.path`.
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
            for prefix, folder in self._places:
                if name.startswith(prefix):
                    return folder
            frame = frame.f_back
        return None


def offer_dependencies(extensions: Iterable[Extension]) -> None:
    """Let each of these extensions find its own packages, instead of those that were told before."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, DependencyFinder)]
    sys.meta_path.append(DependencyFinder(extensions))
    importlib.invalidate_caches()
