"""From an infotext to the controls of scripts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from modules.plugins.runner import ScriptRunner
from modules.plugins.script import Script
from modules.web.ui.script_infotext import read_field, wished_args

IS_ON, COUNT, KIND, WORDS = (
    SimpleNamespace(value=False),
    SimpleNamespace(value=0.5),
    SimpleNamespace(value="b", choices=[("A", "a"), ("B", "b")], type="index"),
    SimpleNamespace(value=None),
)


class Every(Script):
    controls = (IS_ON, COUNT, KIND)
    infotext_fields = [  # noqa: RUF012 - as extensions write it
        (IS_ON, "Is on"),
        (COUNT, "Count", "its name over the API"),
        (KIND, lambda values: {"__type__": "update", "value": values["Kind"]} if "Kind" in values else None),
        (WORDS, "Words"),
        (IS_ON,),
        None,
    ]

    def title(self) -> str:
        return "Every"


@pytest.fixture
def runner() -> ScriptRunner:
    return ScriptRunner([], [Every()], {"Every": [False, 0.5, 1]})


@pytest.mark.parametrize(
    ("values", "args"),
    [
        ({"Is on": "True", "Count": "3", "Kind": "a"}, [0, True, 3.0, 0]),
        ({"Count": "many", "Kind": "z", "Is on": "yes", "Words": "x"}, [0, False, 0.5, 1]),
        ({"Steps": "20", "Words": "not handed to jobs"}, None),
    ],
)
def test_stated_values_become_args(runner: ScriptRunner, values: dict[str, str], args: list[Any] | None) -> None:
    """What is not stated, or cannot be read, stays as scripts start."""
    assert wished_args(runner, values) == args


@pytest.mark.parametrize(
    ("component", "key", "shown"),
    [
        (WORDS, "Words", "a, b"),
        (COUNT, "Count", 2.0),
        (SimpleNamespace(value=3), "Count", 2),
        (IS_ON, lambda values: values["nothing"], None),
        (IS_ON, "Gone", None),
        (COUNT, lambda values: [1, 2], [1, 2]),
    ],
)
def test_a_field_is_read_in_the_type_of_its_component(component: Any, key: Any, shown: Any) -> None:
    update = read_field(Every(), component, key, {"Words": "a, b", "Count": "2"})
    assert (update and update["value"]) == shown
