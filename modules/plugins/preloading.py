"""Flags that extensions add to the command line, by the function `preload(parser)` of their `preload.py`."""

from __future__ import annotations

import argparse
import importlib.util
import json
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from modules.base.paths import Paths
from modules.plugins.callbacks import CALLBACKS, BrokenCallback
from modules.plugins.dependencies import offer_dependencies
from modules.plugins.extensions import Extension, Without, find_extensions, what_is_left_out
from modules.plugins.guard import describe
from modules.settings.flags import Flags, parse_flags, parse_known_flags

logger = logging.getLogger(__name__)

PRELOAD = "preload.py"


def parse_with_preloads(argv: Sequence[str], root: Path) -> Flags:
    """Parse a command line that may have flags of extensions; exits with a message on a wrong one.

    The settings file is only looked at, since it says which extensions are switched off; whoever opens it later mends it.
    """
    known = parse_known_flags(argv)
    paths = Paths.under(root, known.data_dir)
    settings = _peek(paths.config)
    disabled, without = settings.get("disabled_extensions"), settings.get("disable_all_extensions")
    extensions = find_extensions(
        paths.builtin_extensions,
        paths.extensions,
        [name for name in disabled if isinstance(name, str)] if isinstance(disabled, list) else (),
        what_is_left_out(known, without if without in [each.value for each in Without] else Without.NONE.value),
        is_safe=known.safe,
    )
    return parse_flags(argv, partial(preload, extensions=extensions))


def preload(parser: argparse.ArgumentParser, extensions: Sequence[Extension]) -> None:
    """Let every enabled extension add its flags; one that fails is named, logged and passed over."""
    enabled = [extension for extension in extensions if extension.is_enabled and extension.holds(extension.path / PRELOAD)]
    if enabled:
        offer_dependencies(enabled)
    for extension in enabled:
        try:
            _preload(extension, parser)
        except (Exception, SystemExit) as error:
            logger.exception("%s of extension %s failed: the flags it has not added are unknown", PRELOAD, extension.name)
            file = extension.path / PRELOAD
            name = f"{extension.canonical_name}/{PRELOAD}/preload"
            CALLBACKS.broken.append(BrokenCallback("preload", name, str(file), describe(error), extension.path))


def _preload(extension: Extension, parser: argparse.ArgumentParser) -> None:
    file = extension.path / PRELOAD
    spec = importlib.util.spec_from_file_location(f"preload_of_{extension.name}", file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function = getattr(module, "preload", None)
    if function is not None:
        function(parser)


def _peek(config: Path) -> Mapping[str, Any]:
    try:
        settings = json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return settings if isinstance(settings, dict) else {}
