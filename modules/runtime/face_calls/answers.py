"""Answers to calls of A1111's that have nothing to do here, or cannot be done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from modules.base.errors import PentimentoError


def accept(*args: Any, **kwargs: Any) -> None:
    """For calls that have nothing to do here."""


def answer_no(*args: Any, **kwargs: Any) -> bool:
    """For questions whose answer is no here: low memory modes, half precision of other kinds."""
    return False


def say_why_not(name: str, instead: str) -> Callable[..., Any]:
    """A function of A1111's that cannot be had.

    Returns:
        A function that raises PentimentoError, saying what there is instead.
    """

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise PentimentoError(f"{name} is not offered: {instead}")

    return refuse


def topological_sort(dependencies: Mapping[str, list[str]]) -> list[str]:
    """Names in an order in which everything comes after what it depends on; circles are cut where they are entered."""
    done: dict[str, None] = {}
    entered: set[str] = set()

    def visit(name: str) -> None:
        if name in entered:
            return
        entered.add(name)
        for needed in dependencies.get(name, ()):
            if needed in dependencies:
                visit(needed)
        done[name] = None

    for name in dependencies:
        visit(name)
    return list(done)
