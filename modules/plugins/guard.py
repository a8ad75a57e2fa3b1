"""Third parties' code is called so that what it breaks is noticed, named and put back."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import Any

from PIL.Image import Image

from modules.plugins.not_offered import explain

RESULT_ATTRIBUTES = ("images", "infotexts", "js")
"""What tells a result of `run` from anything else: `Processed` belongs to a floor above, and scripts may bring their own."""

MOST_FAULTS = 8
"""What is remembered of one hook: the same fault may be told in other words each time."""


def is_result(value: object) -> bool:
    """Whether this is what `Script.run` may return."""
    return all(hasattr(value, name) for name in RESULT_ATTRIBUTES)


def is_stop(error: BaseException) -> bool:
    """Whether this is a person's Ctrl+C and not a script's doing: only the main thread gets those."""
    return isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread()


def describe(error: BaseException) -> str:
    """An error in one line; of an import that cannot be had, also why."""
    return explain(error) or f"{type(error).__name__}: {error}".splitlines()[0]


@contextmanager
def keep_whole(*handed: Any) -> Iterator[None]:
    """While third parties' code runs, watch over the objects it was handed; those it leaves unusable are put back as they were.

    Args:
        handed: Objects with `fault()` (what is wrong with it, or None), results of a job, and dataclasses that hold tensors; what else is
            here is not watched.

    Raises:
        TypeError: One was unusable, which the error names.
    """
    before = [(value, dict(vars(value)), _copy(vars(value))) for value in handed if _is_watched(value)]
    faults = []
    try:
        yield
    finally:
        for value, held, kept in before:
            fault = _fault(value, held)
            if fault:
                _restore(value, held, kept)
                faults.append(fault)
    if faults:
        raise TypeError(faults[0])


def _is_watched(value: Any) -> bool:
    return hasattr(value, "__dict__") and (hasattr(value, "fault") or is_dataclass(value) or is_result(value))


def _copy(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.copy() if isinstance(value, list | dict) else value for name, value in values.items()}


def _restore(value: Any, held: Mapping[str, Any], kept: Mapping[str, Any]) -> None:
    """Give `value` the attributes it held, and these what was in them: others may hold the same lists."""
    vars(value).update(held)
    for name, content in held.items():
        if isinstance(content, list):
            content[:] = kept[name]
        elif isinstance(content, dict):
            content.clear()
            content.update(kept[name])


def _fault(value: Any, before: Mapping[str, Any]) -> str | None:
    if hasattr(value, "fault"):
        said: str | None = value.fault()
        return said
    if is_result(value):
        return _result_fault(value)
    for field in fields(value):
        now, then = getattr(value, field.name, None), before.get(field.name)
        if len(_shape(then)) > 0 and (len(_shape(now)) != len(_shape(then)) or _shape(now)[0] != _shape(then)[0]):
            return f"{field.name} of {type(value).__name__} is {_say(now)}, not a tensor like the one that was there"
    return None


def _result_fault(value: Any) -> str | None:
    if not isinstance(value.images, list) or not all(isinstance(image, Image) or len(_shape(image)) in (2, 3) for image in value.images):
        return f"images is {_say(value.images)}, not a list of pictures"
    if not isinstance(value.infotexts, list) or not all(isinstance(text, str) for text in value.infotexts):
        return f"infotexts is {_say(value.infotexts)}, not a list of texts"
    return None


def _shape(value: Any) -> tuple[int, ...]:
    try:
        return tuple(getattr(value, "shape", ()))
    except TypeError:
        return ()


def _say(value: object) -> str:
    return "a list with something else" if isinstance(value, list) else type(value).__name__
