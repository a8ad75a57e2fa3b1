"""From controls to `script_args` and back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from modules.plugins.runner import ScriptRunner
from modules.plugins.script import Script
from modules.web.ui.script_controls import ShownScript, collect, set_value


class Named(Script):
    def __init__(self, title: str) -> None:
        self._title = title

    def title(self) -> str:
        return self._title


def test_values_go_to_their_scripts_and_the_rest_keeps_its_start_value() -> None:
    pick, other, every = Named("Pick"), Named("Other"), Named("Every")
    runner = ScriptRunner([pick, other], [every], {"Pick": ["a", "b"], "Other": ["c"], "Every": [1, 2, 3]})
    shown = [ShownScript(every, [0, 0, 0]), ShownScript(pick, [0]), ShownScript(other, [0, 0])]
    assert collect(runner, shown, [2, 10, 20, 30, "A", "C", "too many"]) == [2, 10, 20, 30, "A", "b", "C"]
    assert collect(runner, [], [None]) == runner.default_args()


@pytest.mark.parametrize(
    ("control", "value", "shown"),
    [
        ({"value": 4}, 7, 7),
        ({"value": "b", "choices": [("A", "a"), ("B", "b")], "type": "index"}, 0, "a"),
        ({"value": ["b"], "choices": [("A", "a"), ("B", "b")], "type": "index"}, [0, 1], ["a", "b"]),
        ({"value": "b", "choices": [("A", "a"), ("B", "b")], "type": "index"}, 9, "b"),
        ({"value": "b", "choices": [("A", "a"), ("B", "b")], "type": "value"}, "a", "a"),
        ({"value": 4}, object(), 4),
    ],
)
def test_a_control_shows_what_a_job_got_from_it(control: dict[str, Any], value: Any, shown: Any) -> None:
    component = SimpleNamespace(**control)
    set_value(component, value)
    assert component.value == shown
