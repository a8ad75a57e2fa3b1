from __future__ import annotations

import math

import pytest

from modules.base.checks import to_choice, to_choices, to_number, to_whole
from modules.base.errors import InvalidRequest

SIDES = ("left", "right", "up", "down")


def test_numbers_come_as_numbers_or_text() -> None:
    assert to_number("cfg", "7.5") == 7.5
    assert repr(to_number("cfg", 7)) == "7"  # infotext tells it as it came
    assert to_whole("loops", 4.0, 1, 10) == 4


@pytest.mark.parametrize("value", [None, True, "many", math.nan, math.inf, "1e999", [], -1, 11])
def test_what_is_no_number_in_range_is_refused(value: object) -> None:
    with pytest.raises(InvalidRequest, match="loops.*from 0 up to 10"):
        to_number("loops", value, 0, 10)


def test_fractions_are_not_whole() -> None:
    with pytest.raises(InvalidRequest, match="whole number from 1"):
        to_whole("loops", 1.5, 1)


def test_choices_by_name_and_by_place() -> None:
    assert to_choice("side", "Up", SIDES) == to_choice("side", 2, SIDES) == "up"
    assert to_choices("sides", ["down", "LEFT", "left"], SIDES) == ["left", "down"]
    assert to_choices("sides", "right", SIDES) == ["right"]
    assert to_choices("sides", [], SIDES) == []


@pytest.mark.parametrize("value", ["north", 4, -1, 1.5, None, True])
def test_unknown_choices_are_refused(value: object) -> None:
    with pytest.raises(InvalidRequest, match="one of left, right, up, down"):
        to_choice("side", value, SIDES)
    with pytest.raises(InvalidRequest, match="left"):
        to_choices("sides", 5, SIDES)
