"""Scripts are found by title, called in order, and cannot take a job down."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from modules.base.errors import InvalidRequest, ScriptFailed
from modules.plugins.hooks import HOOK_NAMES
from modules.plugins.runner import ScriptRunner
from modules.plugins.script import Script


class Noted(Script):
    def __init__(self, title: str, calls: list[Any]) -> None:
        self._title, self.calls = title, calls

    def title(self) -> str:
        return self._title

    def process(self, p: Any, *args: Any) -> None:
        self.calls.append((self._title, args))

    def run(self, p: Any, *args: Any) -> Any:
        return SimpleNamespace(images=[], infotexts=[f"{self._title} {args}"], js=dict)


class Broken(Noted):
    def process(self, p: Any, *args: Any) -> None:
        raise RuntimeError("third party")


class Leaving(Noted):
    def title(self) -> str:
        if self.args_to:
            raise RuntimeError("no title any more")
        return self._title

    def process(self, p: Any, *args: Any) -> None:
        raise SystemExit(3)


class Pressing(Noted):
    def process(self, p: Any, *args: Any) -> None:
        raise KeyboardInterrupt


class Running(Noted):
    """Its `run` raises or returns `outcome`."""

    def __init__(self, outcome: Any) -> None:
        super().__init__("Runs", [])
        self.outcome = outcome

    def run(self, p: Any, *args: Any) -> Any:
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


def job(args: list[Any]) -> Any:
    return SimpleNamespace(script_args=args)


def test_each_script_gets_its_own_values() -> None:
    calls: list[Any] = []
    runner = ScriptRunner(
        [Noted("Pick me", calls)], [Noted("One", calls), Noted("Two", calls)], {"One": [1, 2], "Two": [3], "Pick me": [4]}
    )
    args = runner.assemble_args("pick ME", ["chosen"], {"two": {"args": ["new", "too many"]}})
    runner.dispatch("process", job(args))
    assert calls == [("One", (1, 2)), ("Two", ("new",))]
    assert runner.run_selected(job(args)).infotexts == ["Pick me ('chosen',)"]
    assert runner.run_selected(job(runner.default_args())) is None


def test_a_script_that_raises_is_named_and_skipped(caplog: pytest.LogCaptureFixture) -> None:
    calls: list[Any] = []
    runner = ScriptRunner([], [Broken("Bad", calls), Leaving("Gone", calls), Pressing("Key", calls), Noted("Good", calls)])
    p = SimpleNamespace(script_args=runner.default_args(), notes=[])
    runner.dispatch("process", p)
    runner.dispatch("process", p)
    assert calls == [("Good", ()), ("Good", ())]
    assert p.notes == [
        "Script Bad failed in process and was skipped: RuntimeError: third party",
        "Script Leaving failed in process and was skipped: SystemExit: 3",
        "Script Key failed in process and was skipped: KeyboardInterrupt: ",
    ]
    assert "'Bad' failed in process" in caplog.text


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (5, "run() returned int, not Processed or None"),
        ([], "run() returned list, not Processed or None"),
        (SystemExit(4), "SystemExit: 4"),
        (KeyboardInterrupt(), "KeyboardInterrupt: "),
        (RuntimeError("third party"), "RuntimeError: third party"),
    ],
)
def test_a_selected_script_that_fails_is_named(outcome: Any, told: str) -> None:
    with pytest.raises(ScriptFailed) as caught:
        ScriptRunner([Running(outcome)]).run_selected(job([1]))
    assert str(caught.value) == f"Script Runs failed: {told}"
    assert caught.value.__cause__ is (outcome if isinstance(outcome, BaseException) else None)


def test_what_the_pipeline_told_a_script_is_passed_on() -> None:
    error = InvalidRequest("steps", 0, "1 or more")
    with pytest.raises(InvalidRequest) as caught:
        ScriptRunner([Running(error)]).run_selected(job([1]))
    assert caught.value is error
    assert ScriptRunner([Running(None)]).run_selected(job([1])) is None


@pytest.mark.parametrize(
    ("name", "alwayson", "told"),
    [
        ("no such", {}, "Script 'no such' not found"),
        (None, {"no such": {}}, "Script 'no such' not found"),
        (None, {"Pick me": {}}, "Cannot have a selectable script"),
    ],
)
def test_wrong_titles_are_told_in_a1111s_words(name: str | None, alwayson: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ScriptRunner([Noted("Pick me", [])]).assemble_args(name, [], alwayson)
    assert told in caught.value.wanted


def test_only_hooks_of_the_table_are_dispatched() -> None:
    assert "process" in HOOK_NAMES
    with pytest.raises(KeyError, match="no_such_hook"):
        ScriptRunner().dispatch("no_such_hook", job([0]))
