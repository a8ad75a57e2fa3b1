"""Names of layers and documents that are safe to show and told apart."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from modules.base.errors import InvalidRequest

MAX_CHARACTERS = 120
MAX_QUOTE = 24
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


def shorten(text: str) -> str:
    """One line without control signs and without what file names cannot hold, at most `MAX_QUOTE` signs."""
    plain = "".join(" " if sign in '/\\:*?"<>|' or unicodedata.category(sign).startswith(("C", "Z")) else sign for sign in text)
    words = " ".join(plain.split())
    return words if len(words) <= MAX_QUOTE else words[: MAX_QUOTE - 1].rstrip() + "…"


def text_name(string: str) -> str:
    """What a layer with this text is called until a person calls it otherwise: "text: SALE"."""
    said = shorten(string)
    return f"text: {said}" if said else "text"


def name_after_text(name: str, before: str, after: str, taken: Collection[str]) -> str:
    """The name of a text layer whose string changed: one that was made of the old string is made of the new one, a person's stays."""
    own = re.fullmatch(rf"{re.escape(_tight(text_name(before)))}(copy)?\d*", _tight(name))
    return name if own is None or text_name(before) == text_name(after) else free_name(text_name(after), taken)


def _tight(text: str) -> str:
    """Without spaces and capitals: characters one below the other are the same text."""
    return "".join(text.split()).casefold()
