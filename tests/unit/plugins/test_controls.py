"""Controls as plain data."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from modules.plugins.controls import Control, read_controls


@pytest.mark.parametrize(
    ("kind", "value", "start"),
    [
        ("index", "b", 1),
        ("index", ["c", "a"], [2, 0]),
        ("index", None, None),
        ("index", "gone", None),
        ("value", "b", "b"),
        (None, "b", "b"),
    ],
)
def test_jobs_get_what_the_page_would_give_them(kind: str | None, value: Any, start: Any) -> None:
    (control,) = read_controls([SimpleNamespace(label="Pick", value=value, choices=[("A", "a"), "b", "c"], type=kind)])
    assert control.value == value and control.start == start
    assert control.as_dict()["choices"] == ["a", "b", "c"] and "is_by_number" not in control.as_dict()


def test_a_control_of_numbers_alone_starts_with_its_value() -> None:
    assert Control("Steps", 7, 1, 9).start == 7
