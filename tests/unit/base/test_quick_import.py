"""A module's chore is left out, and the rest of it stays."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from modules.base.setup.quick_import import SkipOnImport


def test_the_named_function_does_nothing_and_the_rest_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "chores_for_test.py").write_text("def chore(a):\n    raise RuntimeError\n\ndef work(a):\n    return chore(a), a\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", [SkipOnImport("chores_for_test", "chore"), *sys.meta_path])
    module = importlib.import_module("chores_for_test")
    assert module.work(3) == (None, 3)


def test_a_module_without_the_function_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "plain_for_test.py").write_text("value = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", [SkipOnImport("plain_for_test", "chore"), *sys.meta_path])
    module = importlib.import_module("plain_for_test")
    assert (module.value, hasattr(module, "chore")) == (1, False)
