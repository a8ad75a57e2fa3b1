"""Names of layers and documents that are safe to show and told apart."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection

from modules.base.errors import InvalidRequest

MAX_CHARACTERS = 120
JOINERS = "\u200c\u200d"  # they shape Persian words and emoji


def tidy_name(field: str, name: object, default: str = "") -> str:
    """One line without control characters, of at most 120 characters; the default where nothing of it is left.

    Raises:
        InvalidRequest: No text, or nothing of it is left and there is no default.
    """
    if not isinstance(name, str):
        raise InvalidRequest(field, name, "a text")
    spaced = "".join(" " if sign.isspace() else sign for sign in name)
    shown = "".join(sign for sign in spaced if sign in JOINERS or unicodedata.category(sign)[0] != "C")
    tidy = " ".join(shown.split())[:MAX_CHARACTERS].strip()
    tidy = tidy if tidy.strip(JOINERS) else default
    if not tidy:
        raise InvalidRequest(field, name, "a name of at least one character")
    return tidy


def free_name(name: str, taken: Collection[str]) -> str:
    """The name, or the first of "name 2", "name 3" ... that is not taken (capitals do not tell names apart)."""
    known = {other.casefold() for other in taken}
    number, free = 1, name
    while free.casefold() in known:
        number += 1
        free = f"{name[: MAX_CHARACTERS - 8]} {number}"
    return free
