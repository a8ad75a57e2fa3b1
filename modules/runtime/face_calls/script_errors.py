"""A1111's `errors`: how scripts report what went wrong."""

from __future__ import annotations

import logging
import traceback
from collections import deque
from collections.abc import Callable
from typing import Any

logger = logging.getLogger("extension")
exception_records: deque[dict[str, Any]] = deque(maxlen=5)
_SHOWN: set[str] = set()


def format_traceback(tb: Any) -> list[list[str]]:
    """[place, line of code] pairs."""
    return [[f"{frame.filename}, line {frame.lineno}, {frame.name}", frame.line or ""] for frame in traceback.extract_tb(tb)]


def format_exception(e: BaseException, tb: Any) -> dict[str, Any]:
    return {"exception": str(e), "traceback": format_traceback(tb)}


def get_exceptions() -> list[dict[str, Any]]:
    """The last five, newest first."""
    return list(reversed(exception_records))


def record_exception() -> None:
    """Accepted: what is reported is recorded."""


def report(message: str, *, exc_info: bool = False) -> None:
    """Log a failure, with the exception in hand if `exc_info`."""
    logger.error("%s", message, exc_info=exc_info)


def display(e: BaseException, task: str, *, full_traceback: bool = False) -> None:
    """Log an exception that came up in doing `task`."""
    exception_records.append(format_exception(e, e.__traceback__))
    logger.error("%s: %s: %s", task or "error", type(e).__name__, e, exc_info=e)


def display_once(e: BaseException, task: str) -> None:
    """The same, but only the first for a task."""
    if task not in _SHOWN:
        _SHOWN.add(task)
        display(e, task)


def print_error_explanation(message: str) -> None:
    """Log a longer explanation."""
    logger.error("%s", message)


def run(code: Callable[[], Any], task: str) -> None:
    """Call `code`; what it raises is logged."""
    try:
        code()
    except Exception as error:
        display(error, task)


def check_versions() -> None:
    """Accepted: versions are pinned."""
