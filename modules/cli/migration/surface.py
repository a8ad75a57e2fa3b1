"""What the program really offers to extensions: asked of the running faces, of gradio as the bridge makes it, of the packages here."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import re
import sys
from types import SimpleNamespace
from typing import Any

from modules.base.registry import load_dotted
from modules.cli.migration.scan import FileScan, Kind, Use
from modules.plugins.dependencies import STAND_INS
from modules.plugins.hooks import HOOKS

LOADED_MODEL = "modules.shared.sd_model"
HOLDERS = ("modules.shared.opts", "modules.shared.state", "modules.shared.cmd_opts", LOADED_MODEL)
FREELY_SET = ("modules.shared.opts.", "modules.shared.state.", "modules.shared.cmd_opts.", "modules.shared.options_templates")
"""What extensions may set; anything else of the program that they replace would not be used."""


class Surface:
    """Answers whether a name is there; each is looked up once."""

    def __init__(self) -> None:
        self._lacks = functools.cache(self._look_up)
        self._package = functools.cache(has_package)

    def complain(self, use: Use, scan: FileScan) -> str:
        """What is missing of one use, in words; empty when it is there."""
        if use.kind is Kind.PROGRAM:
            return self._check_program(use.name, scan)
        if use.kind is Kind.GRADIO:
            first = use.name.split(".")[1:2]
            return f"gradio.{first[0]}" if first and not self._has(self._gradio, first[0]) else ""
        if use.kind is Kind.FIELD:
            is_there = use.name in scan.given or any(self._has(p, use.name) for p in self._processing)
            return "" if is_there else f"p.{use.name}"
        if use.kind is Kind.HOOK:
            return f"{use.name}() is never called here" if use.name in self._silent_hooks else ""
        if use.kind is Kind.REPLACED:
            return "" if use.name.startswith(FREELY_SET) else f"it replaces {use.name}, which is not looked at here"
        return ""

    def has_package(self, name: str) -> bool:
        """Whether a top-level module can be imported here."""
        return bool(self._package(name.partition(".")[0]))

    def _check_program(self, name: str, scan: FileScan) -> str:
        words = name.split(".")
        if words[:3] == ["modules", "shared", "opts"] and len(words) > 3 and (scan.has_unknown_options or words[3] in scan.options):
            return ""
        if words[:3] == ["modules", "shared", "cmd_opts"] and len(words) > 3 and words[3] in scan.flags:
            return ""
        return str(self._lacks(name))

    def _look_up(self, name: str) -> str:
        """The shortest part of a dotted name that is not there; empty when all is. Values are followed only where they hold names."""
        words, found, value = name.split("."), "", None
        for word in words:
            dotted = f"{found}.{word}" if found else word
            module = _import(dotted) if value is None or _is_module(value) else None
            if module is None:
                if value is None:
                    return dotted
                if not self._has(value, word):
                    return dotted
                module = self._model if dotted == LOADED_MODEL else _get(value, word)
                if not _is_module(module) and not isinstance(module, type) and dotted not in HOLDERS:
                    return ""
            found, value = dotted, module
        return ""

    @functools.cached_property
    def _gradio(self) -> Any:
        apply_bridge: Any = load_dotted("modules.web.ui.bridge.gradio3:apply_bridge")
        apply_bridge()
        return importlib.import_module("gradio")

    @functools.cached_property
    def _processing(self) -> list[Any]:
        """One job of each kind: scripts that serve both tabs ask which it is before they use a field."""
        kinds: list[Any] = [load_dotted(f"modules.pipeline.processing:{name}") for name in ("Img2ImgProcessing", "Txt2ImgProcessing")]
        return [kind() for kind in kinds]

    @functools.cached_property
    def _model(self) -> Any:
        """A loaded model's names, without a model: those of its class, and those that its methods set."""
        kind: Any = load_dotted("modules.backends.families.sd1:StableDiffusion")
        own = re.findall(r"self\.(\w+)\b(?=[^=\n]*=[^=])", inspect.getsource(kind))
        return SimpleNamespace(**dict.fromkeys([*own, *(name for name in dir(kind) if not name.startswith("__"))]))

    @functools.cached_property
    def _silent_hooks(self) -> frozenset[str]:
        return frozenset(hook.name for hook in HOOKS if not hook.is_called)

    @staticmethod
    def _has(value: Any, name: str) -> bool:
        try:
            getattr(value, name)
        except (AttributeError, ImportError):
            return False
        except Exception:  # it is there, but has nothing to show without a running program
            return True
        return True


def has_package(name: str) -> bool:
    """Whether Python finds a top-level module of this name, apart from those of the working folder's scripts."""
    if name in sys.stdlib_module_names or name in sys.modules or (STAND_INS / f"{name}.py").is_file():
        return True
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _import(dotted: str) -> Any:
    """A module of the program, or None when there is none of that name."""
    try:
        return importlib.import_module(dotted)
    except ImportError:
        return None


def _get(value: Any, name: str) -> Any:
    try:
        return getattr(value, name)
    except Exception:
        return None


def _is_module(value: Any) -> bool:
    return isinstance(value, type(sys))
