"""docs/extensions.md describes every hook, every hook in its tables is called somewhere, and so is no other."""

from __future__ import annotations

import ast

from modules.cli.extensions_page import attributes_of
from modules.plugins.hooks import HOOKS, POSTPROCESSING_HOOKS
from modules.plugins.script import Script
from tests.source_tree import ROOT, parse, python_files

CALLERS = {"tell", "dispatch", "call", "call_in_job", "results", "_tell_component", "_tell"}
"""Functions that get the name of a hook to call."""


def called_names() -> set[str]:
    """Hooks that our own code calls, by what it hands to those who call them, or by the method's own name."""
    found = set()
    for path in python_files("modules"):
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.Call):
                callee = node.args[0] if isinstance(node.func, ast.Name) and node.func.id == "partial" and node.args else node.func
                if getattr(callee, "attr", getattr(callee, "id", None)) in CALLERS:
                    found |= {value.value for value in node.args if isinstance(value, ast.Constant) and isinstance(value.value, str)}
    return found


def test_every_hook_is_described_and_called() -> None:
    assert all(hook.when and hook.doc and hook.doc.endswith(".") for hook in HOOKS)
    page = (ROOT / "docs" / "extensions.md").read_text(encoding="utf-8")
    assert not [hook.name for hook in HOOKS if f"| `{hook.name}(" not in page]
    postprocessing = {hook.name for hook in POSTPROCESSING_HOOKS}
    wanted = {hook.name for hook in HOOKS if hook.is_called} - postprocessing
    component = {"before_component", "after_component"}
    called = called_names() | {f"on_{name}" for name in component & called_names()}
    assert sorted(wanted - called) == []
    assert not {hook.name for hook in HOOKS if not hook.is_called} & called


def test_every_attribute_of_a_script_is_described() -> None:
    described = {name for names, _ in attributes_of(Script) for name in names.split("`, `")}
    assert described >= set(Script.__annotations__) - {"section", "alwayson"}
