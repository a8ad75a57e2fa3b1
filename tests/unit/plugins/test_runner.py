"""Scripts are found by title, called in order, and cannot take a job down."""

from __future__ import annotations

import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from modules.base.errors import InvalidRequest, ScriptFailed
from modules.plugins.callback_order import ORDER
from modules.plugins.guard import MOST_FAULTS
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


class Every(Script):
    """Notes what its hooks are handed."""

    def __init__(self, title: str = "Every", **attributes: Any) -> None:
        self._title, self.seen = title, list[Any]()
        vars(self).update(attributes)

    def title(self) -> str:
        return self._title

    def setup(self, p: Any, *args: Any) -> None:
        self.seen.append(("setup", args))

    def process(self, p: Any, *args: Any) -> None:
        self.seen.append(("process", args))

    def postprocess_batch(self, p: Any, *args: Any, images: Any, batch_number: int) -> None:
        self.seen.append((images, batch_number, args))

    def postprocess_image(self, p: Any, pp: Any, *args: Any) -> None:
        self.seen.append((pp, args))


def test_hooks_can_be_called_by_name_as_scripts_do() -> None:
    script = Every()
    runner = ScriptRunner([], [script], {"Every": [5]})
    p = job(runner.default_args())
    filtered = copy.copy(runner)
    filtered.alwayson_scripts = []
    filtered.process(p)
    runner.process(p)
    runner.postprocess_batch(p, "batch", batch_number=2)
    runner.postprocess_image(p, "args")
    runner.setup_scrips(p, is_ui=False)
    assert script.seen == [("process", (5,)), ("batch", 2, (5,)), ("args", (5,)), ("setup", (5,))]
    assert hasattr(runner, "before_process") and not hasattr(runner, "before_breakfast")
    filtered.scripts = [script]
    assert filtered.scripts == runner.scripts == [script] and filtered.alwayson_scripts == []


def test_what_a_script_set_up_for_the_page_does_is_not_done_for_the_api() -> None:
    script = Every(setup_for_ui_only=True)
    for is_api in (True, False):
        ScriptRunner([], [script]).dispatch("setup", SimpleNamespace(script_args=[0], is_api=is_api))
    assert script.seen == [("setup", ())]


@pytest.mark.parametrize("spoiled", [None, 7, "text", [], [0]])
def test_values_that_one_script_loses_are_there_for_the_next(spoiled: Any) -> None:
    class Spoils(Noted):
        def process(self, p: Any, *args: Any) -> None:
            p.script_args = spoiled

    after = Every()
    p = SimpleNamespace(script_args=[0, 1, 2], notes=[])
    ScriptRunner([], [Spoils("Spoils", []), after], {"Spoils": [1], "Every": [2]}).dispatch("process", p)
    assert after.seen == [("process", (2,))] and p.script_args == [0, 1, 2]
    assert len(p.notes) == 1 and "Spoils failed in process" in p.notes[0] and "script_args" in p.notes[0]


def test_scripts_hear_of_components_and_of_the_one_they_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Any] = []

    class Hears(Every):
        def before_component(self, component: Any, **named: Any) -> None:
            heard.append(("before", component, named))

        def after_component(self, component: Any, **named: Any) -> None:
            raise SystemExit(3)

    script = Hears()
    script.on_before_component(lambda on: 1 / 0, elem_id="width")
    script.on_after_component(lambda on: heard.append(on.component), elem_id="width")
    runner = ScriptRunner([Every("Pick")], [script])
    for elem_id in ("width", "height"):
        runner.before_component(elem_id.upper(), elem_id=elem_id, label="L")
        runner.after_component(elem_id.upper(), elem_id=elem_id)
    assert heard == [
        ("before", "WIDTH", {"elem_id": "width", "label": "L"}),
        "WIDTH",
        ("before", "HEIGHT", {"elem_id": "height", "label": "L"}),
    ]
    assert caplog.text.count("failed in after_component") == 1  # though it fails at every component
    assert {(entry.hook, entry.reason) for entry in runner.failed} == {
        ("before_component", "ZeroDivisionError: division by zero"),
        ("after_component", "SystemExit: 3"),
    }


def test_a_runner_tells_of_its_scripts() -> None:
    control = SimpleNamespace(value=1)
    every, pick = Every("Every", controls=[control], infotext_fields=[(control, "Key")], paste_field_names=["Key"]), Every("Pick Me")
    runner = ScriptRunner([pick], [every])
    assert runner.title_map == {"every": every, "pick me": pick} and runner.script("PICK me") is pick and runner.script("no") is None
    assert (runner.inputs, runner.infotext_fields, runner.paste_field_names) == ([None, control], [(control, "Key")], ["Key"])


def test_hooks_come_in_the_order_that_extensions_ask_for(tmp_path: Path) -> None:
    (tmp_path / "late").mkdir()
    (tmp_path / "late" / "metadata.ini").write_text("[callbacks/late/l.py/script_process]\nAfter = base/b.py/script_process")
    late, other = Every("Late", filename=str(tmp_path / "late" / "l.py")), Every("Other", filename="b.py")
    order: list[str] = []
    late.process = lambda p, *args: order.append("late")  # type: ignore[method-assign]
    other.process = lambda p, *args: order.append("other")  # type: ignore[method-assign]
    runner = ScriptRunner([], [late, other])
    ORDER.learn([tmp_path / "late"])
    runner.dispatch("process", job([0]))
    ORDER.learn([])
    runner.dispatch("process", job([0]))
    assert order == ["other", "late", "late", "other"]


def test_a_script_that_fails_in_other_words_each_time_fills_no_memory() -> None:
    class Restless(Script):
        def title(self) -> str:
            return "Restless"

        def process(self, p: Any, *args: Any) -> None:
            raise RuntimeError(str(len(runner.failed)))

    runner = ScriptRunner(alwayson=[Restless()])
    for _ in range(3 * MOST_FAULTS):
        runner.dispatch("process", SimpleNamespace(script_args=[0], notes=[]))
    assert len(runner.failed) == MOST_FAULTS
