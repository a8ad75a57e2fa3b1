from __future__ import annotations

from typing import Any

import pytest

from modules.base.errors import InvalidRequest
from modules.pipeline.plots.axis_values import join_list, read_values, split_list, str_permutations


@pytest.mark.parametrize(
    ("text", "kind", "values"),
    [
        ("1, 5 ,9", int, [1, 5, 9]),
        ("1-5", int, [1, 2, 3, 4, 5]),
        ("1-5 (+2)", int, [1, 3, 5]),
        ("1 - 6 ( 2 ), -1", int, [1, 3, 5, -1]),
        ("10-5 (-3)", int, [10, 7]),
        ("3-1", int, [3, 2, 1]),
        ("-2--1, +3", int, [-2, -1, 3]),
        ("1-10 [5]", int, [1, 3, 5, 7, 10]),
        ("7-9 [1]", int, [7]),
        ("1-3 (+0.5)", float, [1, 1.5, 2, 2.5, 3]),
        ("0.0-1.0 [6]", float, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        ("0.1-0.5 (.1), 7", float, [0.1, 0.2, 0.3, 0.4, 0.5, 7]),
        ("1e-3", float, [0.001]),
        ("a-b, 1-5", str, ["a-b", "1-5"]),
        ('"a, b", c,', str, ["a, b", "c", ""]),
        ("a\nb", str, ["a", "b"]),
        ("a, b", str_permutations, [("a", "b"), ("b", "a")]),
        ("", int, []),
    ],
)
def test_values(text: str, kind: Any, values: list[Any]) -> None:
    read = read_values("X values", split_list(text), kind)
    assert read == values and [type(value) for value in read] == [kind if kind in (int, float) else type(value) for value in values]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("a", int), ("1.5", int), ("1-2.5", int), ("1-5 (0)", int), ("1-5 (-1)", int), ("1-5 [0]", int), ("1-999999999999", int),
        ("", float), ("0-1 (+0.0000001)", float), ("1-2 [99999999]", float), ("1e999999", int), ("nan-1", int), ("1-500, 1-501", int),
        ("a,b,c,d,e,f,g", str_permutations), (",".join("abcdefghijklmnopqrstuvwxyz"), str_permutations),
    ],
)  # fmt: skip
def test_values_that_cannot_be_read_are_named(text: str, kind: Any) -> None:
    with pytest.raises(InvalidRequest, match="X values: got "):
        read_values("X values", split_list(text) or [""], kind)


def test_joining_and_splitting() -> None:
    parts = ["a, b", 'say "no"', "", " c"]
    assert split_list(join_list(parts)) == ["a, b", 'say "no"', "", "c"]
